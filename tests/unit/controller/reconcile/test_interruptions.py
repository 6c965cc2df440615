"""What must not happen when a policy is interrupted: by downtime, by a person, by a refused verdict, by pacing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from earlystop.api.source import SourceSpec
from earlystop.controller.cluster import POLICIES, ROUTES, VERDICTS, ClusterError
from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.reconcile.acceptance import source_refusal
from earlystop.delivery.harm import SECONDS_UNPROVEN
from earlystop.delivery.names import overlay_name
from earlystop.metrics.convention.reader import CountRequest
from earlystop.metrics.source.failures import MetricsFailure
from tests.turns import Turns
from tests.unit.controller.embedded_world import World
from tests.unit.controller.reconcile.qualities import HARMFUL, ONE_STEP, SAVING
from tests.unit.rollout.policies import policy


def overlay_spec(world: World) -> dict[str, Any]:
    """What the overlay says, which a test may edit; nothing before there is one."""
    try:
        found: dict[str, Any] = world.api.at(ROUTES, "llm", overlay_name("qa"))["spec"]
    except KeyError:
        return {}
    return found


QUICK_LOOKS = {"rollout": {"steps": [{"weight": 50}], "lookSeconds": 1, "settleSeconds": 0, "deadlineSeconds": 300}}


@pytest.mark.slow
async def test_looks_that_wait_to_be_read_after_downtime_come_before_the_deadline() -> None:
    async with World(SAVING, QUICK_LOOKS).open() as world:
        await world.reconcile_until("Observing")
        world.tracked = TrackedPolicy.load(world.policy, world.now)
        world.now += 400  # the operator was away past the deadline, with more looks due than one visit takes
        for _ in range(60):
            if world.status["phase"] not in ("Observing", "Promoting"):
                break
            await world.reconcile()
    assert world.status["phase"] == "Promoted"


async def test_a_promotion_whose_verdict_is_refused_is_tried_ever_less_often() -> None:
    async with World(SAVING, ONE_STEP).open() as world:
        await world.reconcile_until("Observing")
        world.api.fail("POST", *[ClusterError(403, "exceeded quota")] * 1000)
        await world.reconcile_until("Promoting")
        world.api.calls.clear()
        await world.pass_time(60)
        refused = [path for _, path in world.api.calls if path.startswith(VERDICTS.path("llm"))]
    assert 4 <= len(refused) <= 20


@pytest.mark.slow
async def test_a_policy_that_is_suspended_before_its_weights_were_in_force_only_takes_its_unproven_split_off() -> None:
    async with World(SAVING).open() as world:
        world.counts.weights = ()  # nothing is counted: the first step cannot be proven
        for _ in range(3):
            await world.reconcile()
        assert world.status["phase"] == "Applying"
        spec = {**world.policy["spec"], "suspend": True}
        world.edit_spec(spec)
        await world.reconcile_until("Suspended")
        world.api.calls.clear()
        end = world.now + SECONDS_UNPROVEN
        turns = Turns()
        while world.now < end and turns.another():
            assert world.written("route", "service") == []
            await world.reconcile()
        for _ in range(10):
            await world.reconcile()
    assert world.written("route", "service") == ["route"]
    assert "parentRefs" not in world.api.at(ROUTES, "llm", overlay_name("qa"))["spec"]


@pytest.mark.parametrize("edited", [False, True])
async def test_requests_of_a_split_that_was_edited_before_it_was_proven_are_told_from_those_of_its_step(
    edited: bool,
) -> None:
    async with World(SAVING).open() as world:
        weights, world.counts.weights = world.counts.weights, ()  # users are led, and nothing proves it
        turns = Turns()
        while "parentRefs" not in overlay_spec(world) and turns.another():
            await world.reconcile()
        await world.reconcile()
        if edited:
            overlay_spec(world)["rules"][0]["backendRefs"][0]["weight"] = 77
        await world.reconcile()
        world.counts.weights = weights
        await world.reconcile_until("Settling")
        assert world.status.get("interrupted", False) is edited
        await world.reconcile_until("Observing")
    assert "interrupted" not in world.status


async def test_a_rollback_that_has_to_wait_for_the_gateway_still_writes_the_route_before_the_verdict() -> None:
    async with World(HARMFUL).open() as world:
        await world.reconcile_until("Observing")
        world.api.calls.clear()
        world.tracked.traffic.written_at = world.now + 15  # the route changed just before the decision
        await world.reconcile_until("RolledBack")
    assert world.written("route", "verdict") == ["route", "verdict"]


async def test_a_foreign_edit_that_is_seen_during_a_reconciliation_is_not_overlooked() -> None:
    async with World(SAVING).open() as world:
        await world.reconcile_until("Observing")
        world.tracked.traffic.recheck = True
        reconcile = asyncio.create_task(world.reconcile())
        await asyncio.sleep(0)
        turns = Turns()
        while not reconcile.done() and turns.another():
            world.tracked.traffic.recheck = True
            await asyncio.sleep(0)
        await reconcile
    assert world.tracked.traffic.recheck


@pytest.mark.parametrize("url", ["http://prom:99999", "http://prom:9090#part", "http://[::1", "http://prom:0"])
async def test_a_source_that_cannot_be_connected_to_is_a_failure_and_never_a_wait_without_end(url: str) -> None:
    source = SourceSpec.model_construct(
        url=url,
        flavour="Prometheus",
        timeout_seconds=1,
        scrape_interval_seconds=15,
        namespace_label=None,
        auth=None,
        tls=None,
    )
    reader = CountBatcher()
    reader.sources["default"] = source
    try:
        async with asyncio.timeout(10):
            result = await reader.read("default", CountRequest("llm/qa", "r", 60), 1_700_000_000)
    finally:
        reader.close()
    assert isinstance(result, MetricsFailure)
    refusal = source_refusal(policy(), {"default": source})
    assert refusal is not None and refusal.reason == "SourceUnusable"


async def test_an_edit_that_comes_while_traffic_is_being_written_is_checked_before_anything_goes_on() -> None:
    async with World(SAVING).open() as world:
        await world.reconcile()
        generation = world.policy["metadata"]["generation"]
        made = world.policy
        spec = {**made["spec"], "guard": {"evidence": "Pairs"}}
        world.api.put(POLICIES, {**made, "spec": spec, "metadata": {**made["metadata"], "generation": generation + 1}})
        for _ in range(5):
            await world.reconcile()
        accepted = next(each for each in world.status["conditions"] if each["type"] == "Accepted")
    assert (accepted["status"], accepted["reason"]) == ("False", "GuardUnusable")
