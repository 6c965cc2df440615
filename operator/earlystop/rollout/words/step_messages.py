"""What a step of a ramp waits for, and why it was left, in sentences for people."""

from __future__ import annotations

from earlystop.api.plurals import counted
from earlystop.rollout.advance import RISK_TO_ADVANCE, SCORED_TO_ADVANCE, loss_to_refute
from earlystop.rollout.e_value_words import claim_words, one_in, one_in_line
from earlystop.rollout.formatting import in_count, in_points, rfc3339
from earlystop.rollout.held_by_dispersion import is_held_by_dispersion
from earlystop.rollout.plan import Plan
from earlystop.rollout.promotion import held_promotion
from earlystop.rollout.state import RolloutState
from earlystop.rollout.steps import (
    CohortsApart,
    FewAnswers,
    LossNotRefuted,
    ScatterUnknown,
    SignOfHarm,
    StepGap,
    StepTime,
    UnsoundComparison,
    UsersUnknown,
    missing_for_next_step,
)
from earlystop.rollout.words.decision_messages import missing_phrases
from earlystop.rollout.words.dispersion_words import unknown_dispersion


def waiting_sentence(plan: Plan, state: RolloutState) -> str:
    """What a promotion, or else the next step, waits for at the latest look; "" where there is nothing to say: before
    the first look of a step, and in the last step while something is still to be proven."""
    at = state.last_look_at
    if at is None or state.evidence_from is None:
        return ""
    unknown = [each for each in state.active if is_held_by_dispersion(each)]
    if unknown:
        phrase = unknown_dispersion(unknown[0].assessment.dispersion)
        return f"{unknown[0].name} is proven as far as is known, and its promotion waits until it is known {phrase}."
    held = held_promotion(plan, state, at)
    if held is not None:
        name, missing = held
        return f"{name} is proven, and its promotion waits for {'; '.join(missing_phrases([missing], name))}."
    missing_for_step = missing_for_next_step(plan, state, at)
    if state.step + 1 >= len(plan.stages) or not missing_for_step:
        return ""
    weight = plan.stage(state.step + 1).weight
    following = f"The next step, {weight} % of requests," if weight else "The next stage"
    if plan.stage(state.step).same_setting:
        following = "The next stage, with the candidates' settings,"
    phrases = "; ".join(dict.fromkeys(_phrase(each, len(state.active) > 1) for each in missing_for_step))
    return f"{following} waits for {phrases}."


def refuted_sentence(plan: Plan, left: RolloutState, after: RolloutState) -> str:
    """Why a step was left: the loss that is refuted; "" where steps are left by time.

    left: the state in the step. after: the state in the next one.
    """
    loss = loss_to_refute(plan, left.step)
    if loss is None:
        return ""
    losses = f"a loss of {counted(in_points(round(loss, 4)), 'point of EM')} or more is refuted"
    if plan.stage(left.step).kind is not plan.stage(after.step).kind:
        return f"The stage was left since {losses}."
    found = ", ".join(one_in(each.evidence.log_e_against_loss(loss)) for each in after.active)
    return f"The step was left since {losses} ({found}; {one_in_line(RISK_TO_ADVANCE)} needed)."


def cohorts_apart(high: float | None, whose: str) -> str:
    """What is waited for while cohorts have the same setting. high: as in `steps.CohortsApart`."""
    if high is None:
        return f"more answers{whose}, to bound by how much lengths differ with the same setting"
    return (
        f"more answers{whose} with the same setting: by these the candidate's cohort may be better by itself by up to "
        f"{counted(in_points(high), 'point of EM')}, which leaves too little of the margin"
    )


def _phrase(missing: StepGap, several: bool) -> str:
    """What is missing, as something that is waited for; several: whether it must be said of which candidate."""
    whose = f" of {missing.candidate}" if several and not isinstance(missing, UnsoundComparison | StepTime) else ""
    match missing:
        case UnsoundComparison():
            return f"a sound comparison of {missing.candidate}" if missing.candidate else "a comparison that is sound"
        case StepTime():
            return f"the least time of this step, which is over at {rfc3339(missing.until)}"
        case FewAnswers():
            return (
                f"{SCORED_TO_ADVANCE} answers of each variant{whose} in this step (so far {in_count(missing.scored)})"
            )
        case SignOfHarm():
            return f"signs of harm{whose} to go ({one_in(missing.log_e)} now)"
        case ScatterUnknown():
            return f"it to be known {unknown_dispersion(missing.known)}{whose}"
        case CohortsApart():
            return cohorts_apart(missing.high, whose)
        case UsersUnknown():
            return f"counts by users{whose}, since it is not known how much their answers scatter"
        case LossNotRefuted():
            return (
                f"evidence{whose} against a loss of {counted(in_points(round(missing.loss, 4)), 'point of EM')} "
                f"({claim_words(missing.log_e, missing.log_e, RISK_TO_ADVANCE)})"
            )
