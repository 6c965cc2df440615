"""Evidence as a random walk: what a second of traffic adds to each bet of the tests, on average and by chance.

A bet's logarithm of capital is a sum over answers, so over a look it is nearly normal. All bets of a claim share the
same answers, so one normal number a look moves all of them: bet k gains `seconds * drift[k]` and `stake[k]` times the
surplus of right answers, whose variance is `seconds * variance`. Drifts are expected logarithms of the bets that the
engine makes, not of an approximation, at the rates that are supposed to be true.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earlystop.evidence import bets, effect_bounds, pairs
from earlystop.evidence.bets import Side
from earlystop.evidence.exact_match import default_grid
from earlystop.evidence.mixture import BetGrid
from earlystop.evidence.strata import VARIANCE_ANSWERS

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Arms:
    """Scored answers a second of both variants, and the supposed rates of right ones.

    baseline, candidate: answers a second, > 0. rate_b, rate_c: EM, 0..1. scatter: how much more answers scatter than
    independent ones, at least 1.
    """

    baseline: float
    candidate: float
    rate_b: float
    rate_c: float
    scatter: float = 1.0

    @property
    def ratio(self) -> float:
        """Answers of the candidate for each of the baseline."""
        return self.candidate / self.baseline

    @property
    def variance(self) -> float:
        """Variance a second of `X_c - ratio X_b`, X being right answers."""
        own, other = self.rate_c * (1 - self.rate_c), self.rate_b * (1 - self.rate_b)
        return self.scatter * self.candidate * (own + self.ratio * other)


@dataclass(frozen=True, slots=True)
class Walk:
    """How the bets of one claim move. drift: nats a second, one a bet. stake: nats for each right answer more than was
    expected, one a bet. log_weights: of the bets, natural. Of several stages, drift and stake have a column each."""

    drift: Floats
    stake: Floats
    log_weights: Floats


def on_answers(arms: Arms, margin: float, side: Side, dispersion: float) -> Walk:
    """The walk of `exact_match` and `strata` once rates are known. dispersion: by which evidence is divided."""
    grid = default_grid(side)
    answered_b, answered_c = arms.baseline, arms.candidate
    guess = (answered_b * arms.rate_b + answered_c * (arms.rate_c + margin)) / (answered_b + answered_c)
    guessed_b, guessed_c = bets.guessed_rates(guess, margin)
    variance = bets.answer_variance(guess, margin, arms.ratio)
    dearest = max(guessed_c, arms.ratio * (1 - guessed_b)) if side > 0 else max(1 - guessed_c, arms.ratio * guessed_b)
    stakes = np.minimum(margin * np.array(grid.sizes) / variance, bets.CAP / dearest) * float(side)
    other = -arms.ratio * stakes
    drift = answered_c * _expected(stakes, arms.rate_c, guessed_c) + answered_b * _expected(
        other, arms.rate_b, guessed_b
    )
    # What a right answer more is worth to each arm's bets; together as much as one surplus of the same variance.
    worth_c, worth_b = _worth(stakes, guessed_c), _worth(other, guessed_b)
    variance_c, variance_b = arms.rate_c * (1 - arms.rate_c), arms.ratio * arms.rate_b * (1 - arms.rate_b)
    squares = worth_c**2 * variance_c + (worth_b / arms.ratio) ** 2 * variance_b
    worth = np.sign(stakes) * np.sqrt(squares / max(variance_c + variance_b, 1e-12))
    return _walk(drift / dispersion, worth / dispersion, grid)


def on_pairs(a_second: float, worse: float, better: float, margin: float, side: Side, dispersion: float) -> Walk:
    """The walk of `pairs`. worse, better: shares of pairs that the baseline alone and the candidate alone answer
    right; the surplus is of better over worse pairs."""
    stakes = float(side) * pairs.LARGEST_STAKE / (1 - side * margin) * np.array(pairs.GRID.sizes)
    gains = better * np.log1p(stakes * (1 + margin)) + worse * np.log1p(stakes * (margin - 1))
    gains += (1 - better - worse) * np.log1p(stakes * margin)
    return _walk(a_second * gains / dispersion, stakes / dispersion, pairs.GRID)


def add_against_loss(
    arms: Floats, margin: float, dispersion: float, seconds: Floats, surplus: Floats, answered: Floats
) -> Floats:
    """What traffic adds to each bet of `effect_bounds.log_e_against_loss`, but for the loss itself: its `difference`
    less its `spread`, one row a bet and a column a path, and `answers` beside it.

    arms: of each path, its answers a second of baseline and candidate and their rates of right ones, a row each.
    seconds: of traffic. surplus: right answers more than expected. answered: the candidate's answers before, which the
    stakes follow while they are few.
    """
    baseline, candidate, rate_b, rate_c = arms
    ratio, own, other = candidate / baseline, rate_c * (1 - rate_c), rate_b * (1 - rate_b)
    prior = float(VARIANCE_ANSWERS)
    variance = (prior * 0.25 * (1 + ratio) + answered * (own + ratio * other)) / (prior + answered)
    stakes = np.minimum(
        margin * _column(effect_bounds.GRID.sizes) / variance, effect_bounds.LARGEST_STAKE / np.maximum(1.0, ratio)
    )
    count = candidate * seconds
    spread = own * _psi(stakes) + other / ratio * _psi(stakes * ratio)
    difference = stakes * (count * (rate_c - rate_b) + surplus)
    return np.stack([difference - count * spread, stakes * count]) / dispersion


def loss_log_e(against: Floats, margin: float, loss: float) -> Floats:
    """The log e-value of each path against a loss, from what `add_against_loss` has added up."""
    return log_mixture(against[0] + loss * against[1], np.array(effect_bounds.loss_weights(margin, loss)))[0]


def pairs_against_loss(seen: Floats, worse: float, better: float, loss: float, dispersion: float) -> Floats:
    """The log e-value of each path against a loss, from pairs. seen: each path's number of pairs, and in the second row
    its surplus of better ones."""
    walk = on_pairs(1.0, worse, better, loss, Side.PROMOTE, dispersion)
    return log_mixture(seen[0] * _column(walk.drift) + seen[1] * _column(walk.stake), walk.log_weights)[0]


def log_mixture(log_capital: Floats, log_weights: Floats) -> tuple[Floats, Floats]:
    """log of the mixture of each path, and each bet's part of it. log_capital: a row for each bet, a column for each
    path: along long rows numpy is eight times as fast as along short ones."""
    parts = log_capital + _column(log_weights)
    largest = parts.max(axis=0)
    parts -= largest
    np.exp(parts, out=parts)
    total = parts.sum(axis=0)
    parts /= total
    return largest + np.log(total), parts


def _expected(stakes: Floats, rate: float, guessed: float) -> Floats:
    """Expected log gain of an answer at each stake."""
    return np.asarray(rate * np.log1p(stakes * (1 - guessed)) + (1 - rate) * np.log1p(-stakes * guessed))


def _worth(stakes: Floats, guessed: float) -> Floats:
    """Log gain of a right answer over a wrong one at each stake."""
    return np.asarray(np.log1p(stakes * (1 - guessed)) - np.log1p(-stakes * guessed))


def _walk(drift: Floats, stake: Floats, grid: BetGrid) -> Walk:
    return Walk(drift, stake, np.array(grid.log_weights))


def _column(values: Sequence[float] | Floats) -> Floats:
    """One number a bet, beside rows of paths."""
    return np.asarray(values, float)[:, None]


def _psi(stakes: Floats) -> Floats:
    return -np.log1p(-stakes) - stakes
