"""Judging one candidate alone: harm takes it back at once, and it wins once a promotion needs nothing more."""

from __future__ import annotations

from earlystop.rollout.decision import favour, roll_back_harmful
from earlystop.rollout.plan import Plan
from earlystop.rollout.promotion import missing_for_promotion
from earlystop.rollout.state import Comparison, Decision, RolloutState

REASON = "NonInferiorAndSaving"


def decision_at(plan: Plan, state: RolloutState, at: int) -> Decision | None:
    """The decision about the only candidate, None to go on. A campaign whose time is over has none by evidence: what
    is proven was decided at its look."""
    (only,) = state.comparisons
    return decision_about(plan, state, only, at)


def decision_about(plan: Plan, state: RolloutState, only: Comparison, at: int) -> Decision | None:
    """The decision about the one candidate that is still tried, None to go on."""
    if only.claims.harmful:
        return roll_back_harmful(plan, only, at)
    # As nearly always: something is not proven, and to say what takes intervals.
    if only.claims.gaps or missing_for_promotion(plan, state, only.name, at):
        return None
    return favour(plan, state, only.name, REASON, at)
