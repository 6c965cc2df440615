"""The grid of bets and the two mixtures that everything else is built on."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_ndtr, logsumexp

from earlystop.evidence import normal_mixture
from earlystop.evidence.exact_match import HARM_GRID, PROMOTE_GRID
from earlystop.evidence.mixture import BetGrid, log_mixture, weighted_grid
from tests.unit.evidence.simulate import examples


@pytest.mark.parametrize("grid", [PROMOTE_GRID, HARM_GRID], ids=["promote", "harm"])
def test_the_shares_of_a_grid_sum_to_one_and_none_exceeds_the_middle_bet(grid: BetGrid) -> None:
    shares = np.exp(grid.log_weights)
    assert len(grid) == 12 and shares.sum() == pytest.approx(1, abs=1e-14)
    assert shares.max() == shares[grid.sizes.index(1.0)]


@pytest.mark.parametrize("sizes", [PROMOTE_GRID.sizes, HARM_GRID.sizes], ids=["promote", "harm"])
def test_a_grid_spans_from_a_third_of_the_margin_to_sixteen_margins(sizes: tuple[float, ...]) -> None:
    assert sizes[0] == pytest.approx(0.35355339) and sizes[-1] == 16.0


@pytest.mark.slow
@examples
@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0.01, 9)), min_size=1, max_size=20))
def test_the_mixture_equals_scipys_logsumexp_even_where_a_float_would_overflow(
    bets: list[tuple[float, float]],
) -> None:
    capital = [bet[0] for bet in bets]
    grid = weighted_grid(range(len(bets)), [bet[1] for bet in bets])
    expected = logsumexp(np.array(capital) + np.array(grid.log_weights))
    assert log_mixture(capital, grid.log_weights) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_the_normal_mixture_reproduces_published_values() -> None:
    assert normal_mixture.log_e(150, 5000, 0.02) == pytest.approx(1.601317, abs=5e-7)
    # confseq 0.0.11: normal_log_mixture(s=30, v=100, v_opt=100, alpha_opt=.05, one-sided)
    assert normal_mixture.log_e(30, 100, 0.2515722) == pytest.approx(3.580569604, abs=1e-6)
    # confseq 0.0.11: normal_mixture_bound(v=100, alpha=.05, v_opt=100, alpha_opt=.05, one-sided)
    assert normal_mixture.log_e(27.66070883, 100, 0.2515722) == pytest.approx(math.log(20), abs=1e-6)


@examples
@given(st.floats(-1e4, 1e4), st.floats(0, 1e6), st.floats(1e-3, 1e3))
def test_the_normal_mixture_equals_its_formula_in_scipy(statistic: float, information: float, scale: float) -> None:
    precision = scale**-2
    total = information + precision
    z = statistic / math.sqrt(total)
    expected = math.log(2) + 0.5 * math.log(precision / total) + z * z / 2 + log_ndtr(z)
    # The textbook form loses digits where z^2/2 and log_ndtr cancel, ours does not.
    found = normal_mixture.log_e(statistic, information, scale)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-11 + 1e-15 * z * z)


@pytest.mark.slow
@examples
@given(st.floats(0, 1e6), st.floats(1e-3, 1e3), st.floats(1e-6, 0.5))
def test_the_boundary_is_never_inside_the_test_that_it_inverts(information: float, scale: float, risk: float) -> None:
    boundary = normal_mixture.boundary(information, scale, risk)
    assert normal_mixture.log_e(boundary, information, scale) >= -math.log(risk) - 1e-9


def test_the_boundary_is_less_than_one_percent_wider_than_confseqs() -> None:
    assert 27.66070883 <= normal_mixture.boundary(100, 0.2515722, 0.05) <= 27.66070883 * 1.01
