"""Mode ConfigMap through whole rollouts: one key of a user's ConfigMap, proven by what every process reports."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from earlystop.controller.cluster import CONFIG_MAPS, POLICIES, ClusterError
from earlystop.controller.orphan_collector import OrphanCollector
from earlystop.controller.settings_collector import MOST_AT_ONCE, MOST_FAILURES
from earlystop.delivery.decide import SECONDS_TO_SWITCH
from earlystop.delivery.settings_mode import SETTINGS_GRACE_SECONDS
from earlystop.exporter.settings_document import SettingsDocument, all_on_baseline, read_document, written
from earlystop.metrics.convention.reports import ProcessReport
from tests.unit.controller.embedded_world import World
from tests.unit.rollout.traffic import Quality

KEY = "settings.json"
DELIVERY = {"mode": "ConfigMap", "gatewayHeader": None, "configMap": {"name": "qa-settings"}}
SAVING = Quality(mean_tokens=300, requests=40)
HARMFUL = Quality(exact_match=0.4, mean_tokens=300, requests=40)
OTHERS = {"model.yaml": "qa: 1"}


class Fleet:
    """Processes that read the key; some may be stuck with what they read before."""

    def __init__(self, world: World, processes: int = 3) -> None:
        self._world = world
        self._read: dict[str, SettingsDocument | None] = {f"p{number}": None for number in range(processes)}
        self.stuck: set[str] = set()
        world.counts.reports = self.reports

    def reports(self) -> tuple[ProcessReport, ...]:
        now = settings(self._world)
        self._read |= {name: now for name in self._read if name not in self.stuck}
        return tuple(_report(name, read) for name, read in self._read.items())


def _report(name: str, read: SettingsDocument | None) -> ProcessReport:
    if read is None:
        return ProcessReport(name, "", "", "")
    return ProcessReport(name, read.revision, str(read.step), read.digest)


def world_of(quality: Quality, **config_map: Any) -> World:
    """A world without a route, and with a ConfigMap of the user's that holds something else, too."""
    world = World(quality, {"delivery": DELIVERY})
    world.api.objects = {path: each for path, each in world.api.objects.items() if "gateway.networking" not in path}
    metadata = {"name": "qa-settings", "namespace": "llm", "labels": {"earlystop.dev/settings": "true"}}
    world.api.put(CONFIG_MAPS, {"metadata": metadata, "data": dict(OTHERS), **config_map})
    return world


def data(world: World) -> dict[str, str]:
    return dict(world.api.at(CONFIG_MAPS, "llm", "qa-settings")["data"])


def settings(world: World) -> SettingsDocument | None:
    text = data(world).get(KEY)
    return None if text is None else read_document(text)


def weights(world: World) -> tuple[int, ...]:
    found = settings(world)
    assert found is not None
    return tuple(weight for _, weight in found.weights)


def condition(world: World, kind: str) -> dict[str, Any]:
    return next(each for each in world.status["conditions"] if each["type"] == kind)


def put_by_hand(world: World, text: str) -> None:
    found = world.api.at(CONFIG_MAPS, "llm", "qa-settings")
    world.api.put(CONFIG_MAPS, {**found, "data": {**found["data"], KEY: text}})
    world.tracked.traffic.recheck = True


async def test_it_raises_step_by_step_once_every_process_has_switched_and_promotes() -> None:
    seen: list[tuple[int, ...]] = []
    world = world_of(SAVING)
    Fleet(world)
    async with world.open():
        while world.status.get("phase") != "Promoted":
            await world.reconcile()
            seen += [weights(world)] if settings(world) and weights(world) not in seen else []
    assert seen == [(95, 5), (75, 25), (0, 100)]
    assert {key: text for key, text in data(world).items() if key != KEY} == OTHERS
    assert [each["spec"]["decision"] for each in world.verdicts()] == ["Promote"]
    assert not [path for _, path in world.api.calls if "gateway.networking" in path or "/services" in path]


async def test_it_takes_a_harmful_candidate_off() -> None:
    world = world_of(HARMFUL)
    Fleet(world)
    async with world.open():
        await world.reconcile_until("RolledBack")
    assert weights(world) == (100, 0) and condition(world, "TrafficApplied")["status"] == "True"


async def test_a_process_that_is_behind_is_named_and_no_evidence_begins_until_it_has_switched() -> None:
    world = world_of(SAVING)
    fleet = Fleet(world)
    fleet.stuck = {"p1"}
    async with world.open():
        await world.reconcile_until("Applying")
        for _ in range(6):
            await world.reconcile()
        said = condition(world, "TrafficApplied")
        assert (said["status"], said["reason"]) == ("Unknown", "ProcessesBehind")
        assert "1 of 3 processes" in said["message"] and "p1 has read no settings" in said["message"]
        assert world.status["phase"] == "Applying"
        fleet.stuck = set()
        await world.reconcile_until("Observing")
    assert condition(world, "TrafficApplied")["reason"] == "InForce"


async def test_a_process_that_never_switches_is_waited_for_for_ten_minutes_and_then_all_get_the_baseline() -> None:
    world = world_of(SAVING)
    Fleet(world).stuck = {"p2"}
    async with world.open():
        began = world.now
        while condition(world, "TrafficApplied")["status"] != "False" if world.status else True:
            await world.reconcile()
            assert world.now - began < 900
    said = condition(world, "TrafficApplied")
    assert said["reason"] == "ProcessesBehind" and "tried again" in said["message"] and weights(world) == (100, 0)


async def test_without_any_report_nothing_begins_and_the_message_says_what_to_use() -> None:
    world = world_of(SAVING)
    async with world.open():
        for _ in range(5):
            await world.reconcile()
    said = condition(world, "TrafficApplied")
    assert said["reason"] == "NoProcessReports" and "earlystop.exporter" in said["message"]


async def test_a_rollback_does_not_wait_for_ever_for_a_process_that_is_stuck() -> None:
    world = world_of(HARMFUL)
    fleet = Fleet(world)
    async with world.open():
        await world.reconcile_until("Observing")
        fleet.stuck = {"p0"}
        await world.reconcile_until("RolledBack")
    assert weights(world) == (100, 0) and "p0 serves by" in condition(world, "TrafficApplied")["message"]


@pytest.mark.parametrize(
    ("quality", "last", "acting", "over"),
    [(HARMFUL, (95, 5), "RollingBack", "RolledBack"), (SAVING, (75, 25), "Promoting", "Promoted")],
)
async def test_a_decision_is_not_called_done_sooner_since_the_operator_was_restarted(
    quality: Quality, last: tuple[int, ...], acting: str, over: str
) -> None:
    world = world_of(quality)
    fleet = Fleet(world)
    async with world.open():
        await world.reconcile_until("Observing")
        while weights(world) != last or world.status["phase"] != "Observing":
            await world.reconcile()
        fleet.stuck = {"p0", "p1", "p2"}
        await world.reconcile_until(acting)
        await world.reconcile()
        world.restart()
        began = world.now
        await world.reconcile_until(over)
        assert world.now - began >= SECONDS_TO_SWITCH
        assert "3 of 3 processes" in condition(world, "TrafficApplied")["message"]


async def test_a_restarted_operator_goes_on_without_a_new_proof() -> None:
    world = world_of(SAVING)
    Fleet(world)
    async with world.open():
        await world.reconcile_until("Observing")
        world.restart()
        world.counts.reports = tuple
        await world.reconcile()
        assert world.status["phase"] == "Observing"
        assert condition(world, "TrafficApplied")["reason"] == "InForce"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"metadata": {"name": "other", "namespace": "llm"}}, "SettingsObjectNotFound"),
        ({"metadata": {"name": "qa-settings", "namespace": "llm"}}, "SettingsNotAllowed"),
        ({"data": {KEY: "{}"}}, "SettingsKeyTaken"),
        ({"binaryData": {KEY: "e30="}}, "SettingsKeyTaken"),
        ({"immutable": True}, "SettingsImmutable"),
    ],
)
async def test_what_is_not_the_policys_to_write_is_refused_and_left_as_it_is(
    changes: dict[str, Any], reason: str
) -> None:
    world = world_of(SAVING, **changes)
    async with world.open():
        await world.reconcile()
    assert condition(world, "Accepted")["reason"] == reason
    assert not [path for method, path in world.api.calls if "configmaps" in path]


@pytest.mark.parametrize("status", [400, 403, 422])
async def test_an_object_that_may_not_even_be_read_is_refused_with_what_allows_it(status: int) -> None:
    world = world_of(SAVING)
    world.api.fail("PATCH", ClusterError(status, "configmaps is forbidden"))
    async with world.open():
        await world.reconcile()
    said = condition(world, "Accepted")
    assert said["reason"] == "SettingsNotAllowed" and "right to patch" in said["message"]


async def test_the_settings_of_another_policy_are_not_taken_over_while_they_give_a_candidate_anything() -> None:
    world = world_of(SAVING)
    Fleet(world)
    async with world.open():
        await world.reconcile_until("Observing")
    mine = settings(world)
    assert mine is not None
    other = world_of(SAVING, data={KEY: written(replace(mine, policy="llm/other"))})
    async with other.open():
        await other.reconcile()
    said = condition(other, "Accepted")
    assert said["reason"] == "SettingsKeyTaken" and "llm/other" in said["message"]


@pytest.mark.parametrize(
    ("phase", "free"), [(None, True), ("RolledBack", True), ("RollingBack", False), ("Applying", False)]
)
async def test_anothers_baseline_is_written_over_once_its_policy_is_over_and_every_server_has_read_it(
    phase: str | None, free: bool
) -> None:
    world = world_of(SAVING)
    Fleet(world)
    async with world.open():
        await world.reconcile_until("Observing")
    mine = settings(world)
    assert mine is not None
    text = written(replace(all_on_baseline(mine), policy="llm/other", digest=""))
    other = world_of(SAVING, data={KEY: text})
    Fleet(other)
    if phase is not None:
        metadata = {"name": "other", "namespace": "llm", "uid": "uid-other"}
        other.api.put(POLICIES, {"metadata": metadata, "spec": {}, "status": {"phase": phase}})
    async with other.open():
        began = other.now
        while other.now < began + SETTINGS_GRACE_SECONDS:
            await other.reconcile()
            assert data(other)[KEY] == text and condition(other, "Accepted")["reason"] == "SettingsKeyTaken"
        for _ in range(10):
            await other.reconcile()
    assert (data(other)[KEY] != text) == free


async def test_an_edit_of_the_policys_settings_is_put_right_and_told() -> None:
    world = world_of(SAVING)
    Fleet(world)
    async with world.open():
        await world.reconcile_until("Observing")
        before = data(world)
        put_by_hand(world, before[KEY].replace('"weight": 5,', '"weight": 5 ,'))
        await world.reconcile()
        notes = [each["reason"] for path, each in world.api.objects.items() if "/events/" in path]
    assert data(world) == before and "ForeignEditUndone" in notes


async def test_another_managers_content_is_never_overwritten_and_is_told() -> None:
    world = world_of(SAVING)
    Fleet(world)
    async with world.open():
        await world.reconcile_until("Observing")
        put_by_hand(world, "from Git")
        await world.reconcile()
    said = condition(world, "TrafficApplied")
    assert (said["status"], said["reason"]) == ("False", "SettingsKeyTaken") and data(world)[KEY] == "from Git"


async def test_a_rollback_that_cannot_be_written_is_not_called_done() -> None:
    world = world_of(HARMFUL)
    Fleet(world)
    async with world.open():
        await world.reconcile_until("Observing")
        put_by_hand(world, "from Git")
        await world.reconcile_until("RollingBack")
        for _ in range(5):
            await world.reconcile()
        assert world.status["phase"] == "RollingBack"
        assert "Servers go on" in condition(world, "TrafficApplied")["message"]
        found = world.api.at(CONFIG_MAPS, "llm", "qa-settings")
        world.api.put(CONFIG_MAPS, {**found, "data": OTHERS})
        await world.reconcile_until("RolledBack")
    assert weights(world) == (100, 0)


async def test_a_key_that_changed_after_it_was_read_is_decided_on_anew() -> None:
    world = world_of(SAVING)
    Fleet(world)
    async with world.open():
        world.api.fail("APPLY", ClusterError(409, "the object has been modified"))
        with pytest.raises(ClusterError):
            await world.reconcile_until("Observing")
        assert KEY not in data(world)
        await world.reconcile_until("Observing")
    assert weights(world) == (95, 5)


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
