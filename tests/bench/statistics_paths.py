"""Exact Match processes of many runs at once, in numpy: the same floats as the engine's, thousands of times over.

`tests/unit/evidence/test_bench_statistics.py` proves that they are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earlystop.evidence.bets import CAP, Side
from earlystop.evidence.mixture import BetGrid

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stream:
    """Answers of many runs. Each array has shape (runs, looks, classes): scored and matching, both arms."""

    n_b: Array
    x_b: Array
    n_c: Array
    x_c: Array

    @property
    def requests(self) -> Array:
        """Requests up to and including each look, shape (runs, looks)."""
        return np.asarray((self.n_b + self.n_c).sum(axis=2).cumsum(axis=1))

    def pooled(self) -> tuple[Array, Array, Array, Array]:
        """Totals over looks and classes, shape (runs, looks): what rivals compare."""

        def total(part: Array) -> Array:
            return np.asarray(part.sum(axis=2).cumsum(axis=1))

        return total(self.n_b), total(self.x_b), total(self.n_c), total(self.x_c)


def constant(
    rng: np.random.Generator, runs: int, looks: int, size: int, share: float, rate: float, effect: float
) -> Stream:
    """Looks of `size` requests at one split; EM of the baseline is `rate`, the candidate's differs by `effect`."""
    n_c = round(size * share)
    shape = (runs, looks, 1)
    return Stream(
        np.full(shape, float(size - n_c)),
        rng.binomial(size - n_c, rate, shape).astype(float),
        np.full(shape, float(n_c)),
        rng.binomial(n_c, min(max(rate + effect, 0.0), 1.0), shape).astype(float),
    )


def varied(
    rng: np.random.Generator,
    runs: int,
    looks: int,
    size: int,
    share: Callable[[float], float],
    rate: Callable[[float], float],
    effect: float,
) -> Stream:
    """As `constant`, with share and rate as functions of the time in [0, 1), and requests routed by chance."""
    moments = np.arange(looks) / looks
    shares, rates = np.array([share(t) for t in moments]), np.array([rate(t) for t in moments])
    n_c = rng.binomial(size, shares, (runs, looks))
    n_c = np.clip(n_c, 1, size - 1)
    x_b, x_c = rng.binomial(size - n_c, rates), rng.binomial(n_c, rates + effect)
    return Stream(*(part.astype(float)[:, :, None] for part in (size - n_c, x_b, n_c, x_c)))


def sessions(
    rng: np.random.Generator, runs: int, looks: int, size: int, rate: float, effect: float, length: int, likeness: float
) -> Stream:
    """Even split of sessions of `length` answers that share a Beta rate with that intraclass correlation."""
    each = size // 2 // length
    strength = 1 / likeness - 1

    def arm(mean: float) -> Array:
        rates = rng.beta(mean * strength, (1 - mean) * strength, (runs, looks, each))
        return np.asarray(rng.binomial(length, rates).sum(axis=2, keepdims=True).astype(float))

    count = np.full((runs, looks, 1), float(each * length))
    return Stream(count, arm(rate), count, arm(rate + effect))


def classes(
    rng: np.random.Generator,
    runs: int,
    looks: int,
    size: int,
    shares: Sequence[float],
    rates: Sequence[float],
    effects: Sequence[float],
) -> Stream:
    """Even split inside classes; how many requests a class gets in a look is left to chance, at least one an arm."""
    total = rng.multinomial(size, shares, (runs, looks))
    n_c = np.maximum(total - total // 2, 1)
    n_b = np.maximum(total // 2, 1)
    x_b, x_c = rng.binomial(n_b, rates), rng.binomial(n_c, np.asarray(rates) + np.asarray(effects))
    return Stream(*(part.astype(float) for part in (n_b, x_b, n_c, x_c)))


def look_gains(
    n_b: Array, x_b: Array, n_c: Array, x_c: Array, guess: Array, margin: float, side: Side, gaps: Array
) -> Array:
    """`bets.look_log_e` of many runs: counts and guesses (runs, classes), gaps (K,), result (runs, K)."""
    edge = min(1e-4, (1 - margin) / 4)
    rate_b = np.clip(guess, margin + edge, 1 - edge)
    rate_c = rate_b - margin
    ratio = n_c / n_b
    total = n_c.sum(axis=1, keepdims=True)
    variance = (n_c / total * (rate_c * (1 - rate_c) + ratio * rate_b * (1 - rate_b))).sum(axis=1)
    worst = np.maximum(rate_c, ratio * (1 - rate_b)) if side > 0 else np.maximum(1 - rate_c, ratio * rate_b)
    largest = CAP / worst.max(axis=1)
    stake_c = float(side) * np.minimum(gaps / variance[:, None], largest[:, None])
    gains: Array = np.zeros(stake_c.shape)
    for k in range(n_b.shape[1]):
        own_c, own_b, stake_b = rate_c[:, k, None], rate_b[:, k, None], -ratio[:, k, None] * stake_c
        gains += (
            x_c[:, k, None] * np.log1p(stake_c * (1 - own_c))
            + (n_c - x_c)[:, k, None] * np.log1p(-stake_c * own_c)
            + x_b[:, k, None] * np.log1p(stake_b * (1 - own_b))
            + (n_b - x_b)[:, k, None] * np.log1p(-stake_b * own_b)
        )
    return gains


def first_claims(
    stream: Stream,
    margin: float,
    side: Side,
    grids: Sequence[BetGrid],
    risk: float = 0.05,
    dispersion: Array | float = 1.0,
) -> NDArray[np.int64]:
    """For every grid and run the index of the look at which the claim is made, or the number of looks: never.

    All grids bet on the same stream, so their figures differ by what the grids do. dispersion: one, or one a run.
    """
    runs, looks, groups = stream.n_b.shape
    sizes = sorted({size for grid in grids for size in grid.sizes})
    columns = [[sizes.index(size) for size in grid.sizes] for grid in grids]
    weights = [np.asarray(grid.log_weights) for grid in grids]
    gaps = margin * np.asarray(sizes)
    factor = np.broadcast_to(np.asarray(dispersion, dtype=float), (runs,))
    claimed = np.full((len(grids), runs), looks)
    open_runs = np.arange(runs)
    capital = np.zeros((runs, len(sizes)))
    match, scored = np.full((runs, groups), 16.0), np.full((runs, groups), 20.0)
    for look in range(looks):
        n_b, x_b, n_c, x_c = (part[open_runs, look] for part in (stream.n_b, stream.x_b, stream.n_c, stream.x_c))
        gains = look_gains(n_b, x_b, n_c, x_c, match / scored, margin, side, gaps)
        capital += gains / factor[open_runs, None]
        match += x_b + x_c + margin * n_c
        scored += n_b + n_c
        for row, column, weight in zip(claimed, columns, weights, strict=True):
            crossed = _log_mixture(capital[:, column] + weight) >= -np.log(risk)
            fresh = open_runs[crossed]
            row[fresh] = np.minimum(row[fresh], look)
        waiting = (claimed[:, open_runs] == looks).any(axis=0)
        if not waiting.all():
            open_runs, capital, match, scored = (part[waiting] for part in (open_runs, capital, match, scored))
        if not open_runs.size:
            break
    return claimed


def _log_mixture(terms: Array) -> Array:
    largest = terms.max(axis=1)
    return np.asarray(largest + np.log(np.exp(terms - largest[:, None]).sum(axis=1)))
