"""A decision that waits for people as it stands in a policy's status, and back."""

from __future__ import annotations

from earlystop.api.status.awaiting import AwaitingStatus
from earlystop.api.times import from_rfc3339_or_none, rfc3339_or_none
from earlystop.rollout.formatting import from_rfc3339, rfc3339
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.plan import Plan
from earlystop.rollout.state import RolloutState
from earlystop.rollout.waiting.approval import awaited_digest, proposed_decision, proposer_of
from earlystop.rollout.waiting.awaited import AwaitedDecision
from earlystop.rollout.waiting.end import waiting_ends_at

LONGEST_REASON = 640


def awaiting_status(uid: str, times: LiveTimes, state: RolloutState) -> AwaitingStatus | None:
    """What the status says of it, None when no decision waits. uid: of the policy."""
    awaited = state.awaiting
    if awaited is None:
        return None
    ends = waiting_ends_at(times, state)
    return AwaitingStatus.model_validate(
        {
            "decision": proposed_decision(state, awaited).verdict.value,
            "reason": awaited.reason,
            "candidate": awaited.candidate,
            "digest": awaited_digest(uid, state),
            "since": rfc3339(awaited.since),
            "expiresAt": rfc3339_or_none(ends),
            "requestedBy": awaited.requested_by or None,
            "proposedBy": proposer_of(state) or None,
            "classMap": [{"queryClass": name, "candidate": candidate} for name, candidate in awaited.class_map] or None,
            "replaces": awaited.replaces[:LONGEST_REASON] or None,
            "answersFrom": rfc3339_or_none(awaited.answers_from),
        }
    )


def restore_awaiting(stored: AwaitingStatus | None, plan: Plan) -> AwaitedDecision | None:
    """Inverse of `awaiting_status`. Raises ValueError for a candidate that the plan does not name."""
    if stored is None:
        return None
    if stored.candidate not in plan.names:
        raise ValueError(f"status.awaiting is about {stored.candidate}, which status.plan does not name")
    return AwaitedDecision(
        stored.candidate,
        stored.reason,
        from_rfc3339(stored.since),
        requested_by=stored.requested_by or "",
        class_map=tuple((each.query_class, each.candidate) for each in stored.class_map or ()),
        replaces=stored.replaces or "",
        answers_from=from_rfc3339_or_none(stored.answers_from),
    )
