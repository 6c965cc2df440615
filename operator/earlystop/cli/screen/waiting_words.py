"""What a campaign waits for, in plain words: before the next step, before a promotion, and before a rollback."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from earlystop.api.plurals import counted
from earlystop.evidence.guardrails import rest_on_a_burst
from earlystop.evidence.intervals import Interval
from earlystop.evidence.objective import ClaimKind
from earlystop.rollout.advance import RISK_TO_ADVANCE, SCORED_TO_ADVANCE
from earlystop.rollout.e_value_words import claim_words, one_in
from earlystop.rollout.formatting import (
    in_count,
    in_duration,
    in_factor,
    in_percent,
    in_points,
    points_are_lost,
    rfc3339,
)
from earlystop.rollout.plan import Plan
from earlystop.rollout.promotion import (
    EvidenceTurned,
    HoursNotCovered,
    LeastTime,
    Missing,
    NotCertified,
    NotNonInferior,
    NotSaving,
    missing_for_promotion,
)
from earlystop.rollout.state import Comparison, RolloutState
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
from earlystop.rollout.words.decision_messages import FEW_ANSWERS, missing_phrases
from earlystop.rollout.words.dispersion_words import unknown_dispersion
from earlystop.rollout.words.step_messages import cohorts_apart


def promotion_waits(
    plan: Plan, state: RolloutState, name: str, at: int, *, with_numbers: bool = True
) -> tuple[str, ...]:
    """What a promotion of a candidate still needs at moment `at` (Unix seconds), a phrase each; with_numbers: how far
    each proof is.

    Raises KeyError for a name that is not tried.
    """
    comparison = state.comparison(name)
    return tuple(
        _for_promotion(each, comparison, with_numbers) for each in missing_for_promotion(plan, state, name, at)
    )


def _for_promotion(missing: Missing, comparison: Comparison, with_numbers: bool) -> str:
    risk, now, most = (
        comparison.evidence.objective.risk_promote,
        comparison.assessment.log_e,
        comparison.assessment.log_e_max,
    )
    match missing:
        case NotNonInferior():
            each = " in each query class" if missing.require_each else ""
            proven = f"proof that less than {points_are_lost(missing.margin)}{each}"
            numbers = f" ({claim_words(now.promote, most.promote, risk)}{_seen(in_points, missing.effect)})"
            return proven + numbers * with_numbers
        case NotSaving():
            proven = f"proof that at least {in_percent(missing.minimum_saving)} of the tokens are saved"
            numbers = f" ({claim_words(now.tokens, most.tokens, risk)}{_seen(in_percent, missing.saving)})"
            few = f"; {FEW_ANSWERS}" * missing.rests_on_few
            return proven + (numbers + few) * with_numbers
        case EvidenceTurned():
            return f"evidence that speaks for {missing.claim} again ({one_in(missing.log_e)} now)"
        case NotCertified():
            return "its proof beside those of the other candidates"
        case HoursNotCovered():
            return f"{missing.hours} h of traffic (minimumHours), over at {rfc3339(missing.until)}"
        case LeastTime():
            return f"the least time of this step, {in_duration(missing.seconds)}"
    return missing_phrases((missing,), comparison.name)[0]


def _seen(form: Callable[[Interval], str], value: Interval) -> str:
    """An estimate behind the words of its claim; nothing where there is none yet."""
    return "" if value.estimate is None else f"; seen {form(value)}"


def step_waits(plan: Plan, state: RolloutState, at: int, *, with_numbers: bool = True) -> tuple[str, ...]:
    """What the next step still waits for at moment `at` (Unix seconds), a phrase each; nothing in the last step.
    with_numbers: as in `promotion_waits`."""
    if state.step + 1 >= len(plan.stages) or plan.spec.strategy_traits.moves_shares:
        return ()
    several = len(state.active) > 1
    return tuple(
        dict.fromkeys(_for_step(each, several, with_numbers) for each in missing_for_next_step(plan, state, at))
    )


def _for_step(missing: StepGap, several: bool, with_numbers: bool) -> str:
    whose = f" of {missing.candidate}" if several and not isinstance(missing, UnsoundComparison | StepTime) else ""
    match missing:
        case UnsoundComparison():
            return "a comparison that is sound"
        case StepTime():
            return "the least time of this step" + f", over at {rfc3339(missing.until)}" * with_numbers
        case FewAnswers():
            return (
                f"{SCORED_TO_ADVANCE} answers of each variant{whose} in this step ({in_count(missing.scored)} so far)"
            )
        case SignOfHarm():
            return f"a sign of harm{whose} to go ({one_in(missing.log_e)})"
        case ScatterUnknown():
            return f"it to be known {unknown_dispersion(missing.known)}{whose}"
        case CohortsApart():
            return cohorts_apart(missing.high, whose)
        case UsersUnknown():
            return f"counts by users{whose}, as nobody knows how much their answers scatter"
        case LossNotRefuted():
            lost = counted(in_points(round(missing.loss, 4)), "point of EM")
            refuted = f"evidence{whose} against a loss of {lost} or more"
            return f"{refuted} ({claim_words(missing.log_e, missing.log_e, RISK_TO_ADVANCE)})"


def harms_of(comparison: Comparison) -> Iterator[tuple[str, float, float]]:
    """What takes a candidate back: each harm in words, the log e-value that says it now, and the risk that it has."""
    objective, log_e = comparison.evidence.objective, comparison.assessment.log_e_max
    risks = objective.harm_risks
    yield f"more than {points_are_lost(objective.margin)}", log_e.harm, risks.exact_match
    allowed = {each.name: each.maximum_ratio for each in objective.guardrails}
    margins = {each.name: each.margin for each in objective.classes}
    in_bursts = rest_on_a_burst(comparison.evidence.guardrails, objective)
    for claim, value in log_e.others:
        risk = risks.guardrails.get(claim, 0.0)
        match claim.kind:
            case ClaimKind.FLOOR:
                yield f"EM is below the floor of {counted(in_points(objective.floor or 0), 'point')}", value, risk
            case ClaimKind.GUARDRAIL:
                times = in_factor(allowed[claim.name])
                how = f"above {times} times the baseline's rate"
                if claim.name in in_bursts:
                    how += ", without the burst that most of its own came in"
                yield f"the guardrail {claim.name} is broken ({how})", value, risk
            case ClaimKind.QUERY_CLASS:
                yield f"more than {points_are_lost(margins[claim.name])} in {claim.name}", value, risk
