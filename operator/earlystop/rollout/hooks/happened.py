"""What happened to a policy that somebody outside may want to know, found in this one place by comparing two states."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from earlystop.api.hooks import Hook, OccurrenceKind
from earlystop.rollout.approval_words import awaiting_sentence
from earlystop.rollout.decision import GUARD_ALARM
from earlystop.rollout.decision_digest import decision_digest
from earlystop.rollout.formatting import in_percent, in_points
from earlystop.rollout.gate_words import (
    GATE_CLOSED,
    GATE_TIMED_OUT,
    awaits_gates_alone,
    gate_sentence,
    new_answers,
)
from earlystop.rollout.gates import GateState
from earlystop.rollout.hooks.occurrence import Occurrence, PolicyIdentity, VerdictFacts
from earlystop.rollout.hooks.outbox import put
from earlystop.rollout.state import Phase, RolloutState, Verdict
from earlystop.rollout.verdict import verdict_name

LONGEST_SENTENCE = 480
FAILURES_IN_A_ROW = 3
"""Campaigns in a row that promoted nothing, each so many of which are an occurrence."""


def with_occurrences(
    identity: PolicyIdentity, hooks: Sequence[Hook], before: RolloutState, after: RolloutState
) -> RolloutState:
    """The state `after`, whose outbox has what happened since `before`. A policy without hooks has no outbox."""
    outbox = after.outbox
    if outbox is None or (happened := occurrences(identity, before, after)) == ():
        return after
    for each in happened:
        outbox = put(outbox, hooks, each)
        failures = _failures_after(outbox.failures, each)
        is_repeated = failures > outbox.failures and failures % FAILURES_IN_A_ROW == 0
        outbox = replace(outbox, failures=failures)
        if is_repeated:
            outbox = put(outbox, hooks, _repeated(each, failures))
    return replace(after, outbox=outbox)


def occurrences(identity: PolicyIdentity, before: RolloutState, after: RolloutState) -> tuple[Occurrence, ...]:
    """What happened as `before` became `after`, in the order in which it is to be told. None has a number yet."""
    return tuple(each for find in FINDERS for each in find(identity, before, after))


def _decided(identity: PolicyIdentity, before: RolloutState, after: RolloutState) -> Iterator[Occurrence]:
    """A decision, of which every one has a verdict."""
    decision = after.decision
    if decision is None or (before.campaign, before.decision) == (after.campaign, decision):
        return
    kinds = {Verdict.PROMOTE: OccurrenceKind.PROMOTED, Verdict.ROLL_BACK: OccurrenceKind.ROLLED_BACK}
    kind = kinds.get(decision.verdict, OccurrenceKind.ENDED)
    if after.search is not None and not _was_over(before, after):
        kind = OccurrenceKind.TRIAL_ENDED
    if decision.reason == GUARD_ALARM:
        kind = OccurrenceKind.ALARM
    yield Occurrence(
        kind=kind,
        at=decision.at,
        campaign=after.campaign,
        revision=after.revision,
        reason=decision.reason,
        sentence=_bounded(decision.message),
        verdict=_facts(identity, after),
    )


def _was_over(before: RolloutState, after: RolloutState) -> bool:
    """Whether the search had ended before: what is decided then, as an abort or a step back, ends no trial."""
    return before.search is not None and before.search.ended is not None and before.campaign == after.campaign


def _search_ended(_: PolicyIdentity, before: RolloutState, after: RolloutState) -> Iterator[Occurrence]:
    """The end of a search, which leaves the policy with what its trials have shown."""
    search, then = after.search, before.search
    if search is None or search.ended is None:
        return
    if then is not None and then.number == search.number and then.ended is not None:
        return
    kinds = {Phase.PROMOTED: OccurrenceKind.PROMOTED, Phase.ROLLED_BACK: OccurrenceKind.ROLLED_BACK}
    yield Occurrence(
        kind=kinds.get(after.phase, OccurrenceKind.ENDED),
        at=search.ended.at,
        campaign=after.campaign,
        revision=after.revision,
        reason=search.ended.reason,
        sentence=_bounded(search.ended.message),
    )


def _awaits(_: PolicyIdentity, before: RolloutState, after: RolloutState) -> Iterator[Occurrence]:
    """A decision that begins to wait for people."""
    then, now = before.awaiting, after.awaiting
    if now is None or awaits_gates_alone(after.gates):
        return
    if before.campaign == after.campaign and then is not None and now.is_same_as(then):
        return
    yield Occurrence(
        kind=OccurrenceKind.AWAITING_APPROVAL,
        at=now.since,
        campaign=after.campaign,
        revision=after.revision,
        reason="AwaitingApproval",
        sentence=_bounded(awaiting_sentence(after)),
    )


def _gates(_: PolicyIdentity, before: RolloutState, after: RolloutState) -> Iterator[Occurrence]:
    """Gates that are asked, or have answered, or did not in time."""
    reasons = {
        GateState.WAITING: "GateWaiting",
        GateState.OPEN: "GateOpen",
        GateState.CLOSED: GATE_CLOSED,
        GateState.TIMED_OUT: GATE_TIMED_OUT,
    }
    for each in new_answers(before.gates, after.gates):
        yield Occurrence(
            kind=OccurrenceKind.GATE,
            at=each.at,
            campaign=after.campaign,
            revision=after.revision,
            reason=reasons[each.state],
            sentence=_bounded(gate_sentence(each)),
            gate=each.gate,
        )


FINDERS: tuple[Callable[[PolicyIdentity, RolloutState, RolloutState], Iterator[Occurrence]], ...] = (
    _awaits,
    _gates,
    _decided,
    _search_ended,
)
"""Each finds occurrences of its own; what else may happen to a policy gets a row here."""


def _facts(identity: PolicyIdentity, state: RolloutState) -> VerdictFacts:
    decision, leading = state.decision, state.leading
    assert decision is not None and leading is not None  # it was just decided
    return VerdictFacts(
        name=verdict_name(identity.name, state),
        digest=decision_digest(identity.name, identity.uid, state),
        decision=decision.verdict.value,
        candidate=decision.candidate,
        effect=in_points(leading.assessment.effect),
        saving=in_percent(leading.assessment.saving),
        requested_by=decision.requested_by[:LONGEST_SENTENCE],
    )


def _bounded(sentence: str) -> str:
    """The sentence, cut where it is too long for a status that keeps it until it is told."""
    return sentence if len(sentence) <= LONGEST_SENTENCE else sentence[: LONGEST_SENTENCE - 1].rstrip() + "…"


def _failures_after(failures: int, occurrence: Occurrence) -> int:
    """Campaigns in a row that promoted nothing, with alarms over what one promoted; a search is one, and a
    recommendation is what was asked for."""
    match occurrence.kind:
        case OccurrenceKind.PROMOTED:
            return 0
        case OccurrenceKind.ROLLED_BACK | OccurrenceKind.ENDED | OccurrenceKind.ALARM:
            is_success = occurrence.verdict is not None and occurrence.verdict.decision == "Recommend"
            return 0 if is_success else failures + 1
        case OccurrenceKind.ALARM:
            return failures + 1  # what was promoted was taken back
    return failures


def _repeated(occurrence: Occurrence, failures: int) -> Occurrence:
    sentence = (
        f"{failures} campaigns in a row have promoted nothing; the last one ended with {occurrence.reason}. Look at "
        "what the candidates have in common before another one is tried."
    )
    return replace(occurrence, kind=OccurrenceKind.REPEATED_FAILURE, reason="RepeatedFailure", sentence=sentence)
