"""Which states must be stored at once."""

from __future__ import annotations

from earlystop.rollout.state import RolloutState


def is_transition(before: RolloutState, after: RolloutState) -> bool:
    """Whether the new state must be stored at once; single looks can be read again after a restart."""
    return _milestone(before) != _milestone(after)


def _milestone(state: RolloutState) -> tuple[object, ...]:
    status = tuple((each.certified_at, each.dropped) for each in state.comparisons)
    return state.phase, state.step, state.campaign, state.decision, state.metrics_lost_at is None, status
