"""Which setting serves users once a decision is carried out: one rule for traffic, status and verdict."""

from __future__ import annotations

from enum import StrEnum

from earlystop.api.verdict import SettingPair
from earlystop.rollout.decision import AFTER_PROMOTION, BY_CLASS
from earlystop.rollout.outages import interrupts
from earlystop.rollout.plan import Plan
from earlystop.rollout.state import Comparison, Decision, Verdict


class Served(StrEnum):
    """Whose setting gets the requests that are not part of a comparison."""

    BASELINE = "Baseline"
    CANDIDATE = "Candidate"
    INCUMBENT = "Incumbent"


def served_after(plan: Plan, comparison: Comparison, decision: Decision) -> Served:
    """Whose setting serves after a decision about the candidate of a comparison.

    In a search the incumbent stays unless the trial proves a larger saving, or a person asks for another setting. The
    trial of the incumbent's own setting, with which a search that is repeated begins, keeps it or takes it off, unless
    an outage interrupts it, which shows nothing. A guard's alarm and a lapse take off whatever
    serves. Where query classes get
    settings of their own, the baseline serves all other requests.
    """
    if decision.reason in (BY_CLASS, *AFTER_PROMOTION):
        return Served.BASELINE
    if decision.verdict is Verdict.PROMOTE:
        return Served.CANDIDATE if decision.requested_by or is_best(plan, comparison) else Served.INCUMBENT
    if plan.incumbent is not None and interrupts(plan, decision.reason, has_looks=len(comparison.looks) > 0):
        return Served.INCUMBENT
    is_incumbent = plan.incumbent is None or plan.incumbent.name == comparison.name
    return Served.BASELINE if decision.requested_by or is_incumbent else Served.INCUMBENT


def is_best(plan: Plan, comparison: Comparison) -> bool:
    """Whether a candidate, if it is certified, has a larger proven saving than the setting that serves."""
    incumbent = plan.incumbent
    if incumbent is None or incumbent.name == comparison.name:
        return True
    return least_saving(comparison) > incumbent.least_saving


def least_saving(comparison: Comparison) -> float:
    """Share of the baseline's tokens that a certified candidate is proven to save, in whole millionths: the lower end
    of its interval, and what it had to save at least."""
    proven, needed = comparison.assessment.saving.low, comparison.evidence.objective.minimum_saving
    return round(needed if proven is None else max(proven, needed), 6)


def setting_pairs(plan: Plan, comparison: Comparison, decision: Decision) -> tuple[SettingPair, ...]:
    """Each parameter with its value before a decision about a candidate and the one that the decision leaves in
    force."""
    return pairs_served(plan, comparison.name, served_after(plan, comparison, decision))


def pairs_served(plan: Plan, candidate: str, served: Served) -> tuple[SettingPair, ...]:
    """As `setting_pairs`, for a decision about a candidate after which the setting of one of the three serves."""
    before, tried = plan.baseline_settings, plan.settings_of(candidate)
    after = before
    match served:
        case Served.CANDIDATE:
            after = tried
        case Served.INCUMBENT if plan.incumbent is not None:
            after = dict(plan.incumbent.values)
    return tuple(SettingPair(name=name, before=before.get(name), after=after.get(name)) for name in before | tried)
