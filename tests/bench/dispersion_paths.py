"""Exact Match of many runs at once, in numpy, divided as `evidence.divisors` says where looks show how answers scatter.

`tests/unit/evidence/test_bench_dispersion.py` proves that factors are those of the engine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earlystop.evidence import lasting_groups, scatter, split_scatter
from earlystop.evidence.arm_scatter import FIRST_ANSWERS, FIRST_RATE
from earlystop.evidence.bets import Side
from earlystop.evidence.discount import FULL_LOG_E, GUESS_FREEDOM
from earlystop.evidence.dispersion_guess import UNKNOWN, UNLIKELY
from earlystop.evidence.exact_match import default_grid
from earlystop.evidence.scatter import BOUND_QUANTILE, CHANCE_QUANTILE, LEAST_FREEDOM, SEEN_FREEDOM
from earlystop.evidence.version import CURRENT, EIGHTH, FIFTH, SEVENTH, SIXTH
from tests.bench.statistics_paths import FIRST_ANSWERS as GUESSED
from tests.bench.statistics_paths import Array, look_gains

Flags = NDArray[np.bool_]
_BAND = split_scatter.LOW_QUANTILE, split_scatter.HIGH_QUANTILE


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of many runs, each of shape (runs, looks). started: requests of both arms, as far as they are counted."""

    n_b: Array
    x_b: Array
    n_c: Array
    x_c: Array
    started_b: Array
    started_c: Array


@dataclass(frozen=True, slots=True)
class Divided:
    """After each look: by what evidence is divided, whether that is known, and its degrees of freedom. Each of shape
    (runs, looks)."""

    factor: Array
    is_known: Flags
    freedom: Array


def divided(
    counts: Counts,
    known_looks: int = scatter.KNOWN_LOOKS,
    version: int = CURRENT,
    *,
    declared: bool = False,
    answers_repeat: bool = False,
) -> Divided:
    """As `divisors.knowledge` has it for Exact Match, at even weights, where looks show how answers scatter.

    known_looks, declared, answers_repeat: as `known_looks`, `sessions_declared` and `answers_repeat` in `Objective`.
    version: of the engine, 5 or later.
    """
    answers = _Scales(*_differences(counts), is_weighed=version > SEVENTH)
    split = _Split(counts)
    one_by_one, outlast = split.seems_one_by_one, split.groups_outlast_blocks
    unknown = np.where(one_by_one & (not answers_repeat), UNLIKELY, UNKNOWN)
    longest = scatter.SCALES[-1]
    outlast &= version > FIFTH and not declared
    learned = np.where(outlast, answers.is_known(longest), answers.is_known(known_looks))
    factor = np.where(learned, answers.bound(LEAST_FREEDOM, CHANCE_QUANTILE), np.maximum(unknown, answers.hint))
    if version > SIXTH and not declared:
        factor = np.maximum(factor, _most_scatter(answers, split))
    if version > SEVENTH:
        factor = np.where(learned, factor, np.maximum(factor, split.guessed_scatter(version)))
    freedom = np.where(outlast, answers.freedom[-1], answers.freedom[scatter.SCALES.index(known_looks)])
    return Divided(factor, learned, np.where(learned, freedom, GUESS_FREEDOM))


def claims(counts: Counts, by: Divided, margin: float, risk: float) -> dict[Side, NDArray[np.int64]]:
    """For every run the number of the look, from 1, at which a side's claim is made; 0 for never.

    A promotion asks for a factor that is known, harm acts on what is said. Looks are taken as wholes.
    """
    return {side: _claims(counts, by, margin, risk, side) for side in Side}


def _claims(counts: Counts, by: Divided, margin: float, risk: float, side: Side) -> NDArray[np.int64]:
    crossed = log_e(counts, by, margin, side) >= -np.log(risk)
    if side is Side.PROMOTE:
        crossed &= by.is_known
    return np.where(crossed.any(axis=1), crossed.argmax(axis=1) + 1, 0)


def log_e(counts: Counts, by: Divided, margin: float, side: Side) -> Array:
    """Natural log of a claim's e-value after each look, of shape (runs, looks)."""
    grid = default_grid(side)
    gaps, shares = margin * np.asarray(grid.sizes), np.asarray(grid.log_weights)
    runs, looks = counts.n_b.shape
    capital, found = np.zeros((runs, len(grid))), np.zeros((runs, looks))
    match, scored = np.full((runs, 1), 0.8 * GUESSED), np.full((runs, 1), GUESSED)
    for look in range(looks):
        n_b, x_b, n_c, x_c = (each[:, look, None] for each in (counts.n_b, counts.x_b, counts.n_c, counts.x_c))
        capital += look_gains(n_b, x_b, n_c, x_c, match / scored, margin, side, gaps)
        match, scored = match + x_b + x_c + margin * n_c, scored + n_b + n_c
        terms = capital / by.factor[:, look, None] + shares
        largest = terms.max(axis=1)
        found[:, look] = largest + np.log(np.exp(terms - largest[:, None]).sum(axis=1))
    return _counted(found, by.freedom / 2)


def _counted(divided: Array, half: Array) -> Array:
    """As `Discount.log_e` has it. half: of the degrees of freedom."""
    beyond = np.maximum(divided, FULL_LOG_E)
    return np.where(divided > FULL_LOG_E, FULL_LOG_E + half * np.log((half + beyond) / (half + FULL_LOG_E)), divided)


def _differences(counts: Counts) -> tuple[Array, Array, Array]:
    """Statistic, information and weight of each look, as `arm_scatter.observe_answers` hands them to `scatter`."""
    both, right = counts.n_b + counts.n_c, counts.x_b + counts.x_c
    before_n, before_x = both.cumsum(axis=1) - both, right.cumsum(axis=1) - right
    past = (before_x + FIRST_RATE * FIRST_ANSWERS) / (before_n + FIRST_ANSWERS)
    rate = np.clip((right + FIRST_ANSWERS * past) / (both + FIRST_ANSWERS), 1e-9, 1 - 1e-9)
    ratio = counts.n_c / counts.n_b
    variance = counts.n_c * rate * (1 - rate) * (1 + ratio)
    difference = counts.x_c - ratio * counts.x_b
    return difference * counts.n_c / variance, counts.n_c**2 / variance, counts.n_c / (1 + ratio)


class _Scales:
    """`scatter.Scatter` of many runs after each look: means and degrees of freedom, shape (scales, runs, looks), and
    those that equal weights would have, by which looks are waited for."""

    def __init__(self, statistic: Array, information: Array, weight: Array, *, is_weighed: bool) -> None:
        nothing = np.zeros((len(statistic), 1))
        looks = statistic, information, information
        if is_weighed:
            looks = weight * statistic / information, weight**2 / information, weight
        # Of looks that are not weighed nothing is asked.
        even = weight.cumsum(axis=1) ** 2 / (weight**2).cumsum(axis=1)
        self.effective = even if is_weighed else np.full_like(weight, np.inf)
        sums = [np.concatenate([nothing, each.cumsum(axis=1)], axis=1) for each in looks]
        found = [self._scale(size, *sums, is_weighed=is_weighed) for size in scatter.SCALES]
        self.mean, self.freedom, self.waited = (np.array([each[k] for each in found]) for k in range(3))

    @staticmethod
    def _scale(
        size: int, statistic: Array, variance: Array, weight: Array, *, is_weighed: bool
    ) -> tuple[Array, Array, Array]:
        part, looks = max(1, size // scatter.PARTS), statistic.shape[1] - 1
        ends = np.arange(2 * size, looks + 1, part)
        mean, freedom, waited = np.zeros((3, len(statistic), looks))
        if not ends.size:
            return mean, freedom, waited
        (late, early), (late_variance, early_variance), (new, old) = (
            (each[:, ends] - each[:, ends - size], each[:, ends - size] - each[:, ends - 2 * size])
            for each in (statistic, variance, weight)
        )
        apart = late / new - early / old
        both = 1 / (1 / new + 1 / old)
        square, each = apart**2 * both, np.ones_like(both)
        if is_weighed:
            square *= both
            each = (both / new) ** 2 * late_variance + (both / old) ** 2 * early_variance
        total, counted, squares = (part.cumsum(axis=1) for part in (square, each, each**2))
        windows = np.arange(1, len(ends) + 1)
        blocks, squared = 2 + (windows - 1) * part / size, 4 * size * size
        nominal = (1.5 * blocks - 2) * squared / (squared + 5)
        least = np.minimum(nominal, scatter.LEAST_EFFECTIVE_FREEDOM)
        effective = np.maximum(nominal * counted**2 / (windows * squares), least)
        at = np.searchsorted(ends, np.arange(1, looks + 1), side="right") - 1
        seen = at >= 0
        mean[:, seen], freedom[:, seen] = (total / counted)[:, at[seen]], effective[:, at[seen]]
        waited[:, seen] = nominal[at[seen]]
        return mean, freedom, waited

    def is_known(self, looks: int) -> Flags:
        long = np.array([size >= looks for size in scatter.SCALES])
        learned = (self.waited[long] >= LEAST_FREEDOM).any(axis=0) & (self.effective >= looks)
        return np.asarray(learned & (self.bound(LEAST_FREEDOM, CHANCE_QUANTILE) < scatter.MOST_FACTOR))

    @property
    def hint(self) -> Array:
        return self.bound(SEEN_FREEDOM, CHANCE_QUANTILE)

    def bound(self, least: float, chance: float) -> Array:
        """`scatter._largest_bound` of the scales with so many degrees of freedom."""
        used = self.waited >= least
        part = 2 / (9 * np.maximum(self.freedom, 1.0))
        explained = self.mean <= (1 - part + chance * np.sqrt(part)) ** 3
        each = np.maximum(1.0, self.mean / np.maximum(1 - part - BOUND_QUANTILE * np.sqrt(part), 0.05) ** 3)
        each = np.where(used & ~explained, each, 1.0)
        last = used.sum(axis=0) - 1
        rows = np.indices(last.shape)
        of_last, mean = each[np.maximum(last, 0), *rows], self.mean[np.maximum(last, 0), *rows]
        growth = mean / np.maximum(self.mean[np.maximum(last - 1, 0), *rows], 1.0)
        grown = np.where((last > 0) & (of_last > 1), of_last * np.minimum(growth, scatter.MOST_GROWTH), 1.0)
        return np.asarray(np.minimum(np.maximum(each.max(axis=0), grown), scatter.MOST_FACTOR))


class _Split:
    """`SplitScatter` of many runs after each look, at even weights. means, blocks: looks in a block -> of shape (runs,
    looks) and (looks,); a mean is 0 before there are `LEAST_BLOCKS`, or where nobody counts requests. first_means: the
    same from the first block on. by_requests: the same with blocks that weigh by their requests; even_blocks: how many
    of one weight these are worth."""

    def __init__(self, counts: Counts) -> None:
        started = counts.started_b + counts.started_c
        self.shape = runs, looks = started.shape
        self.means, self.first_means, self.blocks, self.is_counted = {}, {}, {}, bool(started.any())
        self.by_requests, self.even_blocks = {}, {}
        apart, variance = (
            np.concatenate([np.zeros((runs, 1)), each.cumsum(axis=1)], axis=1)
            for each in (counts.started_c - started / 2, started / 4)
        )
        for size in split_scatter.SIZES if self.is_counted else ():
            ends = np.arange(size, looks + 1, size)
            squares = (apart[:, ends] - apart[:, ends - size]) ** 2
            expected = variance[:, ends] - variance[:, ends - size]
            mean = (squares / expected).cumsum(axis=1) / np.arange(1, len(ends) + 1)
            blocks = np.arange(1, looks + 1) // size
            last = np.maximum(blocks - 1, 0)
            self.first_means[size] = np.where(blocks > 0, mean[:, last], 0.0)
            weight = expected.cumsum(axis=1)
            self.by_requests[size] = np.where(blocks > 0, (squares.cumsum(axis=1) / weight)[:, last], 0.0)
            self.even_blocks[size] = (weight**2 / (expected**2).cumsum(axis=1))[:, last]
            self.means[size] = np.where(blocks >= split_scatter.LEAST_BLOCKS, self.first_means[size], 0.0)
            self.blocks[size] = blocks

    def limit(self, size: int, quantile: float, least: int = split_scatter.LEAST_BLOCKS) -> Array:
        """As `Blocks._limit`, infinite where there are fewer blocks than the least."""
        blocks = self.blocks[size]
        part = 2 / (9 * np.maximum(blocks, 1))
        return np.where(blocks >= least, (1 - part + quantile * np.sqrt(part)) ** 3, np.inf)

    @property
    def seems_one_by_one(self) -> Flags:
        fits = np.broadcast_to(np.arange(1, self.shape[1] + 1) >= split_scatter.LEAST_LOOKS, self.shape)
        fits = fits & self.is_counted
        for size, mean in self.means.items():
            low, high = (self.limit(size, each) for each in _BAND)
            fits = fits & ((low <= mean) & (mean <= high) | np.isinf(high))
        return np.asarray(fits)

    @property
    def groups_outlast_blocks(self) -> Flags:
        if not self.is_counted:
            return np.zeros(self.shape, dtype=bool)
        short, long = (self.means[each] for each in (split_scatter.SHORT_BLOCK, split_scatter.LONG_BLOCK))
        return np.asarray(
            self._exceeds(split_scatter.HIGH_QUANTILE).any(axis=0) & (long > split_scatter.LEAST_GROWTH * short)
        )

    @property
    def shown_by_requests(self) -> Array:
        """As `lasting_groups._shown_by_requests`."""
        if not self.is_counted:
            return np.ones(self.shape)
        long = np.array([self.means[size] for size in self._long])
        return np.asarray(np.where(self._exceeds(lasting_groups.CHANCE_QUANTILE), long, 1.0).max(axis=0))

    def guessed_scatter(self, version: int) -> Array:
        """As `lasting_groups.guessed_scatter`."""
        largest = np.ones(self.shape)
        for size, mean in self.by_requests.items() if version > EIGHTH else ():
            part = 2 / (9 * self.even_blocks[size])
            explained = mean <= (1 - part + lasting_groups.GUESS_CHANCE_QUANTILE * np.sqrt(part)) ** 3
            bound = mean / (1 - part - BOUND_QUANTILE * np.sqrt(part)) ** 3
            largest = np.maximum(largest, np.where(explained, 1.0, bound))
        for size, mean in self.first_means.items() if version <= EIGHTH else ():
            limit = self.limit(size, lasting_groups.CHANCE_QUANTILE, least=1)
            largest = np.maximum(largest, np.where(mean > limit, mean, 1.0))
        return np.asarray(np.minimum(1 + lasting_groups.GUESSED_LIKENESS * (largest - 1), scatter.MOST_FACTOR))

    @property
    def _long(self) -> list[int]:
        return [size for size in split_scatter.SIZES if size >= split_scatter.SHORT_BLOCK]

    def _exceeds(self, quantile: float) -> Flags:
        return np.array([self.means[size] > self.limit(size, quantile) for size in self._long])


def _most_scatter(answers: _Scales, split: _Split) -> Array:
    """As `lasting_groups.most_scatter` has it."""
    common, information = np.zeros(split.shape), np.zeros(split.shape)
    for size in split.means:
        if 2 * size not in split.means:
            continue
        at = scatter.SCALES.index(size)
        is_enough = (answers.freedom[at] >= LEAST_FREEDOM) & (split.blocks[2 * size] >= split_scatter.LEAST_BLOCKS)
        grouped = np.where(is_enough, np.maximum(2 * split.means[size] - split.means[2 * size] - 1, 0.0), 0.0)
        weight = answers.freedom[at] / 2 / np.maximum(answers.mean[at], 1.0) ** 2
        common += weight * grouped * (answers.mean[at] - 1)
        information += weight * grouped**2
    known = np.maximum(information, np.finfo(float).tiny)
    bound = common / known + lasting_groups.LIKENESS_QUANTILE / np.sqrt(known)
    alike = np.where(information > 0, np.clip(bound, 0.0, 1.0), 1.0)
    return np.minimum(1 + alike * (split.shown_by_requests - 1), scatter.MOST_FACTOR)
