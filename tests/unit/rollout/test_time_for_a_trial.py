"""No trial begins that the time of its search would end before anything could be certified."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.rollout.exposure import weights
from earlystop.rollout.state import BETWEEN_TRIALS, Phase, RolloutState
from earlystop.rollout.stored.status_codec import from_status
from earlystop.rollout.trials.clock import has_time_for_a_trial, least_seconds
from earlystop.rollout.trials.sequence import begin_search
from earlystop.rollout.verify.verdict import object_differences
from tests.unit.every_row import every_row
from tests.unit.rollout.policies import NOW
from tests.unit.rollout.searching import SAFE_BUT_LAST, World, ends, searched


def begun(world: World) -> list[RolloutState]:
    """The first state of each campaign."""
    first: dict[int, RolloutState] = {}
    for each in world.history:
        first.setdefault(each.campaign, each)
    return list(first.values())


@pytest.mark.slow
@every_row("seconds", range(240, 1000, 40))
def test_each_later_trial_begins_with_the_time_for_a_certificate_whatever_time_its_search_has(seconds: int) -> None:
    world = World(searched({"budget": {"seconds": seconds}}), SAFE_BUT_LAST)
    over = world.run()
    for each in begun(world)[1:]:
        assert each.search is not None
        assert each.campaign_started_at + least_seconds(world.spec) <= each.search.started_at + seconds
    assert over.search is not None and over.search.ended is not None
    assert over.search.ended.at <= over.search.started_at + seconds + 120
    if over.search.incumbent is not None:
        percents = weights(over)
        assert over.phase is Phase.PROMOTED and percents is not None and percents[0] == 0


@pytest.mark.parametrize("late", [0, 1, 5000], ids=["just too late", "a second later", "long over"])
def test_an_operator_that_comes_back_too_late_for_another_trial_begins_none_and_the_best_setting_serves(
    late: int,
) -> None:
    seconds = 5000
    world = World(searched({"budget": {"seconds": seconds}}), SAFE_BUT_LAST)
    state = world.run(lambda state: state.phase in BETWEEN_TRIALS)
    assert state.search is not None and state.search.incumbent is not None
    latest = state.search.started_at + seconds - least_seconds(world.spec)
    world.state = from_status(world.written[-1])[0]
    world.now = latest
    assert world.start().phase is Phase.APPLYING, "at the last moment one still begins"
    world.now = latest + 1 + late
    over = world.start()
    assert over.phase is Phase.PROMOTED and over.search is not None and over.search.ended is not None
    assert over.search.ended.reason == "SearchBudgetUsed" and ends(over) == ends(state)
    assert "suffices for no other trial" in over.search.ended.message
    assert [object_differences(each) for each in world.verdicts.values()] == [[]]


@pytest.mark.parametrize(
    ("changes", "least"),
    [
        ({}, 30 + 15),
        ({"rollout": {"settleSeconds": 0, "lookSeconds": 300}}, 300),
        ({"objective": {"exactMatch": {"assumeIndependent": None, "longestSessionSeconds": 60}}}, 30 + 64 * 15),
    ],
    ids=["one look", "a long look", "looks that teach how much answers scatter"],
)
def test_the_least_time_of_a_trial_is_its_wait_and_the_looks_before_any_certificate(
    changes: dict[str, Any], least: int
) -> None:
    spec = searched({"budget": {"seconds": 20_000}}, **changes)
    assert least_seconds(spec) == least
    search = begin_search(spec, RolloutState(), NOW, "", None, is_repeated=False)
    latest = NOW + 20_000 - least
    assert [has_time_for_a_trial(spec, search, at) for at in (NOW, latest, latest + 1)] == [True, True, False]


@pytest.mark.parametrize("budget", [None, {"requests": 5000}])
def test_a_search_without_a_time_always_has_the_time_for_another_trial(budget: dict[str, int] | None) -> None:
    spec = searched({"budget": budget})
    search = begin_search(spec, RolloutState(), NOW, "", None, is_repeated=False)
    assert has_time_for_a_trial(spec, search, NOW + 10**9)
