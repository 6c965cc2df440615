"""An abort waits for no record, and the record has no gap: what could not be stored is stored first."""

from __future__ import annotations

import copy

import pytest

from earlystop.api.wire import GROUP
from earlystop.controller.cluster import VERDICTS, ClusterError, Manifest
from earlystop.rollout.record.chain_report import chain_report
from earlystop.rollout.state import Verdict
from earlystop.rollout.verify.verdict import object_differences
from tests.unit.controller.embedded_world import World
from tests.unit.controller.invariants import snapshot
from tests.unit.controller.killed import Dying, Killed
from tests.unit.controller.reconcile.qualities import ONE_STEP, SAVING


class Full(Dying):
    """A Kubernetes API that has no room for verdicts, and at one of whose writes the operator dies."""

    is_full = True

    async def _call(
        self, method: str, path: str, body: Manifest | None = None, content_type: str = "application/json"
    ) -> Manifest:
        if self.is_full and method == "POST" and path.startswith(VERDICTS.path("llm")):
            raise ClusterError(507, "etcdserver: mvcc: database space exceeded")
        return await super()._call(method, path, body, content_type)

    def check(self) -> None:
        """No verdict of a rollback is there before users are back, and none before the one that it follows."""
        now = snapshot(self)
        made = [each for path, each in self.objects.items() if path.startswith(VERDICTS.path("llm"))]
        assert chain_report("qa", made).problems == ()
        assert Verdict.ROLL_BACK not in now.verdicts.values() or now.in_force == 0


async def promoting() -> tuple[dict[str, Manifest], float]:
    """A cluster in which a promotion is decided and its verdict finds no room."""
    async with World(SAVING, ONE_STEP).open() as world:
        await world.reconcile_until("Observing")
        world.api.fail("POST", *[ClusterError(507, "database space exceeded")] * 1000)
        await world.reconcile_until("Promoting")
        return copy.deepcopy(world.api.objects), world.now


async def aborted(objects: dict[str, Manifest], now: float, kill_at: int | None, *, before: bool = False) -> World:
    """The same after an abort, and to the end once there is room again."""
    world = World(SAVING, ONE_STEP)
    api = world.api = Full(copy.deepcopy(objects), kill_at, before=before)
    world.now = now
    world.restart()
    async with world.open():
        world.edit(annotations={f"{GROUP}/abort": world.status["revision"]})
        for attempt in range(60):
            api.is_full = attempt < 4
            try:
                await world.reconcile()
            except Killed:
                world.now += 1
                world.restart()
            if world.status["phase"] == "RolledBack":
                break
    return world


@pytest.mark.slow
async def test_an_abort_of_a_promotion_without_a_verdict_takes_users_off_at_once_and_both_verdicts_follow() -> None:
    objects, now = await promoting()
    world = await aborted(objects, now, None)
    assert isinstance(world.api, Full)
    assert world.status["phase"] == "RolledBack" and "unstored" not in world.status
    first, second = sorted(world.verdicts(), key=lambda each: str(each["metadata"]["name"]))
    assert [each["spec"]["decision"] for each in (first, second)] == ["Promote", "RollBack"]
    assert second["spec"]["previous"] == first["spec"]["digest"]
    assert [object_differences(each) for each in (first, second)] == [[], []]
    report = chain_report("qa", world.verdicts())
    assert (report.problems, report.head) == ((), world.status["decision"]["digest"])


@pytest.mark.slow
async def test_a_killed_operator_comes_to_the_same_record_at_every_write() -> None:
    objects, now = await promoting()
    whole = await aborted(objects, now, None)
    assert isinstance(whole.api, Full) and whole.api.writes >= 6
    expected = [each["spec"]["decision"] for each in whole.verdicts()]
    for kill_at in range(whole.api.writes):
        for before in (False, True):
            world = await aborted(objects, now, kill_at, before=before)
            assert world.status["phase"] == "RolledBack", (kill_at, before)
            assert [each["spec"]["decision"] for each in world.verdicts()] == expected
            assert chain_report("qa", world.verdicts()).problems == ()


@pytest.mark.slow
async def test_a_record_of_anothers_hand_in_the_place_of_the_first_holds_back_both_until_it_is_gone() -> None:
    objects, now = await promoting()
    name = next(each["status"]["decision"]["name"] for path, each in objects.items() if path.endswith("policies/qa"))
    done = await aborted(objects, now, None)
    real = next(each for each in done.verdicts() if each["metadata"]["name"] == name)
    world = World(SAVING, ONE_STEP)
    world.api.objects, world.now = copy.deepcopy(objects), now
    world.api.put(VERDICTS, {**real, "spec": {**real["spec"], "reason": "Forged"}})
    world.restart()
    async with world.open():
        world.edit(annotations={f"{GROUP}/abort": world.status["revision"]})
        for _ in range(6):
            await world.reconcile()
        conditions = {each["type"]: each for each in world.status["conditions"]}
        assert (world.status["phase"], world.status["weight"]) == ("RollingBack", 0)
        assert snapshot(world.api).in_force == 0 and len(world.verdicts()) == 1
        assert name in conditions["Ready"]["message"]
        del world.api.objects[VERDICTS.path("llm", name)]
        world.now += 600
        await world.reconcile_until("RolledBack")
    assert chain_report("qa", world.verdicts()).problems == ()
