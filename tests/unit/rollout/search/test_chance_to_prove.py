"""The probability that a trial ends in a certificate: against trials that are drawn, and at its ends."""

from __future__ import annotations

from math import sqrt

import pytest
from numpy.random import default_rng

from earlystop.rollout.search.trial import Estimate
from earlystop.rollout.search.worth import GIVES_UP_BELOW, chance_to_prove

NATS, NOISE = 4.4, 0.51
"""Of a claim at a risk of 2.5 %, and of answers of which 0.85 match, half of them the baseline's."""


@pytest.mark.parametrize(("gap", "used"), [(0.004, 40_000), (-0.002, 60_000), (0.0, 120_000), (0.006, 20_000)])
def test_it_is_how_often_claims_are_proven_of_what_such_an_estimate_leaves_likely(gap: float, used: int) -> None:
    most, runs, random = 360_000, 40_000, default_rng(15)
    truths = random.normal(gap, sqrt(NOISE / used), runs)
    after = random.normal(truths, sqrt(NOISE / (most - used)))
    estimates = (used * gap + (most - used) * after) / most
    proven = float((estimates >= sqrt(2 * NOISE * NATS / most)).mean())
    found = chance_to_prove(Estimate(gap, sqrt(NOISE / used)), used, most, NATS)
    assert found == pytest.approx(proven, abs=4 * sqrt(0.25 / runs))


def test_it_grows_with_the_estimate_and_nothing_is_left_once_all_requests_are_used() -> None:
    found = [chance_to_prove(Estimate(gap / 1000, 0.003), 50_000, 360_000, NATS) for gap in range(-20, 30)]
    assert found == sorted(found) and found[0] < GIVES_UP_BELOW and found[-1] > 0.99
    assert chance_to_prove(Estimate(0.1, 0.001), 360_000, 360_000, NATS) == 0.0
