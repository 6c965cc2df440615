"""An alarm says what has moved: in its decision, its status and its verdict, from which it can be recomputed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.hooks import OccurrenceKind
from earlystop.rollout.certificate.binding import Binding, Lapse, Part
from earlystop.rollout.certificate.follow import follow_certificate
from earlystop.rollout.exposure import weights
from earlystop.rollout.guard.culprit import Culprit, Frozen
from earlystop.rollout.guard.culprit_evidence import evidence_of
from earlystop.rollout.guard.response import respond
from earlystop.rollout.guard.state import GuardState
from earlystop.rollout.hooks.cloud_event import event_data
from earlystop.rollout.hooks.happened import occurrences
from earlystop.rollout.hooks.occurrence import PolicyIdentity
from earlystop.rollout.state import RolloutState
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.verdict import verdict_name, verdict_spec
from earlystop.rollout.verify.verdict import differences, object_differences
from earlystop.rollout.words.event_notes import event_notes
from tests.unit.rollout import stepping_back
from tests.unit.rollout.guarding import TIMES, digest, guard_of, harmed
from tests.unit.rollout.policies import UID

AGREES, BROKEN = Frozen(2000, 0, 200, 0), Frozen(2000, 0, 120, 80)
QA = PolicyIdentity("llm", "qa", UID)


@pytest.fixture(scope="module")
def harm() -> RolloutState:
    """The candidate's answers are bad, and those of the baseline as before; nothing is decided yet."""
    return bound(harmed())


def bound(state: RolloutState) -> RolloutState:
    assert state.certified is not None
    return replace(state, certified=replace(state.certified, bound=Binding(0, "qa", "a", "b", "m", "p")))


def lapsed(state: RolloutState, part: Part) -> RolloutState:
    """The target is another since just before the alarm."""
    assert state.certified is not None
    at = guard_of(state).looked_at - 60
    return replace(state, certified=replace(state.certified, lapse=Lapse((part,), at, at)))


def decided(state: RolloutState, frozen: Frozen | None = AGREES) -> RolloutState:
    return respond(TIMES, state, digest(state), replace(evidence_of(state), frozen=frozen))


def named(guard: GuardState) -> tuple[Culprit, ...]:
    assert guard.alarm is not None and guard.alarm.finding is not None
    return guard.alarm.finding.named


def record(state: RolloutState) -> dict[str, Any]:
    return {
        "metadata": {"name": verdict_name("qa", state)},
        "spec": json.loads(json.dumps(verdict_spec("qa", UID, state))),
    }


def followed(state: RolloutState, *events: tuple[int, dict[str, str]]) -> tuple[Culprit, ...]:
    """What is named after the target was read at these seconds since the harm began, with these parts changed."""
    alarm = guard_of(decided(state)).alarm
    assert alarm is not None and alarm.evidence is not None and state.certified is not None
    onset, found = alarm.evidence.onset, Binding(0, "qa", "t", "i", "m", "p", "s", "q")
    state = replace(state, certified=replace(state.certified, bound=found))
    for seconds, parts in events:
        found = replace(found, **parts)  # type: ignore[arg-type]
        state = follow_certificate(state, found, onset + seconds)
    return named(guard_of(decided(state)))


def test_only_what_changed_near_the_harm_is_named_whatever_changed_long_before_or_since(harm: RolloutState) -> None:
    month, images, questions = -30 * 86400, {"images": "i2"}, {"questions": "q2"}
    assert followed(harm, (month, images)) == (Culprit.SETTING,)
    assert followed(harm, (0, questions)) == (Culprit.DATA,)
    assert followed(harm, (month, images), (0, questions)) == (Culprit.DATA,)
    assert followed(harm, (month, questions), (0, {"model": "m2"})) == (Culprit.ENGINE,)
    assert followed(harm, (month, images), (0, {"model": "m2"})) == (Culprit.ENGINE,)
    assert followed(harm, (0, questions), (86400, images)) == (Culprit.DATA,)
    assert followed(harm, (month, images), (0, {"images": "i"})) == (Culprit.ENGINE,), "it was put back then"


def kinds(harm: RolloutState) -> dict[str, RolloutState]:
    return {
        "the setting": decided(harm),
        "the engine": decided(lapsed(harm, Part.MODEL)),
        "the scorer": decided(harm, BROKEN),
        "the engine and the scorer": decided(lapsed(harm, Part.IMAGES), BROKEN),
    }


@pytest.mark.slow
def test_every_alarm_takes_the_setting_off_and_says_what_has_moved_wherever_it_is_told(harm: RolloutState) -> None:
    before = replace(harm, guard=replace(guard_of(harm), alarm=None))
    for words, after in kinds(harm).items():
        decision = after.decision
        assert decision is not None and weights(after) == (100, 0), "an alarm reverts, whoever has moved"
        assert f"What {'have' if ' and ' in words else 'has'} moved: {words}." in decision.message
        (note,) = [each for each in event_notes(before, after) if each.reason == "GuardAlarm"]
        assert words in note.message and len(note.message.encode()) <= 1024
        (told,) = [each for each in occurrences(QA, harm, after) if each.kind is OccurrenceKind.ALARM]
        culprits = [each.value for each in named(guard_of(after))]
        assert event_data(QA, told)["verdict"]["culprit"].split(",") == culprits and f"{words}." in told.sentence
        status = json.loads(json.dumps(to_status("qa", UID, TIMES, after, "")))
        assert status["guard"]["culprit"]["named"] == culprits and "spans" not in status["guard"]
        assert from_status(status)[0].guard == after.guard
        assert object_differences(record(after)) == []
    assert "Exact Match is not to be trusted" in str(kinds(harm)["the scorer"].decision)


@pytest.mark.slow
def test_what_a_verdict_says_has_moved_is_recomputed_and_nothing_of_it_can_be_changed(harm: RolloutState) -> None:
    spec = record(decided(harm))["spec"]
    culprit = spec["guard"]["culprit"]
    changes: tuple[dict[str, Any], ...] = (
        {"named": ["Data"]},
        {"named": ["Unknown"], "possible": ["Data", "Scorer"]},
        {"frozen": [2000, 0, 120, 80]},
        {"changed": [{"culprit": "Engine", "at": culprit["onset"]}]},
        {"after": [culprit["after"][0], culprit["after"][1] - 1, *culprit["after"][2:]]},
        {"before": [0, 0, 0, 0]},
        {"onset": "never"},
        {"latest": "2055-01-01T00:00:00Z"},
        {"earliest": culprit["latest"], "onset": culprit["earliest"]},
        {"onset": "2055-01-01T00:00:00Z", "after": [0, 0, 0, 0]},
    )
    for change in changes:
        changed = {**spec["guard"], "culprit": {**culprit, **change}}
        told = differences({**spec, "guard": changed})
        assert any("moved" in sentence for sentence in told), (change, told)


@pytest.mark.slow
def test_a_verdict_of_an_earlier_release_that_names_nobody_is_recomputed_as_before(harm: RolloutState) -> None:
    after = decided(harm)
    guard, decision = guard_of(after), after.decision
    assert guard.alarm is not None and decision is not None
    silent = replace(guard, alarm=replace(guard.alarm, finding=None, evidence=None))
    message = decision.message.partition(" What has moved")[0]
    before = replace(after, guard=silent, decision=replace(decision, message=message))
    spec = record(before)["spec"]
    assert "culprit" not in spec["guard"] and object_differences(record(before)) == []
    status = json.loads(json.dumps(to_status("qa", UID, TIMES, before, "")))
    assert from_status(status)[0].guard == silent


@pytest.mark.slow
def test_no_certified_setting_follows_an_alarm_by_which_its_certificate_is_void_too() -> None:
    alarmed = bound(stepping_back.harmed(stepping_back.promoted_of_several()))
    follows = {}
    for what, state, frozen in (
        ("setting", alarmed, AGREES),
        ("engine", lapsed(alarmed, Part.MODEL), AGREES),
        ("scorer", alarmed, BROKEN),
        ("parameters", lapsed(alarmed, Part.PARAMETERS), AGREES),
    ):
        after = respond(stepping_back.TIMES, state, digest(alarmed), replace(evidence_of(state), frozen=frozen))
        alarm = guard_of(after).alarm
        assert alarm is not None and after.decision is not None
        follows[what] = alarm.then
        assert ("no setting follows" in after.decision.message) is not bool(alarm.then)
    assert follows == {"setting": "w10", "engine": "", "scorer": "", "parameters": ""}
