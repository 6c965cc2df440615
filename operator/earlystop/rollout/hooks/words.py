"""What is told of an occurrence in words. A status keeps neither them nor a verdict's facts, which a receiver that does
not answer would make it hold for many: they follow from the state, or from the verdict's record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from earlystop.api.hooks import OccurrenceKind
from earlystop.api.plurals import counted
from earlystop.rollout.certificate.words import lapse_sentence
from earlystop.rollout.decision import GUARD_ALARM
from earlystop.rollout.decision_digest import decision_digest
from earlystop.rollout.formatting import in_percent, in_points, rfc3339
from earlystop.rollout.hooks.occurrence import Occurrence, PolicyIdentity, VerdictFacts
from earlystop.rollout.state import RolloutState
from earlystop.rollout.unstored import states_to_record
from earlystop.rollout.verdict import later_verdict_name, verdict_name
from earlystop.rollout.waiting.approval_words import awaiting_sentence
from earlystop.rollout.waiting.gate_words import before_step, gate_sentence
from earlystop.rollout.waiting.gates import gates_of_step

LONGEST_SENTENCE = 480
FAILURES_IN_A_ROW = 3
"""Campaigns in a row that promoted nothing, each so many of which are an occurrence."""


def bounded(sentence: str) -> str:
    """The sentence, cut where it is too long for a message in a chat."""
    return sentence if len(sentence) <= LONGEST_SENTENCE else sentence[: LONGEST_SENTENCE - 1].rstrip() + "…"


def facts_of(identity: PolicyIdentity, state: RolloutState) -> VerdictFacts:
    """What is told of the verdict of a state's decision."""
    decision, leading = state.decision, state.leading
    assert decision is not None and leading is not None  # it was decided
    return VerdictFacts(
        name=verdict_name(identity.name, state),
        digest=decision_digest(identity.name, identity.uid, state),
        decision=decision.verdict.value,
        candidate=decision.candidate,
        effect=in_points(leading.assessment.effect),
        saving=in_percent(leading.assessment.saving),
        requested_by=decision.requested_by[:LONGEST_SENTENCE],
        culprit=_culprit(state) if decision.reason == GUARD_ALARM else "",
    )


def _culprit(state: RolloutState) -> str:
    """What has moved, in words of the guard's alarm."""
    alarm = None if state.guard is None else state.guard.alarm
    return ",".join(alarm.finding.words) if alarm is not None and alarm.finding is not None else ""


def repeated_sentence(failures: str, reason: str) -> str:
    """A sentence saying that so many campaigns in a row promoted nothing that stayed. reason: that of the last one's
    end."""
    return (
        f"{counted(failures, 'campaign in a row has', 'campaigns in a row have')} promoted nothing that lasted; "
        f"the last one ended with {reason}. Look at "
        "what the candidates have in common before another one is tried."
    )


def name_of_record(identity: PolicyIdentity, occurrence: Occurrence) -> str:
    """Name of the EarlyStopVerdict that an occurrence is about, "" where it is about none."""
    if not occurrence.decision:
        return ""
    return later_verdict_name(identity.name, occurrence.revision, occurrence.decision)


def worded(identity: PolicyIdentity, state: RolloutState, occurrence: Occurrence) -> Occurrence | None:
    """The occurrence with its words and its verdict's facts, as the policy's state has them. None where the state has
    gone on since, and only the verdict's record knows them."""
    if occurrence.sentence:
        return occurrence
    if not occurrence.decision:
        return replace(occurrence, sentence=bounded(_words_without_verdict(state, occurrence)))
    for each in states_to_record(state) if state.revision == occurrence.revision else ():
        decision = each.decision
        if decision is not None and decision.number == occurrence.decision:
            return _with_verdict(occurrence, facts_of(identity, each), decision.reason, decision.message)
    return None


def worded_by_record(name: str, record: Mapping[str, Any] | None, occurrence: Occurrence) -> Occurrence:
    """The occurrence with its words by the verdict's record. name: of the EarlyStopVerdict. record: its spec, None
    where there is none any more."""
    if record is None:
        sentence = f"Decided: {occurrence.reason}. The record {name} is not there any more."
        return replace(occurrence, sentence=sentence)
    facts = VerdictFacts(
        name=name,
        digest=str(record["digest"]),
        decision=str(record["decision"]),
        candidate=str(record["candidate"]),
        effect=str(record["effect"]),
        saving=str(record["saving"]),
        requested_by=str(record.get("requestedBy") or "")[:LONGEST_SENTENCE],
        culprit=",".join(((record.get("guard") or {}).get("culprit") or {}).get("named", ())),
    )
    return _with_verdict(occurrence, facts, str(record["reason"]), str(record["message"]))


def _with_verdict(occurrence: Occurrence, facts: VerdictFacts, reason: str, message: str) -> Occurrence:
    is_repeated = occurrence.kind is OccurrenceKind.REPEATED_FAILURE
    sentence = repeated_sentence(f"{FAILURES_IN_A_ROW} or more", reason) if is_repeated else bounded(message)
    return replace(occurrence, sentence=sentence, verdict=facts)


def _words_of_gate(state: RolloutState, occurrence: Occurrence) -> str:
    """How a gate before a promotion or a step stands; "" where it stands otherwise since."""
    before = before_step(state.step_gates, state.plan)
    for asked, what in ((state.gates, ""), (gates_of_step(state.step_gates), before)):
        answer = None if asked is None else asked.answer(occurrence.gate)
        if answer is not None and answer.at == occurrence.at:
            return gate_sentence(answer, what)
    return ""


def _words_without_verdict(state: RolloutState, occurrence: Occurrence) -> str:
    """The sentence on what waits, on a lapse, or on the end of a search."""
    is_present, when = state.revision == occurrence.revision, rfc3339(occurrence.at)
    if occurrence.kind is OccurrenceKind.AWAITING_APPROVAL:
        waits = is_present and state.awaiting is not None and state.awaiting.since == occurrence.at
        return awaiting_sentence(state) if waits else f"A decision began to wait for an approval at {when}."
    if occurrence.kind is OccurrenceKind.GATE:
        said = _words_of_gate(state, occurrence) if is_present else ""
        return said or f"Gate {occurrence.gate} at {when}: {occurrence.reason}."
    if occurrence.kind is OccurrenceKind.LAPSED:
        return _words_of_lapse(state, occurrence) or f"The certificate lapsed at {when}: {occurrence.reason}."
    search = state.search
    if search is not None and search.ended is not None and search.ended.at == occurrence.at:
        return search.ended.message
    return f"{occurrence.kind.value} at {when}: {occurrence.reason}."


def _words_of_lapse(state: RolloutState, occurrence: Occurrence) -> str:
    """What has changed since the setting was certified, "" where the state knows of another lapse or of none."""
    certified = state.certified
    if certified is None or certified.bound is None or certified.lapse is None:
        return ""
    is_present = state.revision == occurrence.revision and certified.lapse.since == occurrence.at
    return lapse_sentence(certified.bound, certified.lapse) if is_present else ""
