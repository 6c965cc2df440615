"""What is said of requests that stay open, before and after they count as never ended."""

from __future__ import annotations

import pytest

from earlystop.api.counts import Look, Tally
from earlystop.evidence import engine
from earlystop.evidence.objective import Objective
from earlystop.rollout.doubts import attrition_phrase

OBJECTIVE = Objective(margin=0.02, minimum_saving=0.1, risk_promote=0.05, risk_harm=0.05)


def arm(never_end: int) -> Tally:
    ended = 100 - never_end
    return Tally(100, ended, 0, ended, 0, 0, 300 * ended, 90_000 * ended)


@pytest.mark.parametrize(
    ("number", "never_end", "said"),
    [
        (5, 8, "8.0 % of the candidate's latest requests stay open and 0.0 % of the baseline's"),
        (60, 60, "at least 26.7 % of the candidate's requests never ended and 0.0 % of the baseline's"),
    ],
)
def test_requests_that_stay_open_are_told_from_those_that_are_too_old_to_end(
    number: int, never_end: int, said: str
) -> None:
    looks = [Look(15 * at, 0, 50, arm(0), arm(never_end)) for at in range(number)]
    state = engine.replay(OBJECTIVE, looks)
    assert engine.Gap.ATTRITION in state.assessment.gaps
    assert attrition_phrase(state) == said
