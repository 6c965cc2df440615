"""What came of a trial, read off its evidence: loss and saving with their standard errors, and requests."""

from __future__ import annotations

from earlystop.evidence import standard_errors
from earlystop.evidence.standard_errors import MeanAndError
from earlystop.rollout.decision import HARM_REASONS
from earlystop.rollout.plan import Plan
from earlystop.rollout.search.trial import Estimate, TrialEnd, TrialOutcome
from earlystop.rollout.state import Comparison, Decision
from earlystop.rollout.stored.compressed_looks import started_in

LEAST_ERROR = 1e-6
"""Estimates are kept in whole millionths."""


def outcome_of(plan: Plan, comparison: Comparison, decision: Decision, setting: int) -> TrialOutcome:
    """What a proposer is told of a trial. setting: its index among the settings of the search."""
    return TrialOutcome(
        setting=setting,
        end=end_of(decision),
        risk=plan.objective.risk_promote,
        loss=loss_of(comparison),
        saving=saving_of(comparison),
        requests=started_in(comparison.looks),
        proposer="" if plan.trial is None else plan.trial.proposer,
    )


def end_of(decision: Decision) -> TrialEnd:
    """How a decision ends a trial. What a person asked for shows nothing of the setting."""
    if decision.is_certificate:
        return TrialEnd.CERTIFIED
    return TrialEnd.HARMFUL if decision.reason in HARM_REASONS else TrialEnd.INCONCLUSIVE


def loss_of(comparison: Comparison) -> Estimate | None:
    """Exact Match lost against the baseline, look by look; its error counts how much answers scatter."""
    return _estimate(standard_errors.loss(comparison.evidence))


def saving_of(comparison: Comparison) -> Estimate | None:
    """Share of the baseline's tokens saved."""
    return _estimate(standard_errors.saving(comparison.evidence))


def _estimate(found: MeanAndError | None) -> Estimate | None:
    return None if found is None else Estimate(round(found[0], 6), max(LEAST_ERROR, round(found[1], 6)))
