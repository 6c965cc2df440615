"""What a deleted policy left in a ConfigMap is taken out, in the order in which nobody is harmed."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.controller.cluster import CONFIG_MAPS, ClusterError
from earlystop.controller.orphan_collector import OrphanCollector
from earlystop.controller.settings_collector import MOST_AT_ONCE, MOST_FAILURES
from earlystop.delivery.settings_mode import SETTINGS_GRACE_SECONDS
from tests.unit.controller.embedded_world import World
from tests.unit.controller.traffic.config_map_world import (
    KEY,
    OTHERS,
    SAVING,
    Fleet,
    data,
    weights,
    world_of,
)


@pytest.fixture
def clock() -> list[float]:
    """The collector's clock, which the test moves."""
    return [1000.0]


def collector_of(world: World, clock: list[float]) -> OrphanCollector:
    """The collector of an operator that has just seen the policy's end."""
    collector = OrphanCollector(world.api, lambda: clock[0], [None])
    collector.settings.policy_gone(world.tracked.uid, "llm", world.tracked.deliveries)
    return collector


async def test_of_a_deleted_policy_first_the_candidate_goes_and_then_the_key(clock: list[float]) -> None:
    world = world_of(SAVING)
    Fleet(world)
    async with world.open():
        await world.reconcile_until("Observing")
        del world.api.objects["/apis/earlystop.dev/v1alpha1/namespaces/llm/earlystoppolicies/qa"]
        collector = collector_of(world, clock)
        world.api.fail("APPLY", ClusterError(409, "the object has been modified"), ClusterError(0, "no answer"))
        for _ in range(3):
            await collector.sweep()
        assert weights(world) == (100, 0)
        clock[0] += SETTINGS_GRACE_SECONDS - 1
        await collector.sweep()
        assert KEY in data(world)
        clock[0] += 1
        await collector.sweep()
    assert data(world) == OTHERS and not collector.settings.is_waiting


async def test_what_was_never_written_is_not_collected_and_a_refused_end_is_given_up_with_one_line(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    for written_before, refusal, lines in ((False, None, 0), (True, 403, 1), (True, 422, 1)):
        world = world_of(SAVING)
        Fleet(world)
        async with world.open():
            await world.reconcile_until("Observing")
        if not written_before:
            world.api.put(CONFIG_MAPS, {**world.api.at(CONFIG_MAPS, "llm", "qa-settings"), "data": dict(OTHERS)})
        del world.api.objects["/apis/earlystop.dev/v1alpha1/namespaces/llm/earlystoppolicies/qa"]
        collector = collector_of(world, clock)
        world.api.fail("APPLY", *([ClusterError(refusal, "denied")] * 9 if refusal else []))
        world.api.calls.clear()
        caplog.clear()
        for _ in range(5):
            await collector.sweep()
            clock[0] += SETTINGS_GRACE_SECONDS
        assert not collector.settings.is_waiting and len(world.api.calls) == lines
        assert len([each for each in caplog.records if "stay in" in each.getMessage()]) == lines


async def test_one_pass_deals_with_a_bounded_number_of_entries_of_all_namespaces_in_turn(clock: list[float]) -> None:
    world = world_of(SAVING)
    asked: list[str] = []

    class Counted(type(world.api)):  # type: ignore[misc]
        async def get(self, resource: Any, namespace: str | None, name: str) -> Any:
            asked.append(str(namespace))
            raise ClusterError(503, "no answer")

    world.api.__class__ = Counted
    collector = OrphanCollector(world.api, lambda: clock[0], [None])
    for number in range(MOST_AT_ONCE * 3):
        collector.settings.policy_gone(f"u{number}", "crowded", world.tracked.deliveries)
    collector.settings.policy_gone("u", "quiet", world.tracked.deliveries)
    await collector.settings.collect(())
    assert len(asked) == MOST_AT_ONCE and "quiet" in asked[:2]
    for _ in range(4 * MOST_FAILURES):
        await collector.settings.collect(())
    assert not collector.settings.is_waiting


async def test_the_settings_of_a_living_policy_are_never_collected(clock: list[float]) -> None:
    world = world_of(SAVING)
    Fleet(world)
    async with world.open():
        await world.reconcile_until("Observing")
        collector = collector_of(world, clock)
        for _ in range(3):
            await collector.sweep()
            clock[0] += SETTINGS_GRACE_SECONDS
    assert weights(world) == (95, 5)
