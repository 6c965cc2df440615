"""What trials make likely of a few settings: a Gaussian process that takes in one outcome after the other.

In plain Python, for the 20 settings of a ladder: an operator whose policies search so needs no numpy, which it would
keep 14 MiB of. `surface` does the same for hundreds of settings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

from earlystop.rollout.search.prior import LENGTHS, SPREADS, Prior, likeness, noise
from earlystop.rollout.search.trial import Estimate, Setting


@dataclass(frozen=True, slots=True)
class _Explanation:
    """The curve under one length and one spread. log_weight: of how well it foretold what was seen."""

    log_weight: float
    mean: list[float]
    variance: list[float]


def after_trials(
    settings: Sequence[Setting], prior: Prior, seen: Sequence[tuple[int, Estimate]]
) -> tuple[Estimate, ...]:
    """Mean and error of every setting, given estimates of some of them with errors of their own.

    settings: of one parameter. seen: index of a setting, and what its trial has shown; order does not matter. Lengths
    and spreads are averaged, each weighed by how well it foretold what was seen.
    """
    found = list(_explanations(settings, prior, seen))
    most = max(each.log_weight for each in found)
    weights = [exp(each.log_weight - most) for each in found]
    total = sum(weights)
    told = []
    for place in range(len(settings)):
        mean = sum(weight * each.mean[place] for weight, each in zip(weights, found, strict=True)) / total
        square = sum(
            weight * (each.variance[place] + (each.mean[place] - mean) ** 2)
            for weight, each in zip(weights, found, strict=True)
        )
        told.append(Estimate(mean, sqrt(square / total)))
    return tuple(told)


def _explanations(
    settings: Sequence[Setting], prior: Prior, seen: Sequence[tuple[int, Estimate]]
) -> Iterator[_Explanation]:
    for length in LENGTHS:
        alike = [[likeness(a, b, (length,)) for b in settings] for a in settings]
        for spread in SPREADS:
            error = [spread * each for each in prior.error]
            covariance = [[alike[i][j] * mine * other for j, other in enumerate(error)] for i, mine in enumerate(error)]
            yield _explained(prior, covariance, seen)


def _explained(prior: Prior, covariance: list[list[float]], seen: Sequence[tuple[int, Estimate]]) -> _Explanation:
    """Condition on one estimate after the other, which is the same as on all at once."""
    log_weight, mean = 0.0, list(prior.mean)
    for place, estimate in seen:
        row = covariance[place]
        variance = max(row[place], 0.0) + noise(estimate, prior.error[place])
        surprise = estimate.mean - mean[place]
        log_weight -= (surprise * surprise / variance + log(variance)) / 2
        gain = [each / variance for each in row]
        mean = [old + each * surprise for old, each in zip(mean, gain, strict=True)]
        covariance = [
            [old - each * other for old, other in zip(line, row, strict=True)]
            for line, each in zip(covariance, gain, strict=True)
        ]
    return _Explanation(log_weight, mean, [max(line[i], 1e-18) for i, line in enumerate(covariance)])
