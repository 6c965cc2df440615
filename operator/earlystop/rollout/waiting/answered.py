"""What follows from the answers to a decision that waits: it acts, it ends the campaign, or it is dropped. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from earlystop.api.visible import printable
from earlystop.rollout.decided import decided
from earlystop.rollout.formatting import in_duration
from earlystop.rollout.handled_requests import Request
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.manual import Declined, promote_now
from earlystop.rollout.state import ACTING, Decision, Phase, RolloutState, Verdict
from earlystop.rollout.strategy import strategy_of
from earlystop.rollout.waiting.awaited import AwaitedDecision
from earlystop.rollout.waiting.end import proof_is_due
from earlystop.rollout.waiting.gate_words import GATE_CLOSED, GATE_TIMED_OUT, closed_message, timed_out_message
from earlystop.rollout.waiting.proposing import is_proposed
from earlystop.rollout.waiting.requirements import Answer, Requirement, RequirementState, joined
from earlystop.rollout.words.event_notes import EventNote

APPROVAL_EXPIRED = "ApprovalExpired"
APPROVAL_REJECTED = "ApprovalRejected"
PROOF_NOT_REGAINED = "ProofNotRegained"
LONGEST_COMMENT = 256


def after_answers(
    times: LiveTimes,
    state: RolloutState,
    requirements: Iterable[Requirement],
    proposal: str,
    previous_digest: str,
    now: int,
) -> tuple[RolloutState, EventNote | None]:
    """The state once everything that a waiting decision waits for has answered, and what there is to tell of it; the
    same state while something waits, and while the policy is suspended.

    proposal: digest of what waits, as it stood at this moment. previous_digest: of the policy's latest verdict. now:
    Unix seconds.
    """
    awaited = state.awaiting
    if awaited is None or state.phase in ACTING or times.suspend or state.phase is Phase.SUSPENDED:
        return state, None
    answer = joined(requirements, now)
    if answer.state is RequirementState.WAITING:
        return state, None
    if answer.state is RequirementState.OPEN:
        answered = proposal if answer.by else ""
        if not awaited.by_evidence:
            return _promoted(times, state, awaited, answer, answered, previous_digest, now)
        after = _carried_out(times, state, awaited, answer, answered, now)
        due = proof_is_due(times, state)
        if after is not state or due is None or now < due:
            return after, None
        if answer.by and state.phase is not Phase.OBSERVING:
            # As after a suspension: nobody knows whether proof was lost, only that what people agreed to is too old.
            return decided(times, state, _expired(times, awaited, proposal, now)), None
        message = not_regained_message(awaited.candidate, times.approval.expires_seconds)
        lost = Decision(Verdict.INCONCLUSIVE, PROOF_NOT_REGAINED, message, now, awaited.candidate, proposal=answered)
        return decided(times, state, lost), None
    ended = _ended(awaited, answer, proposal, times, now)
    if awaited.by_evidence:
        return decided(times, state, ended), None
    note = EventNote(ended.reason, "ApplyRequest", f"{ended.message} The campaign goes on.", warning=True)
    return replace(state, awaiting=None), note


def _carried_out(
    times: LiveTimes, state: RolloutState, awaited: AwaitedDecision, answer: Answer, proposal: str, now: int
) -> RolloutState:
    """The state with the decision that the evidence of this moment demands; the same state while it demands none, or
    nobody can count: what was approved is not done blindly."""
    at = state.last_look_at
    if state.phase is not Phase.OBSERVING or state.metrics_lost_at is not None or at is None:
        return state
    plan = state.pinned_plan
    for time_is_over in (False, True):
        decision = strategy_of(plan).decision_at(plan, state, at, time_is_over=time_is_over)
        if decision is not None and is_proposed(state, decision, awaited):
            moment = now if answer.by else at  # where nobody need agree any more, it is what the look has decided
            decision = replace(decision, at=moment, proposal=proposal, approved_by=answer.by)
            return decided(times, state, decision)
    return state


def _promoted(
    times: LiveTimes,
    state: RolloutState,
    awaited: AwaitedDecision,
    answer: Answer,
    proposal: str,
    previous_digest: str,
    now: int,
) -> tuple[RolloutState, EventNote | None]:
    """The state with the promotion that a person asked for, as it would be decided now; without it where it is declined
    by now, as for harm that was shown since."""
    request = Request(f"{state.revision}/{awaited.candidate}", "")
    request = replace(request, by=awaited.requested_by)
    before = replace(state, awaiting=None)
    after = promote_now(times.without_people, before, request, previous_digest, now)
    if isinstance(after, Declined):
        return before, EventNote("RequestRefused", "ApplyRequest", after.message, warning=True)
    if after.decision is None or after.decision is before.decision:
        return before, None
    return replace(after, decision=replace(after.decision, proposal=proposal, approved_by=answer.by)), None


def _ended(awaited: AwaitedDecision, answer: Answer, proposal: str, times: LiveTimes, now: int) -> Decision:
    """What ends a campaign whose decision was rejected, or nobody agreed to in time, or a gate held."""
    if answer.gate:
        return ended_by_gate(awaited.candidate, answer, now)
    if answer.state is RequirementState.TIMED_OUT:
        return _expired(times, awaited, proposal, now)
    (by, *_) = answer.by
    message = rejected_message(awaited.candidate, by, answer.comment)
    decision = Decision(Verdict.ROLL_BACK, APPROVAL_REJECTED, message, now, awaited.candidate, proposal=proposal)
    return replace(decision, rejected_by=by)


def _expired(times: LiveTimes, awaited: AwaitedDecision, proposal: str, now: int) -> Decision:
    """What ends a campaign in which no answer of people could be followed in time."""
    message = expired_message(awaited.candidate, times.approval.expires_seconds)
    return Decision(Verdict.INCONCLUSIVE, APPROVAL_EXPIRED, message, now, awaited.candidate, proposal=proposal)


def ended_by_gate(candidate: str, answer: Answer, now: int) -> Decision:
    """What ends a campaign at a gate: nobody was asked, so the record names no proposal."""
    if answer.state is RequirementState.TIMED_OUT:
        message = timed_out_message(answer.gate, candidate)
        return Decision(Verdict.INCONCLUSIVE, GATE_TIMED_OUT, message, now, candidate)
    message = closed_message(answer.gate, candidate, printable(answer.comment, LONGEST_COMMENT))
    return Decision(Verdict.ROLL_BACK, GATE_CLOSED, message, now, candidate)


def expired_message(name: str, seconds: int) -> str:
    """The sentence on a decision that nobody answered in time. seconds: how long it waited."""
    return f"No approval of candidate {name} could be followed within {in_duration(seconds)}."


def not_regained_message(name: str, seconds: int) -> str:
    """The sentence on a decision to which everybody has agreed, and for which the evidence no longer spoke by then.
    seconds: how long it was waited for."""
    return (
        f"The proof of candidate {name} was lost while its decision waited for others, and did not come back within "
        f"{in_duration(seconds)}."
    )


def rejected_message(name: str, by: str, comment: str) -> str:
    """The sentence on a decision that somebody rejected. by: who, in words."""
    said = f', who wrote "{printable(comment, LONGEST_COMMENT)}"' if comment else ""
    return f"{rejected_by(by)}{said}: candidate {name} gets no more requests."


def rejected_by(by: str) -> str:
    """How the sentence on a rejected decision begins."""
    return f"Rejected by {by}"
