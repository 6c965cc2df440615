"""A pinned baseline: which settings were proven since, what each may have lost, and whether a campaign may begin."""

from __future__ import annotations

from math import ceil

from earlystop.api.plurals import counted
from earlystop.api.status.policy import MarginStatus
from earlystop.rollout.formatting import in_points
from earlystop.rollout.margin_use import MICRO, MarginUse, digest_of_setting, part_of
from earlystop.rollout.plan import Plan
from earlystop.rollout.state import Comparison, ProvenLoss, RolloutState
from earlystop.rollout.strategy import strategy_of

MOST_REMEMBERED = 16
"""Settings whose losses are known; those that were proven last are kept."""


def proven_loss(plan: Plan, comparison: Comparison) -> float:
    """Exact Match that a candidate with a certificate may have lost against the baseline in use, in whole millionths.

    It is the lower end of its interval, which holds at the risk of the certificate. Candidates that are judged together
    are certified at one margin, and their intervals are no bounds for the best of them: the whole margin is used.
    """
    margin, low = plan.objective.margin, comparison.assessment.effect.low
    if low is None or strategy_of(plan).judges_together(plan):
        return margin
    return min(margin, ceil(round(max(0.0, -low) * MICRO, 3)) / MICRO)


def use_with(plan: Plan, lost: float) -> MarginUse:
    """What promotions have used of margin and risk after one more certificate. lost: Exact Match that this
    certificate allows to be lost, as a fraction."""
    used, part = plan.used, part_of(plan.spec, plan.used)
    return MarginUse(round((used.lost + lost) * MICRO) / MICRO, used.risk + part.risk, used.promotions + 1)


def losses_with(state: RolloutState) -> tuple[ProvenLoss, ...]:
    """The settings proven since a pinned baseline, with that of the decision if it is by evidence; the latest first."""
    plan, decision = state.pinned_plan, state.decision
    if decision is None or not decision.is_certificate:
        return state.losses
    return with_loss(state.losses, plan, decision.candidate, proven_loss(plan, state.comparison(decision.candidate)))


def with_loss(losses: tuple[ProvenLoss, ...], plan: Plan, name: str, lost: float) -> tuple[ProvenLoss, ...]:
    """Settings and their losses after a certificate of one more, which may have lost so much against the baseline.

    Of a setting that was proven twice the larger values hold, since whoever may choose would choose by chance. That of
    the pinned baseline itself has lost nothing.
    """
    pinned, values = plan.spec.pinned_settings(), plan.settings_of(name)
    if pinned is None or values == pinned:
        return losses
    since, new = digest_of_setting(pinned), use_with(plan, lost)
    before = [each for each in losses if (each.pinned, each.values) == (since, values)]
    for each in before:
        new = MarginUse(max(new.lost, each.lost), max(new.risk, each.risk), max(new.promotions, each.promotions))
    others = (each for each in losses if each not in before)
    return (ProvenLoss(since, values, *new), *others)[:MOST_REMEMBERED]


def losses_without(losses: tuple[ProvenLoss, ...], values: dict[str, str]) -> tuple[ProvenLoss, ...]:
    """Settings and their losses without one that is certified no more."""
    return tuple(each for each in losses if each.values != values)


def margin_status(plan: Plan, certified: Comparison | None) -> MarginStatus | None:
    """What is spent and left of the margin; None without a pinned baseline. certified: the comparison of the candidate
    that the campaign's decision proves, if there is one."""
    pinned = plan.spec.baseline.pinned
    if pinned is None:
        return None
    whole = float(plan.spec.objective.exact_match.margin)
    return MarginStatus(
        promotion=plan.used.promotions + 1,
        promotions=pinned.promotions,
        spent=_text(plan.used.lost),
        left=_text(whole - plan.used.lost),
        campaign=_text(plan.objective.margin),
        spent_after=None if certified is None else _text(use_with(plan, proven_loss(plan, certified)).lost),
    )


def margin_of(state: RolloutState) -> MarginStatus | None:
    """As `margin_status`, of a campaign under way or decided."""
    decision, certified = state.decision, None
    if decision is not None and decision.is_certificate:
        certified = state.comparison(decision.candidate)
    return margin_status(state.pinned_plan, certified)


def margin_sentence(plan: Plan, comparison: Comparison) -> str:
    """What a promotion leaves of the margin, with a blank before it; "" without a pinned baseline."""
    pinned = plan.spec.baseline.pinned
    if pinned is None:
        return ""
    used, whole = use_with(plan, proven_loss(plan, comparison)), float(plan.spec.objective.exact_match.margin)
    return (
        f" Against the pinned baseline {in_points(used.lost)} of {counted(in_points(whole), 'point')} are spent by "
        f"{used.promotions} of {pinned.promotions} promotions, and {in_points(max(0.0, whole - used.lost))} are left."
    )


def _text(loss: float) -> str:
    return f"{max(0.0, loss):.6g}"
