"""Exact Match in each query class that a policy names: both variants' rates, and the interval of their difference.

The bounds are those of `effect_bounds` on the answers of one class alone, so each is valid at all looks together: the
truth is below with probability at most the risk of a promotion, and above with at most the risk of this class's harm.
It is one interval for each class, not one for all at once. Where a claim about the class is made, the interval agrees
with it (`effect_bounds.meet`). Looks in which one variant has no answer of the class add nothing, which depends on
numbers of answers alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from earlystop.api.counts import Look
from earlystop.evidence import effect_bounds, em_claims, missing_answers
from earlystop.evidence.bets import Answers
from earlystop.evidence.effect_bounds import DifferenceSums
from earlystop.evidence.evidence_state import EvidenceState
from earlystop.evidence.intervals import Interval
from earlystop.evidence.objective import ClaimKind, ClassMargin, class_claim


@dataclass(frozen=True, slots=True)
class ClassDifference:
    """One query class. margin: the loss of Exact Match that is allowed in it. baseline, candidate: the scored answers
    that were compared. difference: Exact Match of the candidate minus that of the baseline, as fractions."""

    name: str
    margin: float
    baseline: Answers
    candidate: Answers
    difference: Interval


def class_differences(state: EvidenceState, looks: Sequence[Look]) -> tuple[ClassDifference, ...]:
    """Of each class, in the policy's order; none where the policy names none, or where what the cohorts differ by
    without the setting was learned, which no class has of its own. looks: those that the state is the replay of."""
    if state.own is not None or state.objective.same_setting_steps:
        return ()
    return tuple(_difference(state, each, looks) for each in state.objective.classes)


def _difference(state: EvidenceState, of_class: ClassMargin, looks: Sequence[Look]) -> ClassDifference:
    objective, sums = state.objective, DifferenceSums(of_class.margin)
    for look in looks:
        arms = em_claims.by_class(objective, missing_answers.as_judged(objective, look))[of_class.name]
        sums = effect_bounds.add_look(sums, {of_class.name: arms}, look.share if objective.split_known else None)
    claim, discount = class_claim(of_class.name), state.dispersion.discount
    risks = objective.risk_promote, objective.harm_risks.guardrails[claim]
    found = effect_bounds.bounds(sums, discount.risk(risks[0]), discount.risk(risks[1]), discount.factor)
    certificates = {
        each.name: process.log_e_max >= -log(risks[0])
        for each, process in em_claims.class_processes(state.quality, objective)
        if each.kind is ClaimKind.CERTIFICATE
    }
    lies_above = found.low is not None and found.low > -of_class.margin
    is_above = certificates.get(of_class.name, lies_above)  # where nothing is claimed of it, the bound stands as it is
    met = effect_bounds.meet(found, -of_class.margin, is_above, claim in state.assessment.harms)
    (totals,) = sums.classes or (effect_bounds.ClassTotals(of_class.name, Answers(0, 0), Answers(0, 0)),)
    return ClassDifference(of_class.name, of_class.margin, totals.baseline, totals.candidate, met)
