"""Arithmetic of several estimates of one quantity: a random-effects mean, and pooling along an order.

Sources: DerSimonian, Laird, "Meta-analysis in clinical trials" (1986); pool adjacent violators, Ayer, Brunk, Ewing,
Reid, Silverman (1955).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

from earlystop.rollout.search.trial import Estimate

CLEAR_FALL = 1.28
"""Standard errors by which a part of an order must lie above what follows it for the fall to be kept: one in ten falls
is kept by chance. Keeping such a one costs a little precision; flattening a true one would hide the best setting."""


@dataclass(frozen=True, slots=True)
class Mean:
    """What several estimates say of a mean over deployments, with the variances by which it may be wrong.

    sampling: since answers were few, > 0. deployments: since deployments were few, >= 0; settings share it where the
    same deployments tried them, so no pooling over settings makes it smaller. between: of true values between
    deployments, >= 0, which the next one adds.
    """

    value: float
    sampling: float
    deployments: float
    between: float

    @property
    def variance(self) -> float:
        """The variance of the mean over deployments."""
        return self.sampling + self.deployments

    @property
    def of_the_next(self) -> Estimate:
        """What is likely of a deployment that is not among these."""
        return Estimate(self.value, sqrt(self.variance + self.between))


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """How estimates differ by more than their errors explain.

    excess: Q - (t - 1), with Q the weighted squares about the fixed-effect mean of t estimates; below 0 where they
    agree more than by chance. scale: what it is divided by to give a variance, >= 0. degrees: t - 1.
    """

    excess: float
    scale: float
    degrees: int

    @property
    def between(self) -> float:
        """The estimate of DerSimonian and Laird, >= 0; 0 from one estimate alone, which shows nothing."""
        return max(0.0, self.excess / self.scale) if self.scale > 0 else 0.0

    def __add__(self, other: Heterogeneity) -> Heterogeneity:
        """The heterogeneity of two quantities with the same variance between deployments."""
        return Heterogeneity(self.excess + other.excess, self.scale + other.scale, self.degrees + other.degrees)


def heterogeneity(estimates: Sequence[Estimate]) -> Heterogeneity:
    """How much independent estimates of one quantity differ; estimates: one or more."""
    weights = [1 / each.error**2 for each in estimates]
    total = sum(weights)
    mean = sum(weight * each.mean for weight, each in zip(weights, estimates, strict=True)) / total
    spread = sum(weight * (each.mean - mean) ** 2 for weight, each in zip(weights, estimates, strict=True))
    degrees = len(estimates) - 1
    scale = total - sum(weight * weight for weight in weights) / total if degrees else 0.0
    return Heterogeneity(spread - degrees, scale, degrees)


def random_effects(estimates: Sequence[Estimate], between: float) -> Mean:
    """The mean over deployments, of estimates whose true values have the variance `between`; estimates: one or more."""
    weights = [1 / (each.error**2 + between) for each in estimates]
    total = sum(weights)
    value = sum(weight * each.mean for weight, each in zip(weights, estimates, strict=True)) / total
    sampling = sum((weight * each.error) ** 2 for weight, each in zip(weights, estimates, strict=True)) / total**2
    return Mean(value, sampling, max(0.0, 1 / total - sampling), between)


def monotone(means: Sequence[Mean]) -> list[Mean]:
    """The means in an order in which they should not fall, with what falls by chance alone pooled.

    Adjacent violators are pooled as for isotonic regression. A pool is then given up, and its means are left as they
    are, where any cut of it shows what comes before to lie above what comes after by more than `CLEAR_FALL` standard
    errors of sampling: a U-shape stays one. A pooled mean is as uncertain as the distance by which it was moved.
    """
    pools: list[list[Mean]] = []
    for each in means:
        pools.append([each])
        while len(pools) > 1 and pooled(pools[-2]).value > pooled(pools[-1]).value:
            last = pools.pop()
            pools[-1] += last
    return [each for pool in pools for each in (pool if _falls(pool) else _moved(pool))]


def pooled(means: Sequence[Mean]) -> Mean:
    """One mean for several settings that are taken to be equal."""
    weights = [1 / each.variance for each in means]
    total = sum(weights)
    shares = [weight / total for weight in weights]
    return Mean(
        sum(share * each.value for share, each in zip(shares, means, strict=True)),
        sum(share * share * each.sampling for share, each in zip(shares, means, strict=True)),
        sum(share * each.deployments for share, each in zip(shares, means, strict=True)),
        sum(share * each.between for share, each in zip(shares, means, strict=True)),
    )


def _falls(pool: Sequence[Mean]) -> bool:
    """Whether any cut of the pool shows that it falls."""
    for cut in range(1, len(pool)):
        before, after = pooled(pool[:cut]), pooled(pool[cut:])
        if before.value - after.value > CLEAR_FALL * sqrt(before.sampling + after.sampling):
            return True
    return False


def _moved(pool: Sequence[Mean]) -> list[Mean]:
    if len(pool) == 1:
        return list(pool)
    together = pooled(pool)
    return [replace(together, sampling=together.sampling + (each.value - together.value) ** 2) for each in pool]
