"""Intervals to show: how much Exact Match changes and what share of tokens is saved, at every look.

Each bound inverts a one-sided normal mixture at half the risk, so with probability about 1 - risk the true
value lies inside at all looks at once. Both are asymptotic. That for Exact Match is shown by version 1 of the engine
alone, where it could exclude -margin a little before or after the verdict; `effect_bounds` has the present one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from earlystop.evidence import normal_mixture
from earlystop.evidence.exact_match import Answers
from earlystop.evidence.tokens import TokenProcess

RISK = 0.05
"""Probability, over all looks together, that an interval misses on either side."""

LEARNING_ANSWERS = 100
"""Until an arm has this many past answers, its Bernoulli variance is taken as 1/4, the largest possible."""

LARGEST_KEEP = 1024.0
"""A candidate that may need more than this multiple of the baseline's tokens has no lower bound of saving."""


@dataclass(frozen=True, slots=True)
class Interval:
    """estimate: None before the first usable look; low, high: bounds, None where nothing bounds the value."""

    estimate: float | None
    low: float | None
    high: float | None


NOTHING = Answers(0, 0)


@dataclass(frozen=True, slots=True)
class EffectSums:
    """What the interval for the EM difference needs from past looks.

    baseline, candidate: all scored answers so far. statistic: sum of D/V and information: sum of 1/V over
    looks, with D = EM candidate - EM baseline inside a look and V its variance as known before that look.
    """

    baseline: Answers = NOTHING
    candidate: Answers = NOTHING
    statistic: float = 0.0
    information: float = 0.0

    @property
    def scored(self) -> tuple[int, int]:
        """Scored answers so far, of the baseline and of the candidate."""
        return self.baseline.scored, self.candidate.scored


def add_look(sums: EffectSums, baseline: Answers, candidate: Answers) -> EffectSums:
    """The sums after one more look. A look in which an arm has no scored answer changes nothing."""
    if baseline.scored == 0 or candidate.scored == 0:
        return sums
    difference = candidate.match / candidate.scored - baseline.match / baseline.scored
    noise_b = _variance(sums.baseline) / baseline.scored
    noise_c = _variance(sums.candidate) / candidate.scored
    precision = 1 / (noise_b + noise_c)
    return EffectSums(
        Answers(sums.baseline.scored + baseline.scored, sums.baseline.match + baseline.match),
        Answers(sums.candidate.scored + candidate.scored, sums.candidate.match + candidate.match),
        sums.statistic + precision * difference,
        sums.information + precision,
    )


def effect(sums: EffectSums, margin: float, risk: float = RISK) -> Interval:
    """EM candidate minus EM baseline, in -1..1, averaged over looks by their information.

    margin: the difference at which the interval is to be narrow soonest, 0 < margin < 1; 0 < risk < 1.
    """
    if sums.information == 0:
        return Interval(None, -1.0, 1.0)
    estimate = min(max(sums.statistic / sums.information, -1.0), 1.0)  # rounding may step over the edge
    radius = normal_mixture.boundary(sums.information, margin, risk / 2) / sums.information
    return Interval(estimate, max(-1.0, estimate - radius), min(1.0, estimate + radius))


def saving(process: TokenProcess, risk: float = RISK, dispersion: float = 1.0) -> Interval:
    """Share of output tokens saved, 1 - E[T_c] / E[T_b]: at most 1, negative when the candidate uses more.

    dispersion: by which the evidence is divided, >= 1.

    Holds every ratio of means that a token test with that ratio as its edge would not reject on either side
    (Fieller's construction), so no ratio of noisy means is ever linearised.
    """
    if process.scale is None or process.weighted_baseline <= 0:
        return Interval(None, None, 1.0)
    scale = process.scale
    ratio = process.weighted_candidate / process.weighted_baseline
    # What stays the same in some eighty evaluations.
    doubt_baseline, doubt_candidate = process.doubts

    def excess(keep: float) -> float:
        bound = normal_mixture.boundary(process.information(keep) / dispersion, scale, risk / 2)
        doubt = keep * doubt_baseline + doubt_candidate
        return (abs(process.statistic(keep)) - doubt) / dispersion - bound

    smallest = 0.0 if excess(0.0) <= 0 else _root(excess, ratio, 0.0)
    outside = 2 * ratio + 1.0
    while excess(outside) <= 0 and outside < LARGEST_KEEP:
        outside *= 2
    largest = _root(excess, ratio, outside) if excess(outside) > 0 else None
    return Interval(1 - ratio, None if largest is None else 1 - largest, 1 - smallest)


def _variance(answers: Answers) -> float:
    """Bernoulli variance learned from past answers; near 0 and 1 a rate counts as 0.01 and 0.99."""
    if answers.scored < LEARNING_ANSWERS:
        return 0.25
    rate = min(max(answers.match / answers.scored, 0.01), 0.99)
    return rate * (1 - rate)


def _root(excess: Callable[[float], float], inside: float, outside: float) -> float:
    """Where `excess` turns positive on the way from `inside` (not positive) to `outside` (positive)."""
    for _ in range(40):
        middle = (inside + outside) / 2
        if excess(middle) > 0:
            outside = middle
        else:
            inside = middle
    return outside
