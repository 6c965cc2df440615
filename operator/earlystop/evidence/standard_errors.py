"""How well looks know a loss and a saving, as a mean and its standard error: for ordering what is tried next.

No claim is read from these. They are fixed-sample standard errors of evidence that was stopped when it had shown
enough, so a mean of a candidate that was promoted lies a little too high; who pools several of them must allow for
differences between campaigns, which are larger.
"""

from __future__ import annotations

from math import sqrt

from earlystop.evidence.engine import EvidenceState
from earlystop.evidence.intervals import EffectSums
from earlystop.evidence.objective import Basis
from earlystop.evidence.tokens import Lengths, TokenProcess

MeanAndError = tuple[float, float]
"""A mean and its standard error, the second above 0."""

LEAST_ANSWERS = 2
"""Of one variant, for a variance to be known at all."""


def loss(state: EvidenceState) -> MeanAndError | None:
    """Exact Match lost, baseline minus candidate, -1..1: None before a look had answers of both variants.

    On pairs (b right by the baseline alone, c by the candidate alone, n in all) the mean is (b - c) / n and its
    variance at most (b + c + 1) / n^2. Elsewhere both are read from the sums of the interval: with the smallest stake u
    of `effect_bounds`, 2 psi(u) is a little more than u^2, so the error is a little too large, never too small.
    """
    factor = state.dispersion.factor
    if state.objective.basis is Basis.PAIRS:
        pairs = state.quality.paired_promote.pairs
        if not pairs.total:
            return None
        disagreeing = pairs.baseline_only + pairs.candidate_only
        mean = (pairs.baseline_only - pairs.candidate_only) / pairs.total
        return mean, sqrt(factor * (disagreeing + 1)) / pairs.total
    sums = state.effect
    if isinstance(sums, EffectSums):
        return (-sums.statistic / sums.information, sqrt(factor / sums.information)) if sums.information else None
    estimate = sums.estimate
    return None if estimate is None else (-estimate, sqrt(2 * factor * sums.spread[0]) / sums.answers[0])


def saving(state: EvidenceState) -> MeanAndError | None:
    """Share of tokens saved, 1 - E[T_c] / E[T_b], by the delta method: None before enough answers were completed."""
    factor = state.discount_of_lengths.factor
    tokens = state.tokens
    if tokens.weighted_baseline > 0:
        ratio = tokens.weighted_candidate / tokens.weighted_baseline
        return 1 - ratio, sqrt(factor * tokens.information(ratio)) / tokens.weighted_baseline
    return _saving_without_bets(tokens, factor)


def _saving_without_bets(tokens: TokenProcess, factor: float) -> MeanAndError | None:
    """The saving of a comparison that ended before the token test bet: all lengths of each variant together."""
    baseline, candidate = (
        past + block
        for past, block in (
            (tokens.past_baseline, tokens.block_baseline),
            (tokens.past_candidate, tokens.block_candidate),
        )
    )
    if min(baseline.completed, candidate.completed) < LEAST_ANSWERS or not baseline.tokens:
        return None
    ratio = candidate.mean / baseline.mean
    variance = _of_mean(candidate) + ratio * ratio * _of_mean(baseline)
    return 1 - ratio, sqrt(factor * variance) / baseline.mean


def _of_mean(lengths: Lengths) -> float:
    """Variance of the mean length."""
    return lengths.variance / lengths.completed
