"""The deadline leaves time to trials that follow: where none can, the last one has the rest of the search's time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.state import TRYING, WATCHING, Phase, RolloutState
from earlystop.rollout.transitions import expire
from earlystop.rollout.trials.deadline import ends_at
from earlystop.rollout.verify.verdict import object_differences
from tests.unit.rollout.searching import SAFE_BUT_LAST, Truth, World, searched

BARELY_SAVING = dict.fromkeys(SAFE_BUT_LAST, Truth(mean_tokens=535))
DEADLINE, WHOLE = 150, 600
ROLLOUT = {"rollout": {"deadlineSeconds": DEADLINE}}


def ended(search: dict[str, Any]) -> tuple[World, list[tuple[str, int]]]:
    """A search in which nothing can be shown in time, with the reason of each trial's end, and how long it took."""
    world = World(searched({"horizonRequests": 1_000_000_000, **search}, **ROLLOUT), BARELY_SAVING)
    took: dict[str, tuple[str, int]] = {}
    world.run()
    for state in world.history:
        if state.decision is not None:
            took[state.revision] = state.decision.reason, state.decision.at - state.campaign_started_at
    return world, list(took.values())


@pytest.mark.slow
def test_the_last_trial_that_may_fail_has_the_rest_of_the_searchs_time_and_those_before_it_their_deadline() -> None:
    world, trials = ended({"failureBudget": 2, "budget": {"seconds": WHOLE}})
    (first, first_took), (last, last_took) = trials
    assert (first, last) == ("DeadlineExceeded", "SearchBudgetUsed")
    assert DEADLINE <= first_took < last_took
    search = world.state.search
    assert search is not None and search.ended is not None and search.ended.reason == "SearchBudgetUsed"
    assert search.ended.at >= search.started_at + WHOLE and world.state.phase is Phase.ROLLED_BACK
    assert all(object_differences(each) == [] for each in world.verdicts.values())


@pytest.mark.slow
def test_the_last_setting_that_was_not_tried_has_it_too_however_many_may_fail_still() -> None:
    _, trials = ended(
        {
            "failureBudget": 10,
            "parameters": [{"name": "window", "values": ["30", "20"]}],
            "budget": {"seconds": WHOLE},
        }
    )
    assert [reason for reason, _ in trials] == ["DeadlineExceeded", "SearchBudgetUsed"]


@pytest.mark.slow
@pytest.mark.parametrize("budget", [None, {"requests": 1_000_000_000}])
def test_without_a_time_of_the_search_the_deadline_ends_the_last_trial_as_any_other(budget: Any) -> None:
    _, trials = ended({"failureBudget": 2, "budget": budget})
    assert [reason for reason, _ in trials] == ["DeadlineExceeded"] * 2


def test_a_time_of_the_search_that_is_over_sooner_ends_the_last_trial_sooner() -> None:
    world, trials = ended({"failureBudget": 2, "budget": {"seconds": DEADLINE + 60}})
    assert trials[-1][0] == "SearchBudgetUsed" and trials[-1][1] < DEADLINE
    assert world.state.search is not None and world.state.search.ended is not None


def late_in_its_last_trial() -> tuple[World, RolloutState]:
    """The last trial of a search, watched beyond its deadline."""
    world = World(searched({"failureBudget": 1, "budget": {"seconds": WHOLE}}, **ROLLOUT), BARELY_SAVING)

    def is_late(state: RolloutState) -> bool:
        return state.phase in WATCHING and world.now > state.campaign_started_at + DEADLINE

    return world, world.run(is_late)


def test_an_outage_after_the_deadline_of_the_last_trial_is_waited_for_as_any_other() -> None:
    world, state = late_in_its_last_trial()
    times = LiveTimes.of(world.spec)
    assert state.search is not None
    holds = times.on_no_metrics.hold_seconds
    lost = replace(state, metrics_lost_at=world.now)
    assert expire(times, lost, world.now + holds - 1).phase in TRYING
    interrupted = expire(times, lost, world.now + holds)
    assert interrupted.decision is not None and interrupted.decision.reason == "NoMetrics"


def test_the_end_of_the_last_trial_is_that_of_the_search_and_a_longer_deadline_holds() -> None:
    _, state = late_in_its_last_trial()
    assert state.search is not None
    assert ends_at(DEADLINE, state) == state.search.started_at + WHOLE
    assert ends_at(10 * WHOLE, state) == state.campaign_started_at + 10 * WHOLE
