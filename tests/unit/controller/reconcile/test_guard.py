"""A guarded promotion in the controller: watched, taken back when harm begins, and never by an outage."""

from __future__ import annotations

import copy
import json

import pytest

from earlystop.api.conditions import ConditionStatus
from earlystop.controller.cluster import Manifest
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.rollout.verify.verdict import object_differences
from tests.unit.controller.guarded_world import GuardedWorld
from tests.unit.controller.killed import Dying, reconcile_through
from tests.unit.controller.searching_world import SearchingWorld


@pytest.mark.slow
async def test_a_promoted_setting_is_watched_while_the_policy_stays_promoted() -> None:
    async with GuardedWorld().open() as world:
        assert isinstance(world, GuardedWorld)
        await world.reconcile_until("Promoted")
        saved = world.status["savings"]["savedTokens"]
        await world.pass_time(900)
        assert world.status["savings"]["savedTokens"] > saved, "what is saved after a promotion was not booked"
        assert world.status["phase"] == "Promoted" and world.condition("Guarded")["status"] == "True"
        assert world.condition("Promoted")["status"] == world.condition("Ready")["status"] == "True"
        assert world.route_weights() == {"qa": 10, "qa-es-candidate": 90}
        assert world.status["guard"]["window"]["saving"] == "50.0 %"
        assert len(json.dumps(world.policy["status"], separators=(",", ":"))) <= 4096 and len(world.verdicts()) == 1
        assert "ledger" in world.status["internal"] and "ForeignEditUndone" not in world.told()


@pytest.mark.slow
async def test_harm_after_a_promotion_takes_the_route_back_before_its_verdict_is_stored() -> None:
    async with GuardedWorld().open() as world:
        assert isinstance(world, GuardedWorld)
        await world.reconcile_until("Promoted")
        await world.pass_time(900)
        world.turning.turns_at = world.now
        before = len(world.written("route", "verdict"))
        await world.reconcile_until("RolledBack")
        assert world.written("route", "verdict")[before:] == ["route", "verdict"]
        first, second = world.verdicts()
        assert second["metadata"]["name"] == f"{first['metadata']['name']}-2"
        assert second["spec"]["reason"] == "GuardAlarm" and second["spec"]["previous"] == first["spec"]["digest"]
        assert object_differences(second) == []
        assert world.told() >= {"Promoted", "Watching", "GuardAlarm", "RolledBack"}
        assert "certified" not in world.status and world.condition("Guarded")["reason"] == "GuardAlarm"


async def healthy_for(seconds: float) -> tuple[dict[str, Manifest], float]:
    """The objects of a promotion that was watched for so long, and the time."""
    async with GuardedWorld().open() as world:
        assert isinstance(world, GuardedWorld)
        await world.reconcile_until("Promoted")
        await world.pass_time(seconds)
        return world.api.objects, world.now


async def to_the_end(
    objects: dict[str, Manifest], now: float, kill_at: int | None = None, *, before: bool = False
) -> tuple[Dying, dict[str, str]]:
    """Harm begins, and the operator dies at one of its writes; another one follows. Returns the verdicts' decisions."""
    world = GuardedWorld()
    api = world.api = Dying(copy.deepcopy(objects), kill_at, before=before)
    world.now = world.turning.turns_at = now
    world.restart()
    async with world.open():
        await reconcile_through(world, lambda: world.status["phase"] == "RolledBack")
    assert world.route_weights() == {"qa": 100, "qa-es-candidate": 0}
    return api, {each["metadata"]["name"]: each["spec"]["reason"] for each in world.verdicts()}


@pytest.mark.slow
async def test_an_alarm_that_is_interrupted_at_any_write_comes_to_the_same_end_and_doubles_nothing() -> None:
    objects, now = await healthy_for(900)
    whole, verdicts = await to_the_end(objects, now)
    assert sorted(verdicts.values()) == ["GuardAlarm", "NonInferiorAndSaving"] and whole.writes >= 4
    for kill_at in range(whole.writes):
        for before in (False, True):
            api, found = await to_the_end(objects, now, kill_at, before=before)
            assert found == verdicts and api.writes > kill_at


@pytest.mark.slow
async def test_an_outage_under_guard_is_told_and_the_promoted_setting_stays() -> None:
    async with GuardedWorld().open() as world:
        assert isinstance(world, GuardedWorld)
        await world.reconcile_until("Promoted")
        await world.pass_time(600)
        world.counts.failure = MetricsFailure(FailureKind.UNREACHABLE, "The source does not answer.")
        await world.pass_time(1800)
        assert world.status["phase"] == "Promoted" and world.route_weights()["qa-es-candidate"] == 90
        assert world.condition("Guarded")["reason"] == "GuardBlind"
        world.counts.failure = None
        await world.pass_time(900)
        assert world.condition("Guarded")["status"] == ConditionStatus.TRUE.value and len(world.verdicts()) == 1


@pytest.mark.slow
async def test_a_guard_that_is_written_later_or_removed_is_followed_without_a_new_campaign() -> None:
    async with GuardedWorld({"holdbackWeight": 10}).open() as world:
        assert isinstance(world, GuardedWorld)
        await world.reconcile_until("Promoted")
        await world.pass_time(300)
        spec = dict(world.policy["spec"])
        guard = spec.pop("guard")
        world.edit_spec(spec)
        await world.pass_time(300)
        assert world.route_weights() == {"qa": 0, "qa-es-candidate": 100} and not world.condition("Guarded")
        world.edit_spec({**spec, "guard": guard})
        await world.pass_time(300)
        assert world.route_weights()["qa"] == 10 and world.condition("Guarded")["status"] == "True"
        assert world.status["campaign"] == 1 and len(world.verdicts()) == 1
        assert "ForeignEditUndone" not in world.told()


@pytest.mark.slow
async def test_an_abort_takes_a_guarded_setting_off_and_ends_the_watch() -> None:
    async with GuardedWorld().open() as world:
        assert isinstance(world, GuardedWorld)
        await world.reconcile_until("Promoted")
        await world.pass_time(300)
        world.edit(annotations={"earlystop.dev/abort": world.status["revision"]})
        await world.reconcile_until("RolledBack")
        assert world.verdicts()[-1]["spec"]["reason"] == "Aborted" and "guard" not in world.status


@pytest.mark.slow
async def test_the_best_setting_of_a_search_is_watched_by_its_own_counts() -> None:
    async with SearchingWorld(changes={"guard": {"holdbackWeight": 10}}).open() as world:
        assert isinstance(world, SearchingWorld)
        await world.search()
        await world.pass_time(600)
        guard = world.status["guard"]
        assert guard["phase"] == "Observing" and guard["looksTaken"] >= 5 and "alarm" not in guard
        candidate, baseline = (guard["window"][arm]["scored"] for arm in ("candidate", "baseline"))
        assert candidate == 9 * baseline, "the counts of the setting under the last trial were compared"
