"""The decision of a campaign as it stands in a policy's status, and back."""

from __future__ import annotations

from earlystop.api.status.policy import DecisionStatus, UnstoredDecision
from earlystop.rollout.decision_digest import decision_digest
from earlystop.rollout.formatting import from_rfc3339, rfc3339
from earlystop.rollout.guard.codec import guard_status, restore_guard
from earlystop.rollout.plan import Plan
from earlystop.rollout.state import Decision, RolloutState, Unstored, Verdict
from earlystop.rollout.unstored import states_to_record
from earlystop.rollout.verdict import verdict_name


def decision_status(name: str, uid: str, state: RolloutState) -> DecisionStatus | None:
    """What the status says of it, None before there is one. name, uid: of the policy."""
    if state.decision is None:
        return None
    return DecisionStatus(
        verdict=state.decision.verdict.value,
        candidate=state.decision.candidate if len(state.comparisons) > 1 else None,
        reason=state.decision.reason,
        message=state.decision.message,
        name=verdict_name(name, state),
        digest=decision_digest(name, uid, state),
        at=rfc3339(state.decision.at),
        number=state.decision.number if state.decision.number > 1 else None,
        requested_by=state.decision.requested_by or None,
        proposal_digest=state.decision.proposal or None,
        approved_by=state.decision.approved_by or None,
        rejected_by=state.decision.rejected_by or None,
        looks_as_text=state.decision.looks_as_text or None,
        guard_looks_as_text=state.decision.guard_looks_as_text or None,
    )


def restore_decision(plan: Plan, stored: DecisionStatus | None) -> Decision | None:
    """Inverse of `decision_status`. Raises ValueError for a candidate that the plan does not name."""
    if stored is None:
        return None
    return Decision(
        Verdict(stored.verdict),
        stored.reason,
        stored.message,
        from_rfc3339(stored.at),
        candidate=_known_name(plan, stored.candidate or plan.names[0]),
        requested_by=stored.requested_by or "",
        number=stored.number or 1,
        proposal=stored.proposal_digest or "",
        approved_by=stored.approved_by or (),
        rejected_by=stored.rejected_by or "",
        looks_as_text=bool(stored.looks_as_text),
        guard_looks_as_text=bool(stored.guard_looks_as_text),
    )


def unstored_status(name: str, uid: str, state: RolloutState) -> tuple[UnstoredDecision, ...] | None:
    """What the status says of decisions whose verdicts are still to be stored, None where there are none."""
    earlier = states_to_record(state)[:-1]
    return tuple(_unstored(name, uid, each) for each in earlier) or None


def _unstored(name: str, uid: str, state: RolloutState) -> UnstoredDecision:
    """What the status says of a state's own decision."""
    decision = decision_status(name, uid, state)
    assert decision is not None  # only decisions are kept
    return UnstoredDecision(decision=decision, previous_digest=state.previous_digest, guard=guard_status(state.guard))


def restore_unstored(
    plan: Plan, stored: tuple[UnstoredDecision, ...] | None, learned: float | None
) -> tuple[Unstored, ...]:
    """Inverse of `unstored_status`. learned: as in `Plan.objective_at`. Raises ValueError as `restore_decision`."""
    restored = ((restore_decision(plan, each.decision), each) for each in stored or ())
    return tuple(
        Unstored(decision, each.previous_digest, restore_guard(each.guard, plan, learned))
        for decision, each in restored
        if decision is not None
    )


def _known_name(plan: Plan, name: str) -> str:
    if name not in plan.names:
        raise ValueError(f"status.decision is about {name}, which status.plan does not name")
    return name
