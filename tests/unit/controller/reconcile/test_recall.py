"""A guarded status leaves the looks of its trial to the verdict, and a restarted operator goes on from both."""

from __future__ import annotations

import json

import pytest

from earlystop.api.status.compact import whole
from earlystop.controller.cluster import VERDICTS, ClusterError, Manifest
from earlystop.controller.store.load_policy import load_new_policy, load_policy
from earlystop.controller.store.recall import note_missing
from earlystop.rollout.stored.plan_reference import PlanElsewhere, has_reference
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


def edited(world: GuardedWorld) -> None:
    """Somebody changes what must be proven."""
    world.edit_spec({**world.policy["spec"], "objective": {"exactMatch": {"margin": "0.07"}}})


@pytest.mark.slow
async def test_a_spec_that_was_edited_while_no_operator_ran_begins_a_campaign_after_the_one_of_the_verdict() -> None:
    async with GuardedWorld().open() as world:
        assert isinstance(world, GuardedWorld)
        await world.reconcile_until("Promoted")
        await world.pass_time(900)
        assert has_reference(whole(world.policy["status"]))
        before, (first,) = world.tracked.state, world.verdicts()
        edited(world)
        world.tracked = await load_new_policy(world.api, world.policy, lambda: world.now)
        assert world.tracked.state.plan == before.plan and world.tracked.is_edited(world.tracked.state)
        await world.pass_time(30)
        await world.reconcile_until("Promoted")
        assert world.status["campaign"] == 2
        assert sorted(each["spec"]["previous"] for each in world.verdicts()) == ["", first["spec"]["digest"]]


@pytest.mark.slow
async def test_an_edit_under_a_guard_is_met_by_an_operator_that_knows_the_plan_also_where_the_verdict_is_gone() -> None:
    async with GuardedWorld().open() as world:
        assert isinstance(world, GuardedWorld)
        await world.reconcile_until("Promoted")
        await world.pass_time(900)
        path, _ = stored_verdict(world)
        del world.api.objects[path]
        edited(world)
        found = await load_policy(world.api, world.policy, world.now, world.tracked)
        assert found.state.plan == world.tracked.state.plan
        await world.pass_time(60)
        assert world.status["campaign"] == 2


@pytest.mark.slow
async def test_without_operator_plan_and_verdict_an_edited_policy_is_refused_until_either_is_put_back() -> None:
    async with GuardedWorld().open() as world:
        assert isinstance(world, GuardedWorld)
        await world.reconcile_until("Promoted")
        await world.pass_time(900)
        spec, plan = world.policy["spec"], world.tracked.state.plan
        path, kept = stored_verdict(world)
        del world.api.objects[path]
        edited(world)
        with pytest.raises(PlanElsewhere, match="restore that verdict, or take the edit back"):
            await load_policy(world.api, world.policy, world.now)
        world.api.objects[path] = kept
        assert (await load_policy(world.api, world.policy, world.now)).state.plan == plan
        del world.api.objects[path]
        world.edit_spec(spec)
        world.tracked = await load_policy(world.api, world.policy, world.now)
        # The guard watches on, and the plan stands in the status again until its verdict does.
        await world.pass_time(900)
        assert world.status["phase"] == "Promoted" and world.condition("Ready")["reason"] == "VerdictMissing"
        assert world.tracked.state.plan is not None
        assert whole(world.policy["status"])["plan"] == world.tracked.state.plan.text


@pytest.mark.slow
async def test_a_verdict_that_the_api_does_not_give_yet_is_asked_for_again() -> None:
    async with GuardedWorld().open() as world:
        assert isinstance(world, GuardedWorld)
        await world.reconcile_until("Promoted")
        await world.pass_time(900)
        edited(world)
        world.api.fail("GET", *[ClusterError(503, "not now")] * 3)
        found = await load_new_policy(world.api, world.policy, lambda: world.now, pause=0.0)
        assert found.state.plan == world.tracked.state.plan
