"""The setting follows the load in the controller: stored before traffic, over restarts, and never by a load unknown."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Sequence
from math import inf, nan

import pytest

from earlystop.api.source import SourceSpec
from earlystop.controller.cluster import Manifest
from earlystop.metrics.load import LoadQuestion, load_query
from tests.turns import Turns
from tests.unit.controller.busy_world import SOURCE, WHEN_BUSY, BusyWorld
from tests.unit.controller.killed import Dying, Killed

Quiet = tuple[dict[str, Manifest], float]


@pytest.fixture(scope="module")
def quiet() -> Quiet:
    """The objects of a promotion whose more careful setting serves, as there is little load; and the time."""
    return asyncio.run(_quiet())


async def _quiet() -> Quiet:
    async with BusyWorld().open() as world:
        assert isinstance(world, BusyWorld)
        await world.reconcile_until("Promoted")
        await world.pass_time(250)
        assert world.status["guard"]["serves"] == "w10"
        return world.api.objects, world.now


@pytest.mark.slow
async def test_the_setting_follows_the_load_and_each_change_is_told_and_shown() -> None:
    async with BusyWorld().open() as world:
        assert isinstance(world, BusyWorld)
        await world.reconcile_until("Promoted")
        assert world.most_served() == "w5"
        await world.pass_time(200)
        assert world.most_served() == "w10" and world.condition("LoadFollowed")["reason"] == "Quiet"
        world.busy.load = (55.0,)
        await world.pass_time(100)
        assert world.most_served() == "w5" and world.condition("LoadFollowed")["reason"] == "Busy"
        await world.pass_time(150)
        assert world.condition("Guarded")["status"] == "True" and world.status["phase"] == "Promoted"
        assert world.told() >= {"Promoted", "Watching", "Quiet", "Busy"} and "ForeignEditUndone" not in world.told()
        assert len(world.verdicts()) == 1 and world.status["campaign"] == 1
        assert len(json.dumps(world.status["guard"])) <= 4096
        assert set(world.busy.asked) == {'sum(vllm:num_requests_waiting{namespace="llm",job="qa-server"})'}


async def to_busy(
    objects: dict[str, Manifest], now: float, kill_at: int | None = None, *, before: bool = False
) -> tuple[Dying, list[object]]:
    """The load rises, and the operator dies at one of its writes; another one follows. Returns what serves then."""
    world = BusyWorld()
    api = world.api = Dying(copy.deepcopy(objects), kill_at, before=before)
    world.now, world.busy.load = now, (90.0,)
    world.restart()
    served = []
    async with world.open():
        more = 3
        turns = Turns()
        while more and world.now < now + 120 and turns.another():
            try:
                await world.reconcile()
            except Killed:
                world.now += 1
                world.restart()
            served.append((world.status["guard"].get("serves", "w5"), world.most_served()))
            more -= served[-1] == ("w5", "w5")
    assert ("w10", "w5") not in served, "users got the bolder setting before that was stored"
    guard = world.status["guard"]
    return api, [
        guard.get("serves"),
        len(guard["servedSince"]),
        guard["step"],
        world.most_served(),
        world.status["phase"],
    ]


@pytest.mark.slow
async def test_a_change_that_is_interrupted_at_any_write_comes_to_the_same_end_and_changes_once(quiet: Quiet) -> None:
    objects, now = quiet
    whole, end = await to_busy(objects, now)
    assert end[0] is None and end[3] == "w5" and whole.writes >= 3
    for kill_at in range(min(whole.writes, 5)):
        for before in (False, True):
            assert (await to_busy(objects, now, kill_at, before=before))[1] == end


@pytest.mark.parametrize("samples", [(), (nan,), (inf,), (-1.0,), (70.0, 80.0)])
async def test_no_other_answer_than_one_number_is_a_load(samples: Sequence[float], quiet: Quiet) -> None:
    objects, now = quiet
    world = BusyWorld()
    world.api.objects, world.now, world.busy.load = copy.deepcopy(objects), now, samples
    world.restart()
    async with world.open():
        await world.pass_time(90)
    assert world.most_served() == "w10" and world.condition("LoadFollowed")["reason"] == "LoadUnknown"
    assert "LoadUnknown" in world.told()


@pytest.mark.slow
async def test_a_load_that_the_source_does_not_have_is_told_with_those_that_it_has(quiet: Quiet) -> None:
    objects, now = quiet
    for source, words in ((SOURCE, "it has queue"), (SourceSpec(url=SOURCE.url), "it has none")):
        world = BusyWorld()
        world.api.objects, world.now = copy.deepcopy(objects), now
        world.busy.sources["default"], world.busy.load = source, (90.0,)
        world.restart()
        async with world.open():
            spec = world.policy["spec"]
            world.edit_spec({**spec, "guard": {**spec["guard"], "whenBusy": {**WHEN_BUSY, "load": "other"}}})
            await world.pass_time(90)
        condition = world.condition("LoadFollowed")
        assert world.most_served() == "w10" and condition["status"] == "Unknown" and words in condition["message"]
        assert world.status["campaign"] == 1, "an edit of the guard began a campaign"


def test_names_stand_in_a_query_as_text_and_nothing_else_of_a_policy_does() -> None:
    question = LoadQuestion(
        'max(q{a="{policy}",b="{target}",c="{namespace}",d="{other}"}) by (x)', "llm/qa", "qa-server"
    )
    assert load_query(question) == 'max(q{a="llm/qa",b="qa-server",c="llm",d="{other}"}) by (x)'
