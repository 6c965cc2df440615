"""The looks that are due are those that follow each other as long as nothing follows from any."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import looks_due, next_look
from earlystop.rollout.state import RolloutState
from earlystop.rollout.transitions import lose_metrics, weights_in_force
from tests.unit.rollout.policies import NOW, PATIENT, policy, started
from tests.unit.rollout.states import REACHED

TIMES = LiveTimes.of(policy())


def one_by_one(state: RolloutState, until: float) -> list[int]:
    """The moments of looks that change nothing, until none is due."""
    found = list[int]()
    while (at := next_look(TIMES, state)) is not None and at <= until:
        found.append(at)
        state = replace(state, last_look_at=at)
    return found


@pytest.mark.parametrize("late", [-1, 0, 14.5, 15, 100, 3600])
def test_looks_are_due_at_the_moments_at_which_each_would_be_taken(late: float) -> None:
    state = REACHED["observing"]
    first = next_look(TIMES, state)
    assert first is not None
    due = looks_due(TIMES, state, first + late)
    assert list(due) == one_by_one(state, first + late) and bool(due) == (late >= 0)


def test_a_look_after_which_others_ask_for_more_is_due_alone() -> None:
    begun = weights_in_force(started(PATIENT), NOW)  # its step settles, at moments of its own
    without_counts = lose_metrics(REACHED["observing"], NOW + 10_000)  # it reaches back to the last counts
    for state in (begun, without_counts):
        at = next_look(TIMES, state)
        assert at is not None and list(looks_due(TIMES, state, at + 1000)) == [at]


def test_nothing_is_due_where_nothing_is_watched() -> None:
    assert not looks_due(TIMES, started(policy()), NOW + 1000)
