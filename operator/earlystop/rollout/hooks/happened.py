"""What happened to a policy that somebody outside may want to know, found in this one place by comparing two states."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from earlystop.api.hooks import Hook, OccurrenceKind
from earlystop.rollout.certificate.follow import new_lapse
from earlystop.rollout.certificate.words import lapse_sentence, reason_of
from earlystop.rollout.decision import GUARD_ALARM
from earlystop.rollout.hooks.occurrence import Occurrence, PolicyIdentity
from earlystop.rollout.hooks.outbox import Outbox, put
from earlystop.rollout.hooks.words import FAILURES_IN_A_ROW as FAILURES_IN_A_ROW
from earlystop.rollout.hooks.words import LONGEST_SENTENCE as LONGEST_SENTENCE
from earlystop.rollout.hooks.words import bounded, facts_of, repeated_sentence
from earlystop.rollout.state import Phase, RolloutState, Verdict
from earlystop.rollout.waiting.approval_words import awaiting_sentence
from earlystop.rollout.waiting.gate_news import news_of_gates
from earlystop.rollout.waiting.gate_words import (
    GATE_CLOSED,
    GATE_TIMED_OUT,
    gate_sentence,
)
from earlystop.rollout.waiting.gates import GateState, awaits_gates_alone


def with_occurrences(
    identity: PolicyIdentity, hooks: Sequence[Hook], before: RolloutState, after: RolloutState
) -> RolloutState:
    """The state `after`, whose outbox has what happened since `before`. A policy that never had hooks has no outbox."""
    outbox = after.outbox
    if outbox is None or (happened := occurrences(identity, before, after)) == ():
        return after
    for each in happened:
        outbox = put(outbox, hooks, each)
        failures, outbox = outbox.failures, _counted(outbox, each)
        if outbox.failures > failures and outbox.failures % FAILURES_IN_A_ROW == 0:
            outbox = put(outbox, hooks, _repeated(each, outbox.failures))
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
        sentence=bounded(decision.message),
        verdict=facts_of(identity, after),
        decision=decision.number,
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
        sentence=bounded(search.ended.message),
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
        sentence=bounded(awaiting_sentence(after)),
    )


def _gates(_: PolicyIdentity, before: RolloutState, after: RolloutState) -> Iterator[Occurrence]:
    """Gates that are asked, or have answered, or did not in time."""
    reasons = {
        GateState.WAITING: "GateWaiting",
        GateState.OPEN: "GateOpen",
        GateState.CLOSED: GATE_CLOSED,
        GateState.TIMED_OUT: GATE_TIMED_OUT,
    }
    for each, what in news_of_gates(before, after):
        yield Occurrence(
            kind=OccurrenceKind.GATE,
            at=each.at,
            campaign=after.campaign,
            revision=after.revision,
            reason=reasons[each.state],
            sentence=bounded(gate_sentence(each, what)),
            gate=each.gate,
        )


def _lapsed(_: PolicyIdentity, before: RolloutState, after: RolloutState) -> Iterator[Occurrence]:
    """A certificate that lapses, or does so for something else too."""
    lapse, certified = new_lapse(before, after), after.certified
    if lapse is None or certified is None or certified.bound is None:
        return
    yield Occurrence(
        kind=OccurrenceKind.LAPSED,
        at=lapse.since,
        campaign=after.campaign,
        revision=after.revision,
        reason=reason_of(lapse),
        sentence=bounded(lapse_sentence(certified.bound, lapse)),
    )


FINDERS: tuple[Callable[[PolicyIdentity, RolloutState, RolloutState], Iterator[Occurrence]], ...] = (
    _awaits,
    _gates,
    _lapsed,
    _decided,
    _search_ended,
)
"""Each finds occurrences of its own; what else may happen to a policy gets a row here."""


def _counted(outbox: Outbox, occurrence: Occurrence) -> Outbox:
    """The outbox with the campaigns in a row that promoted nothing that lasted; a search is one, and a recommendation
    is what was asked for. An alarm takes back what was promoted, so its promotion ended no such row."""
    match occurrence.kind:
        case OccurrenceKind.PROMOTED:
            return replace(outbox, failures=0, failures_before=outbox.failures)
        case OccurrenceKind.ALARM:
            return replace(outbox, failures=max(outbox.failures, outbox.failures_before) + 1, failures_before=0)
        case OccurrenceKind.ROLLED_BACK | OccurrenceKind.ENDED:
            is_success = occurrence.verdict is not None and occurrence.verdict.decision == "Recommend"
            return replace(outbox, failures=0 if is_success else outbox.failures + 1, failures_before=0)
    return outbox


def _repeated(occurrence: Occurrence, failures: int) -> Occurrence:
    sentence = repeated_sentence(str(failures), occurrence.reason)
    return replace(occurrence, kind=OccurrenceKind.REPEATED_FAILURE, reason="RepeatedFailure", sentence=sentence)
