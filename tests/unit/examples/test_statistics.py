"""Two variants that answer alike are hardly ever told apart, however often one looks."""

from __future__ import annotations

import random

import pytest

from earlystop.api.counts import Look, Tally
from earlystop.evidence import engine
from earlystop.evidence.engine import Objective, Verdict

OBJECTIVE = Objective(margin=0.02, minimum_saving=0.10, risk_promote=0.05, risk_harm=0.05)
RUNS, ANSWERS = 200, 60
MOMENTS = range(0, 150, 15)


def answers(rng: random.Random) -> Tally:
    """One variant's share of a look: 70 % of the answers match, each took 300 tokens."""
    match = sum(rng.random() < 0.7 for _ in range(ANSWERS))
    counts = {"match": match, "mismatch": ANSWERS - match, "tokens": 300 * ANSWERS, "tokens_squared": 300**2 * ANSWERS}
    return Tally(started=ANSWERS, completed=ANSWERS, **counts)


@pytest.mark.slow
def test_harm_is_found_among_equals_no_more_often_than_the_risk_allows() -> None:
    rng, found = random.Random(1), 0
    for _ in range(RUNS):
        looks = [Look(at=at, step=0, weight=50, baseline=answers(rng), candidate=answers(rng)) for at in MOMENTS]
        found += engine.assess(engine.replay(OBJECTIVE, looks)).verdict is Verdict.ROLL_BACK
    # The claim allows 5 % of 200 runs; three standard deviations of a binomial above that are 19.
    assert found <= 19
