"""The floor: equal to scipy's Beta functions, exact in far tails, and never growing under the null."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betaincc, betaln, logsumexp, xlog1py, xlogy

from earlystop.evidence import floor
from earlystop.evidence.bets import Answers, Side
from tests.unit.evidence.simulate import binomial, examples


def test_cumulative_counts_reproduce_the_pinned_evidence() -> None:
    assert floor.log_e(Answers(200, 160), 0.7, Side.PROMOTE) == pytest.approx(3.70027456, abs=5e-9)


@examples
@given(st.integers(0, 3000), st.floats(0, 1), st.floats(0.02, 0.98), st.sampled_from(list(Side)), st.floats(1, 3))
def test_the_evidence_equals_scipys_beta_functions(
    scored: int, share: float, level: float, side: Side, dispersion: float
) -> None:
    match = round(scored * share)
    hit, miss = match / dispersion, (scored - match) / dispersion
    edge = level
    if side is Side.HARM:
        hit, miss, edge = miss, hit, 1 - level
    survival = betaincc(1 + hit, 1 + miss, edge)
    if survival < 1e-280:
        return  # scipy has no more digits; the next test covers it
    expected = betaln(1 + hit, 1 + miss) + np.log(survival) - np.log(1 - edge) - xlogy(hit, edge) - xlog1py(miss, -edge)
    found = floor.log_e(Answers(scored, match), level, side, dispersion)
    assert found == pytest.approx(float(expected), rel=1e-7, abs=1e-7)


@pytest.mark.parametrize(("scored", "match", "level"), [(149_160, 47_861, 0.36), (5000, 500, 0.7), (90_000, 9, 0.5)])
def test_far_tails_equal_the_integral_over_rates(scored: int, match: int, level: float) -> None:
    steps = np.geomspace(1e-12, 1 - level, 400_001)  # dense where the integrand is: just above the floor
    rate = level + (steps[1:] + steps[:-1]) / 2
    gain = xlogy(match, rate / level) + xlogy(scored - match, (1 - rate) / (1 - level))
    expected = float(logsumexp(gain, b=np.diff(steps) / (1 - level)))
    assert floor.log_e(Answers(scored, match), level, Side.PROMOTE) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("level", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("scored", [1, 6, 25])
def test_no_null_hypothesis_lets_the_evidence_grow_on_average(side: Side, level: float, scored: int) -> None:
    e_values = np.exp([floor.log_e(Answers(scored, x), level, side) for x in range(scored + 1)])
    for depth in np.linspace(0, 1, 21):
        rate = level * (1 - depth) if side is Side.PROMOTE else level + (1 - level) * depth
        chance = np.array([binomial(x, scored, rate) for x in range(scored + 1)])
        assert float(chance @ e_values) <= 1 + 1e-12


def test_a_rate_well_on_either_side_is_found_and_nothing_is_known_at_first() -> None:
    above = floor.update(floor.start(0.8, Side.PROMOTE), Answers(2000, 1700))
    below = floor.update(floor.start(0.8, Side.HARM), Answers(2000, 1500))
    assert above.log_e_max > np.log(20) and below.log_e_max > np.log(20)
    assert floor.log_e(Answers(0, 0), 0.8, Side.HARM) == 0


def test_values_outside_their_domain_are_refused() -> None:
    for level in (0.0, 1.0, float("nan")):
        with pytest.raises(ValueError, match=r"as in 0\.80"):
            floor.start(level, Side.HARM)
    with pytest.raises(ValueError, match="write 0 <= match"):
        floor.log_e(Answers(5, 6), 0.8, Side.HARM)
