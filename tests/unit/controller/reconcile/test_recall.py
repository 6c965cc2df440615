"""A guarded status leaves the looks of its trial to the verdict, and a restarted operator goes on from both."""

from __future__ import annotations

import json

import pytest

from earlystop.controller.cluster import VERDICTS, Manifest
from earlystop.controller.store.recall import note_missing
from earlystop.rollout.verify.verdict import object_differences
from tests.unit.controller.guarded_world import GuardedWorld


def stored_verdict(world: GuardedWorld) -> tuple[str, Manifest]:
    """Path and object of the promotion's verdict."""
    (path,) = (each for each in world.api.objects if each.startswith(VERDICTS.path("llm")))
    return path, world.api.objects[path]


@pytest.mark.slow
async def test_looks_of_a_guarded_promotion_stand_in_its_verdict_alone_and_come_back() -> None:
    async with GuardedWorld().open() as world:
        assert isinstance(world, GuardedWorld)
        await world.reconcile_until("Promoted")
        await world.pass_time(900)
        assert "looks" not in world.status["internal"] and world.status["internal"]["recorded"] == 1
        before, status = world.tracked.state, world.status
        world.restart()
        assert world.tracked.state.recorded is not None and not world.tracked.state.looks
        await world.reconcile()
        (one,), (other,) = world.tracked.state.comparisons, before.comparisons
        assert (one.looks, one.evidence) == (other.looks, other.evidence) and world.tracked.state.recorded is None
        await world.pass_time(900)
        for name in ("counts", "evidence", "decision", "certified"):
            assert world.status[name] == status[name]
        assert world.condition("Ready")["status"] == "True" and len(world.verdicts()) == 1


@pytest.mark.slow
async def test_after_a_restart_the_verdict_of_an_alarm_holds_the_looks_of_the_trial() -> None:
    async with GuardedWorld().open() as world:
        assert isinstance(world, GuardedWorld)
        await world.reconcile_until("Promoted")
        await world.pass_time(900)
        world.restart()
        world.turning.turns_at = world.now
        await world.reconcile_until("RolledBack")
        first, second = world.verdicts()
        assert second["spec"]["lookTable"] == first["spec"]["lookTable"]
        assert second["spec"]["previous"] == first["spec"]["digest"] and object_differences(second) == []


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["removed", "changed", "of another hand"])
async def test_a_verdict_that_is_gone_is_told_and_the_guard_watches_on(harm: str) -> None:
    async with GuardedWorld().open() as world:
        assert isinstance(world, GuardedWorld)
        await world.reconcile_until("Promoted")
        await world.pass_time(900)
        path, kept = stored_verdict(world)
        altered = json.loads(json.dumps(kept))
        if harm == "changed":
            altered["spec"]["lookTable"] = altered["spec"]["lookTable"].rsplit("\n", 1)[0]
        del world.api.objects[path]
        if harm != "removed":
            world.api.objects[path] = altered if harm == "changed" else {**altered, "spec": {"digest": "sha256:0"}}
        status, taken = world.status, world.status["guard"]["looksTaken"]
        world.restart()
        await world.pass_time(600)
        assert world.condition("Ready")["reason"] == "VerdictMissing" and "VerdictMissing" in world.told()
        assert world.status["phase"] == "Promoted" and world.status["guard"]["looksTaken"] > taken
        for name in ("counts", "evidence", "decision", "certified"):
            assert world.status[name] == status[name]
        # From a backup it comes back, and so do its looks.
        backup = json.loads(json.dumps(world.api.objects))
        world.api.objects[path] = kept
        await world.pass_time(300)
        assert world.condition("Ready")["status"] == "True" and len(world.tracked.state.looks) > 0
        # Without one, harm is answered all the same.
        world.api.objects = backup
        world.restart()
        world.turning.turns_at = world.now
        await world.reconcile_until("RolledBack")
        second = world.verdicts()[-1]
        assert second["spec"]["reason"] == "GuardAlarm" and second["spec"]["previous"] == kept["spec"]["digest"]
        assert object_differences(second) == []


@pytest.mark.slow
@pytest.mark.parametrize("is_there", [True, False])
async def test_a_status_of_an_earlier_release_leaves_its_looks_to_the_verdict_once_that_is_there(
    is_there: bool,
) -> None:
    async with GuardedWorld().open() as world:
        assert isinstance(world, GuardedWorld)
        await world.reconcile_until("Promoted")
        assert world.status["internal"]["looks"]
        path, kept = stored_verdict(world)
        if not is_there:
            del world.api.objects[path]
        world.restart()
        await world.pass_time(600)
        assert "looks" not in world.status["internal"] and world.api.objects[path]["spec"] == kept["spec"]
        assert world.condition("Ready")["status"] == "True" and len(world.verdicts()) == 1


@pytest.mark.slow
async def test_looks_stay_in_the_status_while_the_verdict_of_its_name_is_another() -> None:
    async with GuardedWorld().open() as world:
        assert isinstance(world, GuardedWorld)
        await world.reconcile_until("Promoted")
        path, kept = stored_verdict(world)
        world.api.objects[path] = {**kept, "spec": {**kept["spec"], "message": "Somebody else wrote this."}}
        world.restart()
        await world.pass_time(600)
        assert world.status["internal"]["looks"] and world.status["guard"]["looksTaken"] > 2
        world.restart()
        assert len(world.tracked.state.looks) > 0


@pytest.mark.slow
async def test_a_verdict_that_is_taken_away_while_the_operator_runs_is_made_again_before_its_looks_are_lost() -> None:
    async with GuardedWorld().open() as world:
        assert isinstance(world, GuardedWorld)
        await world.reconcile_until("Promoted")
        await world.pass_time(900)
        woken = list[tuple[str, str]]()
        path, kept = stored_verdict(world)
        note_missing([world.tracked], {("llm", kept["metadata"]["name"])}, woken.append)
        assert woken == []
        del world.api.objects[path]
        note_missing([world.tracked], set(), woken.append)
        assert woken == [world.tracked.key]
        await world.reconcile()
        assert world.api.objects[path]["spec"] == kept["spec"]
        await world.pass_time(600)
        assert "looks" not in world.status["internal"]
        world.restart()
        await world.reconcile()
        assert len(world.tracked.state.looks) > 0 and world.condition("Ready")["status"] == "True"
