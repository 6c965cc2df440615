"""Exact Match processes of many runs at once, in numpy: the same floats as the engine's, thousands of times over.

`tests/unit/evidence/test_bench_statistics.py` proves that they are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from earlystop.evidence.bets import CAP, Side
from earlystop.evidence.exact_match import NEAR, YOUNG_ANSWERS
from earlystop.evidence.mixture import BetGrid
from earlystop.evidence.split_look import ANSWERS_A_PART, MOST_PARTS
from earlystop.evidence.strata import VARIANCE_ANSWERS

Array = NDArray[np.float64]
FIRST_ANSWERS = 20.0
"""What the first guess of a rate is worth."""

Deal: TypeAlias = Callable[[Array, Array, Array, Array], tuple[Array, Array, Array, Array]]
"""Numbers of answers and matches of both arms, shape (runs,), to the same of their parts, shape (parts, runs)."""


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
    n_b: Array,
    x_b: Array,
    n_c: Array,
    x_c: Array,
    guess: Array,
    margin: float,
    side: Side,
    gaps: Array,
    variance: Array | None = None,
) -> Array:
    """`bets.look_log_e` of many runs: counts and guesses (runs, classes), gaps (K,), result (runs, K).

    variance: what the stakes follow, shape (runs,); None: the look's own. A class without answers takes no part.
    """
    edge = min(1e-4, (1 - margin) / 4)
    rate_b = np.clip(guess, margin + edge, 1 - edge)
    rate_c = rate_b - margin
    ratio = n_c / np.maximum(n_b, 1)
    if variance is None:
        total = n_c.sum(axis=1, keepdims=True)
        variance = (n_c / total * (rate_c * (1 - rate_c) + ratio * rate_b * (1 - rate_b))).sum(axis=1)
    worst = np.maximum(rate_c, ratio * (1 - rate_b)) if side > 0 else np.maximum(1 - rate_c, ratio * rate_b)
    worst = np.where(n_c > 0, worst, 0.0)
    largest = CAP / worst.max(axis=1)
    stake_c = float(side) * np.minimum(gaps / variance[:, None], largest[:, None])
    gains: Array = np.zeros(stake_c.shape)
    for k in range(n_b.shape[1]):
        own_c, own_b = rate_c[:, k, None], rate_b[:, k, None]
        own_stake = np.where(n_c[:, k, None] > 0, stake_c, 0.0)
        stake_b = -ratio[:, k, None] * own_stake
        gains += (
            x_c[:, k, None] * np.log1p(own_stake * (1 - own_c))
            + (n_c - x_c)[:, k, None] * np.log1p(-own_stake * own_c)
            + x_b[:, k, None] * np.log1p(stake_b * (1 - own_b))
            + (n_b - x_b)[:, k, None] * np.log1p(-stake_b * own_b)
        )
    return gains


def dealt(rng: np.random.Generator) -> Deal:
    """Looks in parts by the law of `parts.deal`, for many runs at once: arrays (parts, runs), empty where a run has
    fewer parts."""

    def deal(n_b: Array, x_b: Array, n_c: Array, x_c: Array) -> tuple[Array, Array, Array, Array]:
        counts = np.minimum(np.minimum((n_b + n_c) // ANSWERS_A_PART, MOST_PARTS), np.minimum(n_b, n_c))
        counts = np.maximum(counts, 1)
        most = int(counts.max())
        arms = [_parts_of(rng, n, x, counts, most) for n, x in ((n_b, x_b), (n_c, x_c))]
        return (*arms[0], *arms[1])

    return deal


def _parts_of(rng: np.random.Generator, n: Array, x: Array, counts: Array, most: int) -> tuple[Array, Array]:
    sizes = np.array([np.minimum((k + 1) * n // counts, n) - np.minimum(k * n // counts, n) for k in range(most)])
    left, marked, found = n.copy(), x.copy(), np.zeros_like(sizes)
    for k, size in enumerate(sizes):
        inside = rng.hypergeometric(marked.astype(int), (left - marked).astype(int), size.astype(int))
        found[k] = inside
        left, marked = left - size, marked - inside
    return sizes, found


def first_claims(
    stream: Stream,
    margin: float,
    side: Side,
    grid: BetGrid,
    risk: Array | float = 0.05,
    dispersion: Array | float = 1.0,
    deal: Deal | None = None,
    share: float = 50.0,
    own_mix: bool = False,
) -> NDArray[np.int64]:
    """For every run the index of the look at which the claim is made, or the number of looks: never.

    deal: how a look of one class is taken in parts (`exact_match.advance`); None: looks are taken as wholes.
    risk, dispersion: one, or one a run. share: percent of requests that the candidate shall have, where there are
    classes.
    own_mix: whether stakes follow the look's own mix of classes, as in version 1 of the engine.
    """
    runs, looks, groups = stream.n_b.shape
    factors = np.broadcast_to(np.asarray(dispersion, float), (runs,))
    paths = _Paths(margin, side, grid, risk, (runs, groups), factors, None if own_mix else share / (100 - share))
    claimed = np.full(runs, looks)
    open_runs = np.arange(runs)
    for look in range(looks):
        counts = tuple(part[open_runs, look] for part in (stream.n_b, stream.x_b, stream.n_c, stream.x_c))
        crossed = paths.advance(counts, deal if groups == 1 else None)
        claimed[open_runs[crossed]] = look
        open_runs = open_runs[~crossed]
        paths.keep(~crossed)
        if not open_runs.size:
            break
    return claimed


class _Paths:
    """The processes of all runs that are still open."""

    def __init__(
        self,
        margin: float,
        side: Side,
        grid: BetGrid,
        risk: Array | float,
        shape: tuple[int, int],
        factor: Array,
        ratio: float | None,
    ) -> None:
        runs, groups = shape
        self.ratio = ratio
        self.margin, self.side = margin, side
        self.line = np.broadcast_to(-np.log(risk), (runs,))
        self.gaps, self.shares = margin * np.asarray(grid.sizes), np.asarray(grid.log_weights)
        self.factor = factor
        self.capital = np.zeros((runs, len(grid)))
        self.match, self.scored = np.full((runs, groups), 16.0), np.full((runs, groups), FIRST_ANSWERS)
        self.log_e = np.zeros(runs)

    def advance(self, counts: tuple[Array, ...], deal: Deal | None) -> NDArray[np.bool_]:
        """Take one more look; whether each run has crossed the line."""
        fine = np.zeros(len(self.log_e), dtype=bool)
        if deal is not None:
            fine = (self.scored[:, 0] < YOUNG_ANSWERS) | (self.log_e >= self.line - NEAR)
        crossed = np.zeros(len(self.log_e), dtype=bool)
        whole, parted = np.flatnonzero(~fine), np.flatnonzero(fine)
        if whole.size:
            self._bet(whole, *(part[whole] for part in counts))
            crossed[whole] = self.log_e[whole] >= self.line[whole]
        if parted.size:
            assert deal is not None  # without it nothing is taken in parts
            for part in zip(*deal(*(part[parted, 0] for part in counts)), strict=True):
                there = part[0] > 0
                rows = parted[there]
                self._bet(rows, *(arm[there][:, None] for arm in part))
                crossed[rows] |= self.log_e[rows] >= self.line[rows]
        return crossed

    def _bet(self, rows: NDArray[np.int64], n_b: Array, x_b: Array, n_c: Array, x_c: Array) -> None:
        guess = self.match[rows] / self.scored[rows]
        variance = None if self.ratio is None or guess.shape[1] == 1 else self._variance(rows, self.ratio)
        gains = look_gains(n_b, x_b, n_c, x_c, guess, self.margin, self.side, self.gaps, variance)
        self.capital[rows] += gains / self.factor[rows, None]
        self.match[rows] += x_b + x_c + self.margin * n_c
        self.scored[rows] += n_b + n_c
        self.log_e[rows] = _log_mixture(self.capital[rows] + self.shares)

    def _variance(self, rows: NDArray[np.int64], ratio: float) -> Array:
        """`strata.running_variance`, shape (rows,)."""
        answers = self.scored[rows] - FIRST_ANSWERS
        rate_b = np.clip(self.match[rows] / self.scored[rows], self.margin + 1e-4, 1 - 1e-4)
        rate_c = rate_b - self.margin
        each = rate_c * (1 - rate_c) + ratio * rate_b * (1 - rate_b)
        first = VARIANCE_ANSWERS * 0.25 * (1 + ratio)
        return np.asarray((first + (answers * each).sum(axis=1)) / (VARIANCE_ANSWERS + answers.sum(axis=1)))

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Go on with these runs alone."""
        if not rows.all():
            self.capital, self.match, self.scored = self.capital[rows], self.match[rows], self.scored[rows]
            self.log_e, self.factor, self.line = self.log_e[rows], self.factor[rows], self.line[rows]


def _log_mixture(terms: Array) -> Array:
    largest = terms.max(axis=1)
    return np.asarray(largest + np.log(np.exp(terms - largest[:, None]).sum(axis=1)))
