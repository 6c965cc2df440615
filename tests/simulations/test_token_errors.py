"""Savings of just the edge, in hundreds of runs: few false claims."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.evidence.simulate import RAMP, RISK, at_most, first_saving_claim


@pytest.mark.parametrize("weights", [(50,), (10,), RAMP])
def test_a_saving_at_the_edge_is_claimed_no_more_often_than_the_risk(weights: tuple[int, ...]) -> None:
    runs = 250
    rng = np.random.default_rng(11)
    false = sum(first_saving_claim(rng, 0.10, 100, 200, weights) is not None for _ in range(runs))
    assert false / runs <= at_most(RISK, runs)


def test_looks_of_ten_answers_still_gather_into_bets_and_keep_the_risk() -> None:
    runs = 200
    rng = np.random.default_rng(12)
    false = sum(first_saving_claim(rng, 0.10, 200, 10, (50,)) is not None for _ in range(runs))
    assert false / runs <= at_most(RISK, runs)
    assert all(first_saving_claim(rng, 0.45, 200, 10, (50,)) is not None for _ in range(20))
