"""ShadowFirst: every setting is judged on the baseline's requests, and the best one alone is proven again on live ones.

The closed test in shadow chooses and promotes nothing. Live answers begin a process of their own, after the choice, so
the chosen setting is tested at the whole risk of the policy, however many were judged before.
"""

from __future__ import annotations

from dataclasses import replace

from earlystop.rollout.plan import Plan, StageKind
from earlystop.rollout.state import NOT_CHOSEN, Comparison, Decision, Dropped, RolloutState
from earlystop.rollout.steps import begin_next_step, has_least_time
from earlystop.rollout.strategies import alone, together
from earlystop.rollout.strategies.staged import SHADOW_STAGE, Staged

WAITS = 4
"""How long an undecided setting that may save more is waited for: so many times as long as the best one took to be
proven. One that takes longer is near the margin, where requests grow with the inverse square of the distance."""


class ShadowFirst(Staged):
    """Settings beside each other in shadow, then one of them in the rising shares of a canary."""

    def judges_together(self, plan: Plan) -> bool:
        """Always: each setting has a state of its own, even if only one is left to be judged."""
        return True

    def after_look(self, plan: Plan, state: RolloutState, at: int) -> RolloutState:
        """In shadow harmful settings are dropped, and proven ones certified; later the one is certified alone."""
        if _in_shadow(plan, state):
            return together.after_look(plan, state, at, is_final=True)
        return together.certify(plan, state, at)

    def decision_at(self, plan: Plan, state: RolloutState, at: int, *, time_is_over: bool = False) -> Decision | None:
        """A rollback when no setting is left in shadow; later the decision about the one that was chosen."""
        if _in_shadow(plan, state):
            return together.decision_at(plan, state, at, time_is_over)
        return None if time_is_over else alone.decision_about(plan, state, state.active[0], at)

    def weights(self, plan: Plan, state: RolloutState) -> dict[str, int]:
        """The step's weight for the setting that was chosen; nothing in shadow."""
        return {each.name: plan.stage(state.step).weight for each in state.active}

    def next_stage(self, plan: Plan, state: RolloutState, at: int) -> RolloutState | None:
        """Goes from shadow to live answers with the best setting alone, once that is known; later as a canary does."""
        if not _in_shadow(plan, state):
            return super().next_stage(plan, state, at)
        chosen = best(state, at) if has_least_time(plan, state, at) else None
        if chosen is None:
            return None
        left = tuple(
            each if each.name == chosen.name else _left(each, chosen.name, at, state.step) for each in state.comparisons
        )
        return begin_next_step(plan, replace(state, comparisons=left))

    def describe(self, plan: Plan) -> str:
        """How candidates are judged: in shadow, then on live answers."""
        weights = ", ".join(str(stage.weight) for stage in plan.stages if stage.kind is StageKind.SPLIT)
        return f" in shadow, then the best one alone in steps of {weights} %"

    def describe_step(self, plan: Plan, state: RolloutState) -> str:
        """The shadow, or the number of the step with its weight and the setting that was chosen."""
        if _in_shadow(plan, state):
            return SHADOW_STAGE
        weight = plan.stage(state.step).weight
        return f"step {state.step + 1} of {len(plan.stages)}, {weight} % of requests for {state.leader}"


def _in_shadow(plan: Plan, state: RolloutState) -> bool:
    return plan.stage(state.step).kind is StageKind.SHADOW


def best(state: RolloutState, at: int) -> Comparison | None:
    """The certified setting with the largest proven saving; None while there is none, or while one that is undecided
    may save more and is worth waiting for (`WAITS`)."""
    proven = [each for each in state.active if each.certified_at is not None]
    if not proven:
        return None
    winner = max(proven, key=lambda each: together.least_saving(each.assessment))
    undecided = [each for each in state.active if each.certified_at is None]
    since, took = state.evidence_from or at, (winner.certified_at or at) - (state.evidence_from or at)
    if at - since >= WAITS * took or all(together.saves_less(each.assessment, winner.assessment) for each in undecided):
        return winner
    return None


def _left(comparison: Comparison, chosen: str, at: int, step: int) -> Comparison:
    """The comparison after one was chosen: it is dropped, but for that one; whoever was dropped keeps the reason."""
    if comparison.dropped is not None or comparison.name == chosen:
        return comparison
    message = f"In shadow {chosen} was proven to save most, and is tried alone on live answers."
    return replace(comparison, dropped=Dropped(NOT_CHOSEN, message, at, step), certified_at=None)


STRATEGY = ShadowFirst()
