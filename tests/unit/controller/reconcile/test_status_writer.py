"""Writing a status: conditions as Kubernetes keeps them, one compare-and-swap, and what does not fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.conditions import Condition, ConditionStatus, ConditionType
from earlystop.api.counts import Tally, Variant
from earlystop.api.status.packed import PACKED_FIELDS
from earlystop.controller.cluster import POLICIES, Manifest
from earlystop.controller.memory.policy_snapshot import condition_summaries
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.resources import Resource
from earlystop.controller.store.status_writer import (
    Gone,
    StatusConflict,
    conditions_to_write,
    merge_conditions,
    refresh,
    write_status,
)
from earlystop.metrics.convention.compaction import SILENT_SECONDS, fold_silent
from earlystop.metrics.convention.ended_processes import Ended, digest_of
from earlystop.metrics.convention.ledger import Ledger, SeriesKey, totals
from earlystop.metrics.count_ledger import CountLedger
from earlystop.metrics.templates.reset_ledger import ResetLedger, SeriesId, SeriesMark
from earlystop.rollout.formatting import rfc3339
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.state import Phase
from earlystop.rollout.transitions import suspend_or_resume
from tests.unit.controller.memory import Memory
from tests.unit.controller.tracked_policies import manifest
from tests.unit.rollout.policies import NOW
from tests.unit.rollout.states import REACHED

READY = Condition(ConditionType.READY, ConditionStatus.TRUE, "Observing", "At step 1.")
TALLY = Tally(*[10**9] * 8)
CROWD = Ledger({SeriesKey(0, Variant.BASELINE, "qa", f"process-{n}"): TALLY for n in range(4000)})


def merged(old: list[dict[str, Any]], *new: Condition, now: int = NOW) -> list[dict[str, Any]]:
    return merge_conditions(condition_summaries({"conditions": old}), new, 3, now)


def test_the_time_of_transition_changes_with_the_status_and_with_nothing_else() -> None:
    first = merged([], READY)
    assert first[0]["lastTransitionTime"] == rfc3339(NOW) and first[0]["observedGeneration"] == 3
    reworded = merged(first, replace(READY, reason="Settling", message="Else."), now=NOW + 60)
    assert reworded[0]["lastTransitionTime"] == rfc3339(NOW)
    assert (reworded[0]["reason"], reworded[0]["message"]) == ("Settling", "Else.")
    turned = merged(reworded, replace(READY, status=ConditionStatus.FALSE), now=NOW + 120)
    assert turned[0]["lastTransitionTime"] == rfc3339(NOW + 120)


def test_each_condition_has_a_time_of_its_own() -> None:
    other = replace(READY, type=ConditionType.ACCEPTED)
    later = merged(merged([], READY, other), READY, replace(other, status=ConditionStatus.UNKNOWN), now=NOW + 60)
    assert [condition["lastTransitionTime"] for condition in later] == [rfc3339(NOW), rfc3339(NOW + 60)]


def test_a_message_is_no_longer_than_the_crd_allows() -> None:
    assert len(merged([], replace(READY, message="x" * 5000))[0]["message"]) == 2048


def stored(name: str, api: Memory, **more: Any) -> TrackedPolicy:
    return TrackedPolicy.load(api.put(POLICIES, manifest(REACHED[name], **more)), NOW)


def stored_ledger(api: Memory) -> CountLedger:
    """The counts that the stored status holds."""
    return TrackedPolicy.load(api.at(POLICIES, "llm", "qa"), NOW).ledger


async def test_what_was_written_is_what_a_restarted_operator_reads() -> None:
    api = Memory()
    tracked = stored("observing", api)
    ledger = Ledger({SeriesKey(0, Variant.BASELINE, "qa", "p1"): TALLY})
    await write_status(api, tracked, REACHED["promoting"], ledger, NOW)
    again = TrackedPolicy.load(api.at(POLICIES, "llm", "qa"), NOW)
    assert (again.state, again.ledger) == (REACHED["promoting"], ledger) == (tracked.status.stored, tracked.ledger)
    assert not conditions_to_write(again) and not conditions_to_write(tracked)


async def test_whoever_was_faster_wins_and_the_reconciliation_starts_over() -> None:
    api = Memory()
    tracked = stored("observing", api)
    ours = tracked.state
    edited = manifest(REACHED["observing"], changes={"suspend": True})
    edited["metadata"]["generation"] = 2
    api.put(POLICIES, edited)
    with pytest.raises(StatusConflict):
        await write_status(api, tracked, REACHED["promoting"], Ledger(), NOW)
    assert tracked.spec.suspend and tracked.generation == 2 and tracked.state is ours
    await write_status(api, tracked, suspend_or_resume(LiveTimes.of(tracked.spec), tracked.state, NOW), Ledger(), NOW)
    assert api.at(POLICIES, "llm", "qa")["status"]["phase"] == Phase.SUSPENDED


async def test_a_status_that_someone_else_moved_on_is_gone_on_from() -> None:
    api = Memory()
    tracked = stored("observing", api)
    api.put(POLICIES, manifest(REACHED["rolled back"]))
    with pytest.raises(StatusConflict):
        await write_status(api, tracked, REACHED["promoting"], Ledger(), NOW)
    assert tracked.state == tracked.status.stored == REACHED["rolled back"] and tracked.traffic.recheck


async def test_a_policy_that_was_deleted_or_made_anew_is_gone_and_nothing_is_created_for_it() -> None:
    api = Memory()
    tracked = stored("observing", api)
    api.put(POLICIES, manifest(uid="another"))
    with pytest.raises(Gone):
        await refresh(api, tracked, NOW)
    api.objects.clear()
    with pytest.raises(Gone):
        await refresh(api, tracked, NOW)
    with pytest.raises(Gone):
        await write_status(api, tracked, REACHED["promoting"], Ledger(), NOW)
    assert {method for method, _ in api.calls} <= {"PUT"}


async def test_counts_that_outgrow_the_status_leave_it_as_it_is_and_say_so() -> None:
    api = Memory()
    tracked = stored("observing", api)
    before = api.at(POLICIES, "llm", "qa")["status"]
    grown = replace(tracked.state, last_look_at=NOW + 999)
    tracked.state, tracked.ledger = grown, CROWD
    await write_status(api, tracked, grown, CROWD, NOW)
    status = api.at(POLICIES, "llm", "qa")["status"]
    assert {**status, "conditions": before["conditions"]} == before
    assert (tracked.state, tracked.status.stored, stored_ledger(api)) == (
        grown,
        REACHED["observing"],
        Ledger(),
    )
    accepted = next(condition for condition in status["conditions"] if condition["type"] == "Accepted")
    assert (accepted["status"], accepted["reason"]) == ("False", "TooManySeries")
    assert "4000 series" in accepted["message"]


async def test_more_counters_of_others_than_a_status_holds_leave_it_as_it_is_and_say_so() -> None:
    api = Memory()
    tracked = stored("observing", api)
    mark = SeriesMark(NOW * 1000, 10**6, 10**6, NOW * 1000, 10**5, 0)
    series = {SeriesId(Variant.BASELINE, "tokens", f"{number:012}"): mark for number in range(2000)}
    await write_status(api, tracked, tracked.state, ResetLedger(0, NOW * 1000, series=series), NOW)
    assert tracked.status.overflow is not None and "2000 series" in tracked.status.overflow.message
    assert stored_ledger(api) == Ledger()


class FormerDefinitions(Memory):
    """An API server with the CRDs of an earlier release: what these do not name is taken out of what is written."""

    is_former = True

    async def replace(self, resource: Resource, namespace: str | None, body: Manifest, part: str = "") -> Manifest:
        status = body.get("status", {})
        if self.is_former and part == "status":
            body = {**body, "status": {name: each for name, each in status.items() if name != "internal"}}
        return await super().replace(resource, namespace, body, part)


async def test_under_definitions_of_an_earlier_release_no_look_and_no_count_is_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    api, ledger = FormerDefinitions(), Ledger({SeriesKey(0, Variant.BASELINE, "qa", "p1"): TALLY})
    tracked = stored("observing", api)
    for is_former in (True, True, False, False):
        api.is_former = is_former
        await write_status(api, tracked, tracked.state, ledger, NOW)
        again = TrackedPolicy.load(api.at(POLICIES, "llm", "qa"), NOW)
        assert (again.state, again.ledger) == (REACHED["observing"], ledger)
    status = api.at(POLICIES, "llm", "qa")["status"]
    assert "internal" in status and not set(PACKED_FIELDS) & status.keys()
    assert sum("apply the CRDs of this one" in each.message for each in caplog.records) == 2


async def test_a_status_of_before_there_was_folding_is_read_and_written_back_as_it_was() -> None:
    api = Memory()
    text = '0 baseline qa p1 1,1,0,1,0,0,9,81\n0 candidate qa "" 2'
    old = manifest(REACHED["observing"])
    old["status"]["internal"]["ledger"] = text
    tracked = TrackedPolicy.load(api.put(POLICIES, old), NOW)
    await write_status(api, tracked, tracked.state, tracked.ledger, NOW)
    assert api.at(POLICIES, "llm", "qa")["status"]["internal"]["ledger"] == text


async def test_more_folded_processes_than_a_status_can_name_are_told_with_their_number() -> None:
    api = Memory()
    tracked = stored("observing", api)
    digests = frozenset(digest_of(str(number)) for number in range(48_000))
    await write_status(api, tracked, tracked.state, Ledger({}, Ended({}, {}, {0: digests})), NOW)
    assert tracked.status.overflow is not None and "48000 series" in tracked.status.overflow.message


async def test_a_crowd_that_is_folded_fits_again_and_its_rollout_is_no_longer_frozen() -> None:
    api = Memory()
    tracked = stored("observing", api)
    await write_status(api, tracked, tracked.state, fold_silent(CROWD, {}, NOW), NOW)
    assert tracked.status.overflow is not None
    gone = fold_silent(fold_silent(CROWD, {}, NOW), {}, NOW + SILENT_SECONDS)
    await write_status(api, tracked, tracked.state, gone, NOW + SILENT_SECONDS)
    assert tracked.status.overflow is None and stored_ledger(api) == gone
    assert totals(gone, 0) == totals(CROWD, 0)


async def test_a_turn_that_does_not_fit_into_the_status_is_not_taken() -> None:
    api = Memory()
    tracked = stored("settling", api)
    await write_status(api, tracked, REACHED["observing nothing yet"], CROWD, NOW)
    assert tracked.state == tracked.status.stored == REACHED["settling"]


async def test_a_rollout_whose_counts_fit_again_is_no_longer_frozen() -> None:
    api = Memory()
    tracked = stored("observing", api)
    await write_status(api, tracked, tracked.state, CROWD, NOW)
    assert tracked.status.overflow is not None
    await write_status(api, tracked, tracked.state, Ledger(), NOW + 60)
    assert tracked.status.overflow is None
