"""A policy that was deleted while finalizers of others keep its object: its campaign ends, and nothing leads users."""

from __future__ import annotations

import pytest

from earlystop.controller.cluster import DEPLOYMENTS, ROUTES, SERVICES, VERDICTS, ClusterError
from earlystop.controller.resources import Resource
from earlystop.delivery.names import overlay_name
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.rollout.verify.verdict import differences
from tests.unit.controller.embedded_world import World
from tests.unit.controller.reconcile.requesting import PROMOTE, RETRY, SAME, SAVING, by, told, under_way
from tests.unit.rollout.policies import written

HELD = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["example.com/audit"]}
FOREVER = 60


def ensure_over(world: World, reason: str = "Aborted") -> None:
    assert world.status["phase"] == "RolledBack" and world.status["weight"] == 0
    assert "parentRefs" not in world.api.at(ROUTES, "llm", overlay_name("qa"))["spec"]
    assert world.condition("Completed")["reason"] == reason
    assert world.condition("TrafficApplied")["reason"] == "TargetLeft"
    assert "policy qa was deleted" in world.condition("TrafficApplied")["message"]


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_campaign_ends_at_once_and_leaves_the_route_and_says_what_keeps_the_policy(restarted: bool) -> None:
    async with World(SAME).open() as world:
        await under_way(world)
        world.edit(**HELD)
        if restarted:
            world.restart()
        await world.reconcile_until("RolledBack", reconciliations=10)
        await world.pass_time(FOREVER)
        ensure_over(world)
        if restarted:
            world.restart()
        await world.pass_time(FOREVER)
        ensure_over(world)
        (verdict,) = world.verdicts()
        note, *again = told(world, "BeingDeleted")
    assert restarted or not again
    assert verdict["spec"]["requestedBy"] == "whoever deleted the policy" and differences(verdict["spec"]) == []
    assert "the finalizer example.com/audit keeps its object" in note


async def test_neither_a_pause_nor_what_people_ask_for_keeps_or_begins_anything() -> None:
    async with World(SAVING).open() as world:
        revision = await under_way(world)
        world.edit_spec(written({"suspend": True}))
        await world.reconcile_until("Suspended")
        world.edit(**HELD, annotations={**by(PROMOTE, "alice", revision), RETRY: "2"})
        await world.reconcile_until("RolledBack", reconciliations=10)
        world.edit_spec(written({"candidates": [{"name": "w5", "values": [{"name": "window", "value": "5"}]}]}))
        await world.pass_time(FOREVER)
        ensure_over(world, "BeingDeleted")
    assert world.status["campaign"] == 1


@pytest.mark.slow
async def test_what_was_promoted_gets_no_requests_any_more() -> None:
    async with World(SAVING).open() as world:
        await under_way(world, "Promoted")
        world.edit(**HELD)
        await world.reconcile_until("RolledBack", reconciliations=20)
        await world.pass_time(FOREVER)
        ensure_over(world)


async def test_a_policy_that_was_deleted_before_it_began_begins_nothing() -> None:
    async with World(SAME).open() as world:
        world.edit(**{**HELD, "finalizers": [f"example.com/{number}" for number in range(5)]})
        await world.pass_time(FOREVER)
        accepted = world.condition("Accepted")
        assert world.written("route", "verdict") == []
    assert world.status["phase"] == "Pending" and accepted["reason"] == "BeingDeleted"
    assert "example.com/0, example.com/1, example.com/2 and 2 more keep its object" in accepted["message"]
    assert not [each for each in world.api.objects if each.startswith(ROUTES.path("llm")) and "early-stop" in each]


TERMINATING = "is forbidden: unable to create new content in namespace llm because it is being terminated"


@pytest.mark.parametrize("phase", ["Observing", "Promoted"])
async def test_in_a_namespace_that_ends_it_is_completed_though_no_verdict_can_be_stored(phase: str) -> None:
    async with World(SAVING if phase == "Promoted" else SAME).open() as world:
        await under_way(world, phase)
        made = len(world.verdicts())
        kinds = (ROUTES, SERVICES, DEPLOYMENTS, VERDICTS)
        world.api.objects = {
            path: each
            for path, each in world.api.objects.items()
            if not any(path.startswith(kind.path("llm")) for kind in kinds)
        }
        world.edit(**HELD)
        world.api.fail("POST", *[ClusterError(403, TERMINATING)] * 100)
        await world.pass_time(FOREVER)
        assert world.status["phase"] == "RolledBack" and world.status["weight"] == 0
        assert world.condition("Completed")["reason"] == "Aborted"
        await world.pass_time(FOREVER)
        assert world.condition("TrafficApplied")["reason"] == "TargetLeft"
        tried = len([each for each in world.api.calls if each[0] == "POST"])
        await world.pass_time(600)
        assert len([each for each in world.api.calls if each[0] == "POST"]) == tried, "nothing is tried again"
    assert world.verdicts() == [] and made == (phase == "Promoted")


@pytest.mark.parametrize("gone", [DEPLOYMENTS, ROUTES, SERVICES], ids=lambda kind: kind.plural)
@pytest.mark.parametrize("phase", ["Observing", "Promoted"])
async def test_nobody_is_asked_to_create_what_a_deleted_policy_names_and_what_goes_with_it(
    phase: str, gone: Resource
) -> None:
    async with World(SAVING if phase == "Promoted" else SAME).open() as world:
        await under_way(world, phase)
        world.api.objects = {
            path: each for path, each in world.api.objects.items() if not path.startswith(gone.path("llm"))
        }
        # The API server counts a deletion as a change of what is wanted.
        world.edit(**HELD, generation=world.policy["metadata"]["generation"] + 1)
        seen = []
        for _ in range(FOREVER):
            await world.pass_time(1)
            seen += [each["message"] for each in world.status["conditions"] if each["status"] == "False"]
        assert world.condition("TrafficApplied")["reason"] == "TargetLeft"
        assert world.condition("Ready")["reason"] == "RolledBack"
    asked = {message for message in seen if "Create it" in message or "orrect " in message}
    assert asked == set()


async def test_counts_that_could_not_be_read_are_nobodys_task_once_the_campaign_was_ended() -> None:
    async with World(SAME).open() as world:
        await under_way(world)
        world.counts.failure = MetricsFailure(FailureKind.UNREACHABLE, "refused")
        await world.reconcile_while(lambda: world.condition("Ready")["reason"] != "Unreachable")
        world.edit(**HELD)
        await world.reconcile_until("RolledBack", reconciliations=20)
        await world.pass_time(FOREVER)
        ready, counts = world.condition("Ready"), world.condition("MetricsAvailable")
    assert (ready["status"], ready["reason"]) == ("True", "RolledBack")
    assert (counts["status"], counts["reason"]) == ("Unknown", "NotRead")


async def test_where_a_verdict_is_refused_for_another_reason_the_end_waits_for_it() -> None:
    async with World(SAME).open() as world:
        await under_way(world)
        world.edit(**HELD)
        world.api.fail("POST", *[ClusterError(403, "is forbidden: exceeded quota")] * 4)
        await world.reconcile_until("RollingBack", reconciliations=10)
        assert world.verdicts() == []
        await world.reconcile_until("RolledBack", reconciliations=60)
        (verdict,) = world.verdicts()
    assert verdict["spec"]["reason"] == "Aborted"
