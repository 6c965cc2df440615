"""Going from one step of a campaign to the next, and whether that is allowed: pure arithmetic that strategies share."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile

from earlystop.evidence.engine import begin
from earlystop.evidence.gaps import UNSOUND
from earlystop.evidence.objective import Basis
from earlystop.rollout.plan import Plan, StageKind
from earlystop.rollout.state import Comparison, Phase, RolloutState, Totals

SCORED_TO_ADVANCE = 100
HARM_TO_ADVANCE = 1.0


def begin_comparisons(plan: Plan, step: int, learned: float | None) -> tuple[Comparison, ...]:
    """Comparisons of all candidates before the first look of a step. learned: as in `Plan.objective_at`."""
    return tuple(Comparison(name, begin(plan.objective_at(step, learned))) for name in plan.names)


def restart_step(state: RolloutState) -> RolloutState:
    """The state without the clock and totals of a step: they belong to its weights only."""
    return replace(
        state,
        step_started_at=None,
        evidence_from=None,
        last_look_at=None,
        metrics_lost_at=None,
        in_flight=None,
        comparisons=tuple(replace(each, mark=Totals()) for each in state.comparisons),
    )


def begin_next_step(plan: Plan, state: RolloutState) -> RolloutState:
    """The next step. Evidence goes on from one share of requests to the next; what came before the first is over."""
    after = replace(restart_step(state), phase=Phase.APPLYING, step=state.step + 1)
    if plan.stage(state.step).kind is StageKind.SPLIT:
        return after
    begun = {each.name: each for each in begin_comparisons(plan, after.step, state.dispersion)}
    return replace(after, comparisons=tuple(each if each.dropped else begun[each.name] for each in state.comparisons))


def has_least_time(plan: Plan, state: RolloutState, at: int) -> bool:
    """Whether the step was watched for its least time."""
    since = state.evidence_from
    return since is not None and at - since >= plan.stage(state.step).minimum_seconds


def may_advance(plan: Plan, state: RolloutState, at: int) -> bool:
    """Whether the next, larger share may be tried: enough time, enough answers, no sign of harm, a sound comparison.

    A setting that does nothing is reported, and holds back no other candidate.
    """
    if state.step + 1 >= len(plan.stages) or not has_least_time(plan, state, at):
        return False
    return all(_allows_more(each, state.step) for each in state.active) and any(map(_is_sound, state.active))


def _allows_more(comparison: Comparison, step: int) -> bool:
    """Whether nothing about a candidate speaks against the next share."""
    assessment = comparison.assessment
    if _scored_in_step(comparison, step) < SCORED_TO_ADVANCE or assessment.sample_ratio_broken or assessment.attrition:
        return False
    return max(assessment.log_e.harms) < HARM_TO_ADVANCE


def _is_sound(comparison: Comparison) -> bool:
    return not UNSOUND & set(comparison.assessment.gaps)


def _scored_in_step(comparison: Comparison, step: int) -> int:
    """Answers of the step, of the variant with fewer; or pairs, where Exact Match is read from them."""
    of_step = list(takewhile(lambda look: look.step == step, reversed(comparison.looks)))
    if comparison.evidence.objective.basis is Basis.PAIRS:
        return sum(look.candidate.pairs.total for look in of_step)
    return min(sum(look.baseline.scored for look in of_step), sum(look.candidate.scored for look in of_step))
