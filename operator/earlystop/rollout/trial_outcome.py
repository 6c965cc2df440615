"""What came of a trial, read off its evidence: loss and saving with their standard errors, and requests."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt

from earlystop.api.counts import Look, Tally, total
from earlystop.evidence.objective import Basis
from earlystop.rollout.decision import HARM_REASONS
from earlystop.rollout.pinned_baseline import is_certificate
from earlystop.rollout.plan import Plan
from earlystop.rollout.search.trial import Estimate, TrialEnd, TrialOutcome
from earlystop.rollout.state import Comparison, Decision

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
        requests=requests_of(comparison.looks),
        proposer="" if plan.trial is None else plan.trial.proposer,
    )


def end_of(decision: Decision) -> TrialEnd:
    """How a decision ends a trial. What a person asked for shows nothing of the setting."""
    if is_certificate(decision):
        return TrialEnd.CERTIFIED
    return TrialEnd.HARMFUL if decision.reason in HARM_REASONS else TrialEnd.INCONCLUSIVE


def requests_of(looks: Iterable[Look]) -> int:
    """Requests of both variants in looks."""
    return sum(look.baseline.started + look.candidate.started for look in looks)


def loss_of(comparison: Comparison) -> Estimate | None:
    """Exact Match lost against the baseline; its error counts how much answers scatter."""
    effect, assessment = comparison.assessment.effect.estimate, comparison.assessment
    if effect is None:
        return None
    baseline, candidate = _arms(comparison)
    if comparison.evidence.objective.basis is Basis.PAIRS:
        pairs = candidate.pairs
        differing = pairs.baseline_only + pairs.candidate_only
        variance = rate_variance(differing, pairs.total)
    else:
        variance = rate_variance(baseline.match, baseline.scored) + rate_variance(candidate.match, candidate.scored)
    return _estimate(-effect, variance * max(1.0, assessment.dispersion.factor))


def saving_of(comparison: Comparison) -> Estimate | None:
    """Share of the baseline's tokens saved: one minus the ratio of both means, its error by the delta method."""
    baseline, candidate = _arms(comparison)
    if min(baseline.completed, candidate.completed, baseline.tokens, candidate.tokens) < 1:
        return None
    saving = 1 - candidate.tokens / candidate.completed / (baseline.tokens / baseline.completed)
    return _estimate(saving, (1 - saving) ** 2 * (_relative_variance(baseline) + _relative_variance(candidate)))


def _estimate(mean: float, variance: float) -> Estimate:
    return Estimate(round(mean, 6), max(LEAST_ERROR, round(sqrt(max(0.0, variance)), 6)))


def _arms(comparison: Comparison) -> tuple[Tally, Tally]:
    looks = tuple(comparison.looks)
    return total([look.baseline for look in looks]), total([look.candidate for look in looks])


def rate_variance(events: int, trials: int) -> float:
    """Variance of a rate; half an event is added on either side, so that it is never 0."""
    rate = (events + 0.5) / (trials + 1)
    return rate * (1 - rate) / (trials + 1)


def _relative_variance(tally: Tally) -> float:
    """Variance of the mean length, as a share of its square."""
    mean = tally.tokens / tally.completed
    return max(0.0, tally.tokens_squared / tally.completed / mean**2 - 1) / tally.completed
