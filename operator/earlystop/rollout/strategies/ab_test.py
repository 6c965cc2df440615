"""ABTest: candidates in fixed shares, judged together; one that is shown to be harmful is dropped."""

from __future__ import annotations

from earlystop.api.plurals import counted
from earlystop.rollout.plan import Plan, StageKind
from earlystop.rollout.state import Decision, RolloutState
from earlystop.rollout.strategies import alone, by_class, together
from earlystop.rollout.strategies.staged import SAME_SETTING_STAGE, SHADOW_STAGE, Staged


class ABTest(Staged):
    """Candidates beside the baseline and each other. A policy that names just one has it judged alone."""

    def judges_together(self, plan: Plan) -> bool:
        """Whether the plan has more than one candidate."""
        return len(plan.names) > 1

    def after_look(self, plan: Plan, state: RolloutState, at: int) -> RolloutState:
        """Harmful candidates are dropped, and proven ones certified, in each query class where the plan asks for it."""
        if plan.is_per_class:
            return by_class.after_look(plan, state, at)
        if not self.judges_together(plan):
            return state
        return together.after_look(plan, state, at, self.is_final(plan, state.step))

    def decision_at(self, plan: Plan, state: RolloutState, at: int, *, time_is_over: bool = False) -> Decision | None:
        """The promotion of the proven candidate that saves most, in each query class where the plan asks for it, or a
        rollback when none is left."""
        if plan.is_per_class:
            return by_class.decision_at(plan, state, at, time_is_over)
        if self.judges_together(plan):
            return together.decision_at(plan, state, at, time_is_over)
        return None if time_is_over else alone.decision_at(plan, state, at)

    def describe(self, plan: Plan) -> str:
        """The phrase for the share of each candidate in the sentence on a campaign's start."""
        if not (self.judges_together(plan) and plan.spec.delivery.traits.split_known):
            return super().describe(plan)
        return f" at {plan.stages[-1].weight} % each"

    def describe_step(self, plan: Plan, state: RolloutState) -> str:
        """The number of the step and the share of each candidate. Each candidate that is dropped begins a step that
        nobody planned, so the steps are not counted."""
        stage = plan.stage(state.step)
        if not self.judges_together(plan):
            return super().describe_step(plan, state)
        if stage.kind is StageKind.SHADOW:
            return SHADOW_STAGE
        if stage.same_setting:
            return SAME_SETTING_STAGE
        split = f"{stage.weight} % of requests" if plan.spec.delivery.traits.split_known else "cohorts by a header"
        tried = len(state.active)
        whose = f"each of {counted(tried, 'candidate')}" if tried > 1 else "the last candidate that is left"
        return f"step {state.step + 1}, {split} for {whose}"

    def count_step(self, plan: Plan, state: RolloutState) -> str:
        """Its number alone where candidates are judged together, since each that is dropped begins another step."""
        return str(state.step + 1) if self.judges_together(plan) else super().count_step(plan, state)


STRATEGY = ABTest()
