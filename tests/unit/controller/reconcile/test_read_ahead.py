"""Looks that were missed are read together and taken one by one: all comes out as if each had been read by itself."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Mapping

import pytest

from earlystop.api.source import SourceSpec
from earlystop.controller.cluster import EVENTS, ClusterError, Manifest
from earlystop.controller.counts.part_reading import Result
from earlystop.controller.counts.reading_ahead import Readings
from earlystop.controller.counts.take_look import BEHIND_SECONDS
from earlystop.metrics.convention.reader import CountRequest
from earlystop.metrics.convention.several_moments import MOST_COUNTS
from earlystop.metrics.count_ledger import AnyRequest, pack_ledger
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.rollout.look_schedule import next_look
from tests.unit.controller.embedded_world import SOURCE, World
from tests.unit.controller.faulty import Fault, Faulty
from tests.unit.controller.guarded_world import GuardedWorld
from tests.unit.controller.memory import Memory
from tests.unit.controller.reconcile.qualities import HARMFUL, ONE_STEP, SAVING
from tests.unit.rollout.traffic import Quality

SLOW = {
    "rollout": {"steps": [{"weight": 50}], "deadlineSeconds": 86_400},
    "objective": {"risk": {"promote": "0.000001"}},
}
AWAY = MetricsFailure(FailureKind.UNREACHABLE, "away")
STALE = MetricsFailure(FailureKind.STALE, "the newest sample is too old")


def with_source(world: World, *, ahead: bool, failing: Mapping[int, MetricsFailure]) -> list[int]:
    """Let a world's source answer for several moments at once, or for none, and fail at some looks of those that begin
    on even seconds. Returns the numbers of moments that are asked for together, as they come."""
    asked, read, several = list[int](), world.counts.read, world.counts.read_ahead

    async def failing_read(source: str, request: AnyRequest, at: int) -> Result:
        return failing.get(at // 15 % 7) or await read(source, request, at)

    async def read_ahead(source: str, request: CountRequest, moments: range) -> Readings:
        asked.append(len(moments))
        return await several(source, request, moments) if ahead else {}

    world.counts.read, world.counts.read_ahead = failing_read, read_ahead  # type: ignore[method-assign]
    return asked


def told(objects: Mapping[str, Manifest]) -> list[tuple[str, str]]:
    """Reason and message of every event."""
    return sorted((str(each["reason"]), str(each["message"])) for path, each in objects.items() if "/events/" in path)


async def comes_back(world: World, objects: dict[str, Manifest], now: float, gaps: list[float]) -> list[str]:
    """All that an operator leaves behind that was away again and again for so many seconds: what is stored after each
    start, what is known, written and told."""
    found = []
    world.api = Memory()
    world.api.objects = copy.deepcopy(objects)
    world.now = now
    async with world.open():
        for gap in gaps:
            world.now += gap
            world.restart()
            for _ in range(4):
                await world.reconcile()
            known = repr((world.tracked.state, pack_ledger(world.tracked.ledger), world.tracked.observations))
            found += [known, json.dumps(world.policy["status"])]
    kept = {path: each for path, each in world.api.objects.items() if not path.startswith(EVENTS.path("llm"))}
    return [*found, repr(kept), repr(told(world.api.objects)), repr(world.written()), repr(world.now)]


async def begun(world: World, seconds: float) -> tuple[dict[str, Manifest], float]:
    """The objects of a policy that was watched for so long, and the time."""
    async with world.open():
        await world.reconcile_until("Promoted" if isinstance(world, GuardedWorld) else "Observing")
        await world.pass_time(seconds)
    return world.api.objects, world.now


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: World(SAVING), id="steps"),
        pytest.param(lambda: World(SAVING, ONE_STEP), id="promoted"),
        pytest.param(lambda: World(HARMFUL, ONE_STEP), id="harmful"),
        pytest.param(lambda: World(Quality(mean_tokens=380, requests=7), SLOW), id="undecided"),
    ],
)
async def test_looks_read_together_come_to_what_each_by_itself_comes_to(make: Callable[[], World]) -> None:
    asked = list[int]()
    for seed in range(7):
        draw = random.Random(seed)
        objects, now = await begun(make(), draw.choice([0, 20, 70]))
        gaps = [draw.choice([16, 40, 95, 200, 700]) + draw.random() for _ in range(3)]
        failing = {} if seed % 3 else {draw.randrange(7): draw.choice([AWAY, STALE])}
        one_by_one, together = make(), make()
        with_source(one_by_one, ahead=False, failing=failing)
        several = with_source(together, ahead=True, failing=failing)
        expected = await comes_back(one_by_one, objects, now, gaps)
        assert await comes_back(together, objects, now, gaps) == expected, seed
        asked += several
    assert asked, "no looks were read together"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
async def test_a_guards_missed_looks_read_together_alarm_where_each_by_itself_does(seed: int) -> None:
    draw = random.Random(seed)
    objects, now = await begun(GuardedWorld(), 900)
    gaps = [draw.choice([61, 200, 500, 900]) + draw.random() for _ in range(3)]
    found = []
    for ahead in (False, True):
        world = GuardedWorld()
        world.turning.turns_at = now + 300 if seed % 2 else world.turning.turns_at
        asked = with_source(world, ahead=ahead, failing={})
        found.append(await comes_back(world, objects, now, gaps))
    assert found[0] == found[1]
    assert asked or max(gaps) < 130, "no looks were read together"


@pytest.mark.parametrize(("late", "asked"), [(0.0, []), (BEHIND_SECONDS - 1, []), (BEHIND_SECONDS + 1, [1])])
async def test_a_single_look_that_is_late_waits_for_those_of_others(late: float, asked: list[int]) -> None:
    async with World(SAVING, SLOW).open() as world:
        await world.reconcile_until("Observing")
        looks = len(world.tracked.state.looks)
        while len(world.tracked.state.looks) < looks + 2:
            await world.reconcile()
        at = next_look(world.tracked.times, world.tracked.state)
        assert at is not None
        world.now, numbers = at + SOURCE.evaluation_delay_seconds + late, with_source(world, ahead=True, failing={})
        await world.reconcile()
        assert numbers == asked and len(world.tracked.state.looks) == looks + 3


async def test_a_policy_of_many_servers_holds_the_counts_of_fewer_moments() -> None:
    """The memory that a fleet takes which has missed looks does not grow with its servers."""
    servers = 40
    objects, now = await begun(World(SAVING, SLOW, crowd=servers), 30)
    one_by_one, together = (World(SAVING, SLOW, crowd=servers) for _ in range(2))
    with_source(one_by_one, ahead=False, failing={})
    asked = with_source(together, ahead=True, failing={})
    expected = await comes_back(one_by_one, objects, now, [400.0])
    assert await comes_back(together, objects, now, [400.0]) == expected
    assert max(asked) == MOST_COUNTS // (servers + 2) > 1


async def test_what_was_read_ahead_is_dropped_with_the_reconciliation() -> None:
    objects, now = await begun(World(SAVING, SLOW), 0)
    world = World(SAVING, SLOW)
    await comes_back(world, objects, now, [200.0])
    assert world.tracked.read_ahead is None and len(world.tracked.state.looks) > 8


async def test_what_was_read_ahead_is_dropped_with_a_reconciliation_that_fails() -> None:
    """While the API is away, a fleet would hold the counts of all looks that it has missed."""
    objects, now = await begun(World(SAVING, SLOW), 0)
    world = World(SAVING, SLOW)
    world.api = Faulty(objects, Fault.REFUSED, 0)
    world.now = now + 400
    async with world.open():
        world.restart()
        asked = with_source(world, ahead=True, failing={})
        assert world.reconciler is not None
        with pytest.raises(ClusterError):
            await world.reconciler.reconcile(world.tracked)
        assert asked and world.tracked.read_ahead is None and world.tracked.traffic.gathered.kept is None


@pytest.mark.parametrize("after", [SOURCE.model_copy(update={"namespace_label": "namespace"}), None])
async def test_what_a_source_said_before_it_was_edited_or_deleted_is_taken_for_no_later_look(
    after: SourceSpec | None,
) -> None:
    objects, now = await begun(World(SAVING, SLOW), 0)
    world = World(SAVING, SLOW)
    world.api.objects, world.now = objects, now + 400
    async with world.open():
        world.restart()
        read_ahead, taken = world.counts.read_ahead, list[int]()

        async def edited_meanwhile(source: str, request: CountRequest, moments: range) -> Readings:
            found = await read_ahead(source, request, moments)
            taken.append(len(world.tracked.state.looks))
            world.counts.learn_source(source, after)
            return found

        world.counts.read_ahead = edited_meanwhile  # type: ignore[method-assign]
        await world.reconcile()
        assert taken[1] == taken[0] + 1, "one look is taken of what was read before"


async def test_a_step_that_ends_among_missed_looks_asks_for_the_counts_of_the_next_one() -> None:
    """What was read ahead holds the step's own counts alone."""
    objects, now = await begun(World(SAVING), 0)
    world, steps = World(SAVING), set[tuple[int, int | None]]()
    read = world.counts.read

    async def noted(source: str, request: AnyRequest, at: int) -> Result:
        assert isinstance(request, CountRequest)
        steps.add((world.tracked.state.clock.step, request.step))
        return await read(source, request, at)

    world.counts.read = noted  # type: ignore[method-assign]
    await comes_back(world, objects, now, [400.0, 400.0])
    assert len(steps) > 1 and all(under_way == asked for under_way, asked in steps)
