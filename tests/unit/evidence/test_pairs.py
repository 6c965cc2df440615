"""Pairs: the e-value equals its formula, never grows under the null, and its interval covers at all times."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp

from earlystop.api.counts import Pairs
from earlystop.evidence import pairs
from earlystop.evidence.bets import Side
from earlystop.evidence.intervals import Interval
from earlystop.evidence.pairs import stake_grid
from tests.unit.evidence.simulate import at_most, draw_pairs, examples

MARGIN = 0.02
COUNTS = st.builds(Pairs, *[st.integers(0, 5000)] * 4)


@pytest.mark.parametrize(("side", "expected"), [(Side.PROMOTE, 4.003224), (Side.HARM, -1.726639)])
def test_cumulative_pairs_reproduce_the_pinned_evidence(side: Side, expected: float) -> None:
    found = pairs.log_e(Pairs(800, 15, 15, 170), MARGIN, side, stake_grid())
    assert found == pytest.approx(expected, abs=5e-7)


@pytest.mark.slow
@examples
@given(COUNTS, st.sampled_from(list(Side)), st.floats(0, 0.5), st.floats(1, 3))
def test_the_evidence_equals_an_independent_computation_in_numpy(
    counts: Pairs, side: Side, margin: float, dispersion: float
) -> None:
    sizes, shares = np.array(pairs.GRID.sizes), np.exp(pairs.GRID.log_weights)
    stake = side * 0.9 / (1 - side * margin) * sizes
    capital = counts.candidate_only * np.log(1 + stake * (1 + margin)) + counts.baseline_only * np.log(
        1 - stake * (1 - margin)
    )
    capital += (counts.both + counts.neither) * np.log(1 + stake * margin)
    expected = float(logsumexp(capital / dispersion, b=shares))
    found = pairs.log_e(counts, margin, side, dispersion=dispersion)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("side", list(Side))
def test_no_null_hypothesis_lets_the_evidence_grow_on_average(side: Side) -> None:
    trials = 8
    outcomes = [(plus, minus) for plus, minus in product(range(trials + 1), repeat=2) if plus + minus <= trials]
    e_values = np.exp(
        [pairs.log_e(Pairs(0, minus, plus, trials - plus - minus), MARGIN, side) for plus, minus in outcomes]
    )
    for loss, gain, depth in product((0.0, 0.02, 0.1, 0.5), (0.0, 0.05, 0.4), (0.0, 0.1)):
        p_minus, p_plus = loss + gain, gain
        shortfall = p_plus - p_minus + MARGIN + side * depth  # move the mean to the edge, or inside
        p_minus, p_plus = (p_minus + max(shortfall, 0.0), p_plus + max(-shortfall, 0.0))
        if p_minus + p_plus > 1:
            continue
        chance = [
            comb(trials, plus)
            * comb(trials - plus, minus)
            * p_plus**plus
            * p_minus**minus
            * (1 - p_plus - p_minus) ** (trials - plus - minus)
            for plus, minus in outcomes
        ]
        assert float(np.dot(chance, e_values)) <= 1 + 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("side", list(Side))
def test_at_the_edge_false_claims_stay_within_the_risk(side: Side) -> None:
    rng, runs, wrong = np.random.default_rng(3), 300, 0
    for _ in range(runs):
        process = pairs.start(MARGIN, side)
        for look in draw_pairs(rng, 60, 200, 0.06, -MARGIN):
            process = pairs.update(process, look)
        wrong += process.log_e_max >= np.log(20)
    assert wrong / runs <= at_most(0.05, runs)


def test_pairs_that_agree_always_narrow_the_interval_around_no_difference() -> None:
    shown = pairs.interval(Pairs(2000, 0, 0, 100))
    assert shown.estimate == 0 and shown.low is not None and shown.high is not None
    assert -0.01 < shown.low < 0 < shown.high < 0.01


def test_no_pairs_say_nothing() -> None:
    assert pairs.log_e(Pairs(), MARGIN, Side.HARM) == pytest.approx(0, abs=1e-12)
    assert pairs.interval(Pairs()) == Interval(None, -1.0, 1.0)


def test_counts_and_margins_outside_their_domain_are_refused() -> None:
    with pytest.raises(ValueError, match="candidate_only is -1; write"):
        pairs.log_e(Pairs(1, 1, -1, 1), MARGIN, Side.HARM)
    with pytest.raises(ValueError, match=r"as in 0\.02"):
        pairs.start(1.0, Side.PROMOTE)
