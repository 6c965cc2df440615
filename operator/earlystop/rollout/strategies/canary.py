"""Canary: one candidate in rising shares."""

from __future__ import annotations

from earlystop.rollout.plan import Plan
from earlystop.rollout.state import Decision, RolloutState
from earlystop.rollout.strategies import alone
from earlystop.rollout.strategies.staged import Staged


class Canary(Staged):
    """One candidate beside the baseline, judged alone."""

    def judges_together(self, plan: Plan) -> bool:
        """Never: there is one candidate."""
        return False

    def after_look(self, plan: Plan, state: RolloutState, at: int) -> RolloutState:
        """Evidence about the only candidate ends the campaign, or changes nothing."""
        return state

    def decision_at(self, plan: Plan, state: RolloutState, at: int, *, time_is_over: bool = False) -> Decision | None:
        """A rollback for harm, or the promotion that the evidence allows."""
        return None if time_is_over else alone.decision_at(plan, state, at)


STRATEGY = Canary()
