"""Ten thousand harmful proposals, from one adversary or from a hundred: hardly a run certifies any of them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.bench.external_adversary import levels_of, runs_that_certify

RUNS, PROPOSALS, LOOKS = 200, 10_000, 60


@pytest.mark.parametrize("proposers", [1, 100])
def test_of_ten_thousand_harmful_proposals_any_is_certified_in_at_most_five_percent_of_runs(proposers: int) -> None:
    levels = levels_of(0.05, proposers, PROPOSALS // proposers)
    assert len(levels) == PROPOSALS and levels.sum() < 0.05
    certified = runs_that_certify(np.random.default_rng(proposers), RUNS, levels, LOOKS)
    assert certified <= 0.05 * RUNS
