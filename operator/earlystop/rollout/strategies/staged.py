"""What strategies share that raise requests in the plan's steps: everything but how candidates are judged."""

from __future__ import annotations

from dataclasses import replace

from earlystop.rollout.plan import Plan, StageKind
from earlystop.rollout.state import Phase, RolloutState
from earlystop.rollout.steps import begin_next_step, may_advance, restart_step


class Staged:
    """Candidates that are tried get the weight of the step, and a step follows when nothing speaks against it."""

    promotes = True

    def is_final(self, plan: Plan, step: int) -> bool:
        """Evidence of live answers alone: what was judged in shadow before the first step promotes nothing."""
        return plan.stage(step).kind is StageKind.SPLIT

    def weights(self, plan: Plan, state: RolloutState) -> dict[str, int]:
        """The step's weight for every candidate that is still tried."""
        return {each.name: plan.stage(state.step).weight for each in state.active}

    def next_stage(self, plan: Plan, state: RolloutState, at: int) -> RolloutState | None:
        """The same stage again without a candidate that was just dropped; else the next stage once it may be."""
        dropped = [each.dropped for each in state.comparisons if each.dropped is not None]
        if plan.stage(state.step).kind is StageKind.SPLIT and any(each.step == state.step for each in dropped):
            # Other weights are another step: its requests are labelled as such, and stragglers of this one are no
            # evidence.
            return replace(restart_step(state), phase=Phase.APPLYING, step=state.step + 1)
        return begin_next_step(plan, state) if may_advance(plan, state, at) else None

    def describe(self, plan: Plan) -> str:
        """The weights of all steps; the cohorts' header where there are none."""
        if not plan.spec.delivery.traits.split_known:
            return ", each on a cohort by a header"
        return f" in steps of {', '.join(str(stage.weight) for stage in plan.stages)} %"

    def describe_step(self, plan: Plan, state: RolloutState) -> str:
        """The number of the step among those planned, and its weight."""
        stage = plan.stage(state.step)
        if stage.kind is StageKind.SHADOW:
            return SHADOW_STAGE
        if stage.same_setting:
            return SAME_SETTING_STAGE
        split = f"{stage.weight} % of requests" if plan.spec.delivery.traits.split_known else "cohorts by a header"
        return f"step {state.step + 1} of {len(plan.stages)}, {split}"

    def count_step(self, plan: Plan, state: RolloutState) -> str:
        """Among all stages of the plan."""
        return f"{state.step + 1}/{len(plan.stages)}"


SAME_SETTING_STAGE = "the A/A stage, in which all cohorts get the baseline's setting"
SHADOW_STAGE = "the shadow stage, in which the server judges candidates on the baseline's requests and no user sees one"
