"""Looks in parts at the edge, in hundreds of runs: few false claims."""

from __future__ import annotations

import numpy as np
import pytest

from earlystop.evidence import exact_match
from earlystop.evidence.bets import Answers, Side
from earlystop.evidence.split_look import LookInParts
from tests.unit.evidence.simulate import at_most

MARGIN, RISK = 0.02, 0.05


@pytest.mark.parametrize("side", list(Side))
def test_at_the_edge_false_claims_of_looks_in_parts_stay_within_the_risk(side: Side) -> None:
    rng, runs, wrong = np.random.default_rng(11), 300, 0
    counts = rng.binomial(100, [0.85, 0.85 - MARGIN], (runs, 40, 2)).tolist()
    for looks in counts:
        process = exact_match.start(MARGIN, side)
        for at, (match_b, match_c) in enumerate(looks):
            process = exact_match.advance(process, LookInParts(Answers(100, match_b), Answers(100, match_c), at), RISK)
        wrong += process.log_e_max >= np.log(1 / RISK)
    assert wrong / runs <= at_most(RISK, runs)
