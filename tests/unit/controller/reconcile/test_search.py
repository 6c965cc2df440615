"""A search goes on by itself from trial to trial, and an operator that is killed at any of its writes resumes it."""

from __future__ import annotations

import pytest

from earlystop.controller.cluster import EVENTS, ROUTES
from earlystop.delivery.gateway_header import weights_in
from earlystop.delivery.names import overlay_name
from earlystop.rollout.verify.verdict import chain_differences, object_differences
from tests.unit.controller.searching_world import Mortal, SearchingWorld


async def searched(kill_at: int | None = None) -> SearchingWorld:
    """A search that is over."""
    world = SearchingWorld()
    assert isinstance(world.api, Mortal)
    world.api.kill_at = kill_at
    async with world.open():
        await world.search()
    return world


def in_force(world: SearchingWorld) -> set[tuple[int, ...]]:
    """The weights that the overlay has."""
    return weights_in(world.api.at(ROUTES, "llm", overlay_name("qa")))


@pytest.mark.slow
async def test_trials_follow_each_other_until_the_best_setting_serves_all_requests() -> None:
    world = await searched()
    status = world.status
    assert status["phase"] == "Promoted" and status["search"]["incumbent"]["name"] == "window-10"
    assert {"name": "window", "value": "10"} in status["certified"]["values"]
    assert status["campaign"] == len(world.trials) == len(world.verdicts())
    (percents,) = in_force(world)
    assert sum(percents) == 100 and percents[0] == 0 and max(percents) == 100
    verdicts = world.verdicts()
    assert all(object_differences(each) == [] and chain_differences(each, verdicts) == [] for each in verdicts)
    told = [each["reason"] for path, each in world.api.objects.items() if path.startswith(EVENTS.path("llm"))]
    assert told.count("SearchStarted") == told.count("SearchEnded") == 1
    assert told.count("TrialEnded") == told.count("CampaignStarted") == len(world.trials)
    completed = next(each for each in status["conditions"] if each["type"] == "Completed")
    assert (completed["status"], completed["reason"]) == ("True", "Promoted")


@pytest.mark.slow
async def test_a_search_that_is_killed_at_every_third_of_its_writes_comes_to_the_same_end() -> None:
    whole = await searched()
    assert isinstance(whole.api, Mortal)
    for kill_at in range(1, whole.api.writes, 3):
        world = await searched(kill_at)
        assert world.status["phase"] == "Promoted", kill_at
        assert world.trials == whole.trials, kill_at
        assert len(world.verdicts()) == len(world.trials), kill_at
        assert all(object_differences(each) == [] for each in world.verdicts())
