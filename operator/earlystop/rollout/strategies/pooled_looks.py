"""Loss and saving of a candidate from the sums of some of its looks: enough to share requests by, and for no claim.

The sums of looks at different weights are biased where answers drift; a share that is a little off costs requests and
promises nothing (`evidence.standard_errors` compares look by look).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from earlystop.api.counts import Look, Pairs, Tally, total
from earlystop.evidence.objective import Basis
from earlystop.rollout.search.trial import Estimate

LEAST_ERROR = 1e-6
"""Of an estimate: that of looks which all agree is not 0."""


def loss_in(looks: Sequence[Look], basis: Basis) -> Estimate | None:
    """Exact Match lost in these looks, baseline minus candidate, -1..1; None before any answer was scored."""
    candidate = total([look.candidate for look in looks])
    if basis is Basis.PAIRS:
        return _of_pairs(candidate.pairs)
    return loss_of_answers(total([look.baseline for look in looks]), candidate)


def saving_in(looks: Sequence[Look]) -> Estimate | None:
    """Share of the baseline's tokens saved in these looks: one minus the ratio of both means, its error by the delta
    method; None before both variants completed an answer."""
    return saving_of(total([look.baseline for look in looks]), total([look.candidate for look in looks]))


def saving_of(baseline: Tally, candidate: Tally) -> Estimate | None:
    """As `saving_in`, from the sums of both variants."""
    if min(baseline.completed, candidate.completed, baseline.tokens, candidate.tokens) < 1:
        return None
    kept = candidate.tokens / candidate.completed / (baseline.tokens / baseline.completed)
    return _estimate(1 - kept, kept**2 * (_relative_variance(baseline) + _relative_variance(candidate)))


def loss_of_answers(baseline: Tally, candidate: Tally) -> Estimate | None:
    """As `loss_in`, from the sums of both variants; on answers, not on pairs."""
    if not baseline.scored or not candidate.scored:
        return None
    variance = sum(_rate_variance(each.match, each.scored) for each in (baseline, candidate))
    return _estimate(baseline.match / baseline.scored - candidate.match / candidate.scored, variance)


def _of_pairs(pairs: Pairs) -> Estimate | None:
    """The loss estimated from the pairs that only one variant has right."""
    if not pairs.total:
        return None
    differing = pairs.baseline_only + pairs.candidate_only
    lost = (pairs.baseline_only - pairs.candidate_only) / pairs.total
    return _estimate(lost, _rate_variance(differing, pairs.total))


def _estimate(mean: float, variance: float) -> Estimate:
    return Estimate(mean, max(LEAST_ERROR, sqrt(max(0.0, variance))))


def _rate_variance(events: int, trials: int) -> float:
    """Variance of a rate; half an event is added on either side, so that it is never 0."""
    rate = (events + 0.5) / (trials + 1)
    return rate * (1 - rate) / (trials + 1)


def _relative_variance(tally: Tally) -> float:
    """Variance of the mean length, as a share of its square."""
    mean = tally.tokens / tally.completed
    return max(0.0, tally.tokens_squared / tally.completed / mean**2 - 1) / tally.completed
