"""A rollout bears silence, scaling to zero and readings that come and go; only counts that stay away end it."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.api.source import SourceSpec
from earlystop.controller.cluster import DEPLOYMENTS
from earlystop.controller.counts.part_reading import Result
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.count_ledger import AnyRequest
from earlystop.metrics.scrape_interval import ScrapeIntervals
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from tests.turns import Turns
from tests.unit.controller.embedded_world import Counts, World
from tests.unit.rollout.traffic import Quality

SLOW = Quality(mean_tokens=540, requests=4)
STALE = MetricsFailure(FailureKind.STALE, "the target qa-0 10.0.0.1:8080 job qa is down or no longer scraped")
CHANGES: dict[str, Any] = {
    "rollout": {
        "steps": [{"weight": 50, "minimumSeconds": 86_400}],
        "deadlineSeconds": 259_200,
        "onNoMetrics": {"holdSeconds": 60, "then": "RollBack"},
    }
}


def condition(world: World, name: str) -> tuple[str, str, str]:
    found = next(each for each in world.status["conditions"] if each["type"] == name)
    return found["status"], found["reason"], found["message"]


def events(world: World, reason: str) -> list[str]:
    return [
        made["message"] for path, made in world.api.objects.items() if "/events" in path and made["reason"] == reason
    ]


@pytest.mark.slow
async def test_a_night_without_any_counter_of_living_servers_is_held_and_nothing_is_told() -> None:
    async with World(SLOW, CHANGES).open() as world:
        await world.reconcile_until("Observing")
        await world.pass_time(60)
        world.counts.weights = ()  # the servers were restarted: they live and expose no counter
        await world.pass_time(3600)
        assert world.status["phase"] == "Observing"
        assert condition(world, "MetricsAvailable")[:2] == ("True", "Readable")
        assert events(world, "Stale") == events(world, "MetricsRecovered") == []


async def test_targets_that_are_gone_are_told_by_name_and_then_end_the_rollout() -> None:
    async with World(SLOW, CHANGES).open() as world:
        await world.reconcile_until("Observing")
        world.counts.failure = STALE
        await world.pass_time(20)
        status, reason, message = condition(world, "MetricsAvailable")
        assert (status, reason) == ("False", "Stale") and "qa-0 10.0.0.1:8080" in message
        await world.reconcile_until("RolledBack")
        assert condition(world, "RolledBack")[1] == "NoMetrics"


@pytest.mark.slow
async def test_a_target_that_was_scaled_to_zero_is_told_and_no_rollout_is_rolled_back_for_it() -> None:
    async with World(SLOW, CHANGES).open() as world:
        await world.reconcile_until("Observing")
        (deployment,) = [made for path, made in world.api.objects.items() if "/deployments/" in path]
        world.api.put(DEPLOYMENTS, {**deployment, "spec": {**deployment.get("spec", {}), "replicas": 0}})
        world.counts.failure = STALE
        await world.pass_time(3600)
        assert world.status["phase"] == "Observing"
        status, reason, message = condition(world, "MetricsAvailable")
        assert (status, reason) == ("False", "ScaledToZero") and "has 0 replicas" in message
        world.api.put(DEPLOYMENTS, {**deployment, "spec": {**deployment.get("spec", {}), "replicas": 1}})
        await world.reconcile_until("RolledBack")


@pytest.mark.slow
async def test_one_look_that_meets_a_restart_does_not_end_a_rollout_that_has_long_been_watched() -> None:
    async with World(SLOW, CHANGES).open() as world:
        await world.reconcile_until("Observing")
        turns = Turns()
        while world.tracked.state.most_looks < 3 * 64 and turns.another():
            await world.reconcile()
        looks = world.tracked.state.last_look_at
        world.counts.failure = STALE
        turns = Turns()
        while world.tracked.state.last_look_at == looks and turns.another():
            await world.reconcile()
        world.counts.failure = None  # 15 s later it is over, long before the next look would have been
        await world.pass_time(300)
        assert world.status["phase"] == "Observing"


class Alternating(Counts):
    """Counts that cannot be read at every second look."""

    async def read(self, source: str, request: AnyRequest, at: int) -> Result:
        return STALE if at // 15 % 2 else await super().read(source, request, at)


@pytest.mark.slow
async def test_readings_that_come_and_go_cost_at_most_a_status_write_a_minute() -> None:
    world = World(SLOW, CHANGES)
    world.counts = Alternating(SLOW)
    world.counts.weights = (50,)
    async with world.open():
        await world.reconcile_until("Observing")
        await world.pass_time(120)
        before, begun = len(world.written("status")), world.now
        await world.pass_time(1800)
        assert len(world.written("status")) - before <= (world.now - begun) / 60
        assert condition(world, "MetricsAvailable")[:2] == ("False", "Stale")
        assert len(events(world, "MetricsRecovered")) <= 1


@pytest.mark.slow
async def test_a_scrape_interval_that_differs_is_told_once_with_both_numbers_and_what_to_write() -> None:
    async with World(SLOW, CHANGES).open() as world:
        world.counts.sources["default"] = SourceSpec.model_validate(
            {"url": "http://prometheus:9090", "scrapeIntervalSeconds": 5}
        )
        await world.reconcile_until("Observing")
        world.counts._intervals["default"] = ScrapeIntervals(5.0).with_measured("llm/qa", 30.008, world.now)
        await world.pass_time(300)
        status, reason, message = condition(world, "MetricsAvailable")
        assert (status, reason) == ("True", "ScrapeIntervalDiffers")
        assert "every 30 s" in message and "declares 5 s" in message and "Write scrapeIntervalSeconds: 30" in message
        assert len(events(world, "ScrapeIntervalDiffers")) == 1
        assert condition(world, "Ready")[0] == "True"


@pytest.mark.slow
async def test_a_clock_that_is_behind_the_sources_is_told_once_and_taken_back_while_counts_go_on() -> None:
    async with World(SLOW, CHANGES).open() as world:
        await world.reconcile_until("Observing")
        world.counts._ahead["default"] = -301.0
        await world.pass_time(300)
        status, reason, message = condition(world, "MetricsAvailable")
        assert (status, reason) == ("True", "ClockBehind") and "counted 301 s ago" in message and "NTP" in message
        assert len(events(world, "ClockBehind")) == 1
        assert condition(world, "Ready")[0] == "True"
        world.counts._ahead["default"] = 0.0
        await world.pass_time(300)
        assert condition(world, "MetricsAvailable")[:2] == ("True", "Readable")
        assert len(events(world, "ClockBehind")) == 1


async def test_an_error_of_the_operators_own_is_a_condition_and_goes_by_itself() -> None:
    async with World(SLOW, CHANGES).open() as world:
        await world.reconcile_until("Observing")
        assert world.reconciler is not None
        await world.reconciler.report_error(world.tracked)
        status, reason, message = condition(world, "Ready")
        assert (status, reason) == ("False", "InternalError") and "report the error" in message
        before = len(world.written("status"))
        await world.reconciler.report_error(world.tracked)
        assert len(world.written("status")) == before, "it is said already"
        await world.reconcile()
        assert condition(world, "Ready")[:2] == ("True", "Observing")


async def test_a_new_policy_that_meets_an_error_at_once_says_so() -> None:
    async with World(SLOW, CHANGES).open() as world:
        assert world.reconciler is not None
        await world.reconciler.report_error(world.tracked)
        assert condition(world, "Ready")[:2] == ("False", "InternalError")
        assert condition(world, "Accepted")[0] != "False"
        await world.reconcile_until("Observing")


def test_a_reading_without_counters_is_a_reading() -> None:
    assert Reading(1, {}, 1.0, 0).newest_of("candidate") == 1.0
