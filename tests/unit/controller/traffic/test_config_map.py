"""Mode ConfigMap through whole rollouts: one key of a user's ConfigMap, proven by what every process reports."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from earlystop.controller.cluster import CONFIG_MAPS, POLICIES, ClusterError
from earlystop.delivery.decide import SECONDS_TO_SWITCH
from earlystop.delivery.settings_mode import SETTINGS_GRACE_SECONDS
from earlystop.exporter.settings_document import all_on_baseline, written
from tests.turns import Turns
from tests.unit.controller.traffic.config_map_world import (
    HARMFUL,
    KEY,
    OTHERS,
    SAVING,
    Fleet,
    condition,
    data,
    put_by_hand,
    settings,
    weights,
    world_of,
)
from tests.unit.rollout.traffic import Quality


async def test_it_raises_step_by_step_once_every_process_has_switched_and_promotes() -> None:
    seen: list[tuple[int, ...]] = []
    world = world_of(SAVING)
    Fleet(world)
    async with world.open():
        turns = Turns()
        while world.status.get("phase") != "Promoted" and turns.another():
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
        turns = Turns()
        while (condition(world, "TrafficApplied")["status"] != "False" if world.status else True) and turns.another():
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


@pytest.mark.slow
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
        turns = Turns()
        while (weights(world) != last or world.status["phase"] != "Observing") and turns.another():
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
        turns = Turns()
        while other.now < began + SETTINGS_GRACE_SECONDS and turns.another():
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
