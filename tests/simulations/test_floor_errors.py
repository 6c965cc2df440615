"""At the floor, in hundreds of runs: few false claims."""

from __future__ import annotations

import numpy as np
import pytest

from earlystop.evidence import floor
from earlystop.evidence.bets import Answers, Side
from tests.unit.evidence.simulate import at_most


@pytest.mark.parametrize("side", list(Side))
def test_at_the_floor_false_claims_stay_within_the_risk(side: Side) -> None:
    rng, runs, wrong = np.random.default_rng(8), 300, 0
    for _ in range(runs):
        process = floor.start(0.8, side)
        for match in rng.binomial(100, 0.8, size=80):
            process = floor.update(process, Answers(100, int(match)))
        wrong += process.log_e_max >= np.log(20)
    assert wrong / runs <= at_most(0.05, runs)
