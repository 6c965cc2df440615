"""Whatever goes wrong with whichever write after a promotion, the end is the same and nothing is doubled or lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest

from earlystop.controller.cluster import Manifest
from tests.unit.controller.busy_world import BusyWorld
from tests.unit.controller.certified_world import CertifiedWorld
from tests.unit.controller.embedded_world import World
from tests.unit.controller.faulty import Fault, Faulty, play, record_of
from tests.unit.controller.guarded_world import GuardedWorld

HOOKS = [{"name": "ci", "targetRef": {"name": "ci"}, "on": ["Promoted", "RolledBack", "Lapsed", "Alarm"]}]
Objects = tuple[dict[str, Manifest], float]


class Story(NamedTuple):
    """What happens: begin: the objects before it; world: what is played on them; is_over: once that has ended."""

    begin: Callable[[], Awaitable[Objects]]
    world: Callable[[], World]
    happens: Callable[[Any], None]
    is_over: Callable[[Any], bool]


async def promoted_for(world: Any, seconds: float) -> Objects:
    async with world.open():
        await world.reconcile_until("Promoted")
        if seconds:
            await world.pass_time(seconds)
        return world.api.objects, world.now


def guarded() -> CertifiedWorld:
    return CertifiedWorld(hooks=HOOKS)


def lapsing() -> CertifiedWorld:
    return CertifiedWorld("RollBack", hooks=HOOKS)


def turns_bad(world: GuardedWorld) -> None:
    world.turning.turns_at = world.now


def nothing(_: World) -> None:
    return


def busy() -> BusyWorld:
    world = BusyWorld()
    world.busy.load = (90.0,)
    return world


def grows_quiet(world: BusyWorld) -> None:
    world.busy.load = (3.0,)


STORIES = {
    "looks move into the verdict": Story(
        lambda: promoted_for(guarded(), 0),
        guarded,
        nothing,
        lambda world: "recorded" in world.status["internal"] and world.status["guard"]["looksTaken"] >= 2,
    ),
    "alarm": Story(
        lambda: promoted_for(guarded(), 900),
        guarded,
        turns_bad,
        lambda world: world.status["phase"] == "RolledBack",
    ),
    "lapse": Story(
        lambda: promoted_for(lapsing(), 600),
        lapsing,
        lambda world: world.label("llama-4"),
        lambda world: world.status["phase"] == "RolledBack",
    ),
    "load falls": Story(
        lambda: promoted_for(busy(), 120),
        busy,
        grows_quiet,
        lambda world: world.status["guard"].get("serves") == "w10" and world.most_served() == "w10",
    ),
}


class End(NamedTuple):
    """What is left: the record, what hooks are to be told, what serves, and what the status says."""

    record: list[tuple[Any, ...]]
    queue: list[str]
    served: Any
    status: list[Any]


def end_of(world: Any) -> End:
    status = world.status
    queue = [" ".join(each.split()[:2]) for each in status.get("hooks", {}).get("queue", ())]
    served = world.most_served() if isinstance(world, BusyWorld) else world.route_weights()
    ready = world.condition("Ready")["reason"]
    said = [status["phase"], status["campaign"], status.get("guardSteps"), status.get("certified", {}).get("values")]
    return End(record_of(world), queue, served, [*said, status["decision"]["digest"] != "", ready])


async def to_the_end(story: Story, begun: Objects, fault: Fault | None, at: int | None) -> tuple[Faulty, End]:
    world: Any = story.world()
    api = world.api = Faulty(begun[0], fault, at)
    world.now = begun[1]
    world.restart()
    story.happens(world)
    api.writes.clear()
    async with world.open():
        await play(world, lambda: story.is_over(world))
        assert world.status["decision"]["digest"] in {each["spec"]["digest"] for each in world.verdicts()}
        # Another operator goes on from what is stored: nothing of the campaign is missing there.
        world.restart()
        await world.reconcile()
        assert world.tracked.state.recorded is None and world.tracked.state.looks
        return api, end_of(world)


@pytest.mark.slow
@pytest.mark.parametrize("name", STORIES)
async def test_whatever_goes_wrong_with_any_write_comes_to_the_same_end(name: str) -> None:
    story = STORIES[name]
    begun = await story.begin()
    whole, expected = await to_the_end(story, begun, None, None)
    writes = len(whole.writes)
    assert writes >= 2
    for at in range(writes):
        for fault in Fault:
            api, found = await to_the_end(story, begun, fault, at)
            assert len(api.writes) > at
            assert found == expected, (at, fault, whole.writes[at])
