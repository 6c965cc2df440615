"""Grid: every setting of a search at once, in equal shares, judged together."""

from __future__ import annotations

from earlystop.api.plurals import counted
from earlystop.rollout.plan import Plan, StageKind
from earlystop.rollout.state import RolloutState
from earlystop.rollout.strategies.ab_test import ABTest
from earlystop.rollout.strategies.staged import SHADOW_STAGE


class Grid(ABTest):
    """Settings that share the weight of the step evenly. What one that is dropped had goes back to the baseline."""

    def weights(self, plan: Plan, state: RolloutState) -> dict[str, int]:
        """An even part of the step's weight for every setting that is still tried."""
        return {each.name: weight_of_each(plan, state.step) for each in state.active}

    def describe(self, plan: Plan) -> str:
        """The phrase for the share of each setting in the sentence on a campaign's start."""
        return f" at {weight_of_each(plan, len(plan.stages) - 1)} % each"

    def describe_step(self, plan: Plan, state: RolloutState) -> str:
        """The number of the step and the share of each setting. Each that is dropped begins a step that nobody
        planned, so the steps are not counted."""
        if plan.stage(state.step).kind is StageKind.SHADOW:
            return SHADOW_STAGE
        share, tried = weight_of_each(plan, state.step), len(state.active)
        whose = f"each of {counted(tried, 'setting')}" if tried > 1 else "the last setting that is left"
        return f"step {state.step + 1}, {share} % of requests for {whose}"


def weight_of_each(plan: Plan, step: int) -> int:
    """Percent of requests that each setting gets in a step."""
    return plan.stage(step).weight // len(plan.names)


STRATEGY = Grid()
