"""Events: one object for each note, counted up when it is recorded again."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from earlystop.api.conditions import Condition, ConditionStatus, ConditionType
from earlystop.controller.cluster import EVENTS, ClusterError
from earlystop.controller.events import NOTES_AT_ONCE, REMEMBERED, SECONDS_BETWEEN_NOTES, EventRecorder
from earlystop.controller.store.status_writer import merge_conditions
from earlystop.rollout.words.event_notes import EventNote
from tests.unit.controller.memory import Memory
from tests.unit.controller.tracked_policies import manifest
from tests.unit.rollout.policies import NOW, UID

NOTE = EventNote("RolledBack", "RollBack", "Rolled back: window=1.", warning=True)


def posted(api: Memory) -> list[dict[str, object]]:
    return [api.objects[path] for path in sorted(api.objects)]


async def test_a_note_is_one_event_that_says_what_it_is_about() -> None:
    api = Memory()
    await EventRecorder(api, "operator-1").record(manifest(), NOTE, NOW + 0.25)
    (event,) = posted(api)
    assert (event["reason"], event["action"], event["type"]) == ("RolledBack", "RollBack", "Warning")
    assert event["message"] == "Rolled back: window=1."
    assert event["involvedObject"] == {
        "apiVersion": "earlystop.dev/v1alpha1",
        "kind": "EarlyStopPolicy",
        "namespace": "llm",
        "name": "qa",
        "uid": UID,
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.250000Z", str(event["eventTime"]))
    assert event["reportingComponent"] and event["reportingInstance"] == "operator-1"


async def test_no_event_and_no_condition_holds_what_a_terminal_would_act_on() -> None:
    hostile = "a gateway says \x1b]0;owned\x07\x1b[2J\u202egnp.exe\r\nline two\x9b31m"
    api = Memory()
    await EventRecorder(api, "operator-1").record(manifest(), replace(NOTE, message=hostile), NOW)
    (event,) = posted(api)
    (condition,) = merge_conditions((), (Condition(ConditionType.READY, ConditionStatus.TRUE, "R", hostile),), 1, 0)
    for message in (str(event["message"]), condition["message"]):
        assert message.isprintable() and "owned" in message and "gnp.exe" in message


async def test_a_note_that_is_recorded_again_is_counted_and_makes_no_new_object() -> None:
    api = Memory()
    recorder = EventRecorder(api, "operator-1")
    for second in range(5):
        await recorder.record(manifest(), NOTE, NOW + second)
    (event,) = posted(api)
    assert event["series"]["count"] == 5  # type: ignore[index]
    assert [method for method, _ in api.calls] == ["POST", *["PATCH"] * 4]


async def test_a_restarted_operator_counts_up_what_it_recorded_before() -> None:
    api = Memory()
    await EventRecorder(api, "operator-1").record(manifest(), NOTE, NOW)
    await EventRecorder(api, "operator-2").record(manifest(), NOTE, NOW + 9)
    (event,) = posted(api)
    assert event["series"]["count"] == 2  # type: ignore[index]


async def test_an_event_that_has_expired_is_recorded_anew_the_next_time() -> None:
    api = Memory()
    recorder = EventRecorder(api, "operator-1")
    await recorder.record(manifest(), NOTE, NOW)
    api.objects.clear()
    await recorder.record(manifest(), NOTE, NOW + 4000)
    await recorder.record(manifest(), NOTE, NOW + 4001)
    assert len(posted(api)) == 1 and "series" not in posted(api)[0]


async def test_other_words_and_other_policies_are_events_of_their_own() -> None:
    api = Memory()
    recorder = EventRecorder(api, "operator-1")
    await recorder.record(manifest(), NOTE, NOW)
    await recorder.record(manifest(), EventNote("RolledBack", "RollBack", "Rolled back: window=2."), NOW)
    await recorder.record(manifest(uid="another"), NOTE, NOW)
    assert len(posted(api)) == 3


async def test_what_is_said_of_two_campaigns_is_two_events() -> None:
    api = Memory()
    recorder = EventRecorder(api, "operator-1")
    for campaign in (1, 2, 2):
        await recorder.record(manifest(), NOTE, NOW, campaign)
    assert sorted(event["count"] for event in posted(api)) == [1, 2]  # type: ignore[type-var]


async def test_events_are_in_the_order_in_which_they_were_recorded_also_within_a_second() -> None:
    api = Memory()
    recorder = EventRecorder(api, "operator-1")
    moments = [0.0, 0.1, 0.1, 0.9, 5.2, 5.3]
    for number, moment in enumerate(moments):
        await recorder.record(manifest(), EventNote(f"Reason{number}", "Act", "Something happened."), NOW + moment)
    by_time = sorted(posted(api), key=lambda event: str(event["lastTimestamp"]))
    assert [event["reason"] for event in by_time] == [f"Reason{number}" for number in range(len(moments))]
    assert len({event["lastTimestamp"] for event in by_time}) == len(moments)


async def test_a_note_that_is_recorded_again_moves_to_the_end_with_its_count() -> None:
    api = Memory()
    recorder = EventRecorder(api, "operator-1")
    await recorder.record(manifest(), NOTE, NOW)
    await recorder.record(manifest(), EventNote("Resumed", "Resume", "It goes on."), NOW + 10)
    await recorder.record(manifest(), NOTE, NOW + 20)
    latest = max(posted(api), key=lambda event: str(event["lastTimestamp"]))
    assert (latest["reason"], latest["count"]) == ("RolledBack", 2)
    assert str(latest["firstTimestamp"]) < str(latest["lastTimestamp"])


async def test_an_api_that_fails_stops_nothing() -> None:
    api = Memory()
    api.fail("POST", ClusterError(500, "etcd is away"))
    recorder = EventRecorder(api, "operator-1")
    await recorder.record(manifest(), NOTE, NOW)
    assert posted(api) == []
    await recorder.record(manifest(), NOTE, NOW + 1)
    await recorder.record(manifest(), NOTE, NOW + 2)
    assert len(posted(api)) == 1


async def test_a_note_is_no_longer_in_bytes_than_the_api_allows() -> None:
    api = Memory()
    await EventRecorder(api, "x" * 300).record(manifest(), EventNote("A", "B", "é" * 2000), NOW)
    (event,) = posted(api)
    assert len(str(event["message"]).encode()) <= 1024 and set(str(event["message"])) == {"é"}
    assert len(str(event["reportingInstance"])) == 128


async def test_the_name_of_an_event_is_a_name_whatever_the_policy_is_called() -> None:
    for name in ("q" * 253, "q" * 199 + "." + "b" * 20, "q" * 199 + "-b"):
        api = Memory()
        await EventRecorder(api, "operator-1").record(manifest(name=name), NOTE, NOW)
        (path,) = api.objects
        made = path.rsplit("/", 1)[1]
        assert len(made) <= 253
        assert all(re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", part) for part in made.split("."))


@pytest.mark.slow
async def test_the_memory_of_recorded_notes_does_not_grow_without_end() -> None:
    recorder = EventRecorder(Memory(), "operator-1")
    for number in range(REMEMBERED + 50):
        await recorder.record(manifest(uid=f"uid-{number}"), EventNote("A", "B", f"Message {number}."), NOW)
    assert len(recorder._counts) == REMEMBERED and len(recorder._latest) == REMEMBERED


async def test_a_policy_that_is_edited_without_end_fills_no_store_with_events_and_takes_none_of_anothers() -> None:
    api = Memory()
    recorder = EventRecorder(api, "operator-1")
    for second in range(1000):
        note = EventNote("RequestIgnored", "ApplyRequest", f"Request {second}.")
        await recorder.record(manifest(uid="hostile"), note, NOW + second)
    most = NOTES_AT_ONCE + 1000 / SECONDS_BETWEEN_NOTES
    assert most - 2 <= len(posted(api)) <= most + 1
    before = len(posted(api))
    for number in range(NOTES_AT_ONCE):
        await recorder.record(manifest(uid="healthy"), EventNote("A", "B", f"Message {number}."), NOW + 1000)
    assert len(posted(api)) == before + NOTES_AT_ONCE


def test_events_live_where_kubectl_looks_for_them() -> None:
    assert EVENTS.path("llm", "x") == "/api/v1/namespaces/llm/events/x"
