"""A strategy for a test: the first candidate that is proven to save tokens wins, whatever the others do."""

from __future__ import annotations

from earlystop.rollout.decision import favour
from earlystop.rollout.plan import Plan
from earlystop.rollout.state import Decision, RolloutState
from earlystop.rollout.strategies.canary import Canary


class Race(Canary):
    """Candidates side by side, of which the first to finish is promoted."""

    def judges_together(self, plan: Plan) -> bool:
        return len(plan.names) > 1

    def decision_at(self, plan: Plan, state: RolloutState, at: int, *, time_is_over: bool = False) -> Decision | None:
        done = (each for each in state.active if each.assessment.saves_tokens and not each.assessment.harmful)
        first = next(done, None)
        return None if first is None else favour(plan, state, first.name, "FirstToSave", at)

    def describe(self, plan: Plan) -> str:
        return " in a race"


STRATEGY = Race()
