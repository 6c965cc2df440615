"""Exact Match from pairs: one request answered by both variants, so most of the noise cancels.

For a pair, D = candidate right - baseline right is -1, 0 or 1. A bet stakes a share of capital: it multiplies it
by `1 + stake (D + margin)` and against harm by `1 - stake (D + margin)`. Inside the null hypothesis `E[D] <=
-margin` (promote; harm: >=) the factor's expectation is at most 1, pair by pair, and stakes never change, so the
capital depends on cumulative counts alone and is an e-process after any number of pairs in any order; the
baseline may drift. By Ville's inequality a claim at 1/risk is false with probability at most risk.
Source: betting with bounded means, Waudby-Smith, Ramdas, "Estimating means of bounded random variables by
betting" (2024), here with fixed stakes.

What must hold: given the past, a pair's expected D lies in the null hypothesis; pairs are independent requests or
a dispersion factor stands for their likeness. Golden questions asked of both variants are pairs as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import log, log1p
from random import Random

from earlystop.api.counts import Pairs
from earlystop.evidence import bets, split_look
from earlystop.evidence.bets import Side
from earlystop.evidence.bisection import bisected
from earlystop.evidence.discount import UNDIVIDED, Discount
from earlystop.evidence.intervals import Interval
from earlystop.evidence.mixture import BetGrid, log_mixture, weighted_grid

LARGEST_STAKE = 0.9
"""Times the most a pair can cost: no pair takes more than this share of a bet's capital."""

INTERVAL_STAKE = 0.45
"""The same for an interval, where |D - difference| may be 2."""


NOTHING = Pairs()

BISECTIONS = 18
"""An interval's bounds are found to within a thousandth of a point of EM, outwards."""

PAIRS_A_PART = 25
MOST_PARTS = 8


def stake_grid(bets_on: int = 12, span: float = 40.0, middle: float | None = None, decay: float = 0.0) -> BetGrid:
    """Stakes as shares of the largest allowed one, geometric from 1/span to 1.

    The share of capital falls off by 2^-decay with every factor of 2 away from `middle` (None: even shares).
    """
    sizes = [span ** (k / (bets_on - 1) - 1) for k in range(bets_on)]
    if middle is None:
        return weighted_grid(sizes, [1.0] * bets_on)
    return weighted_grid(sizes, [2.0 ** (-decay * abs(log(size / middle, 2))) for size in sizes])


GRID = stake_grid(middle=0.3, decay=0.7)
"""Most capital on the stakes that 3 to 12 % of disagreeing pairs ask for; others cost a few percent more pairs."""


@dataclass(frozen=True, slots=True)
class PairsProcess:
    """One e-process on pairs; pairs: all so far; log_e: natural log now, log_e_max: its largest, >= 0."""

    margin: float
    side: Side
    pairs: Pairs = NOTHING
    log_e: float = 0.0
    log_e_max: float = 0.0


def start(margin: float, side: Side) -> PairsProcess:
    """The process before any pair. Raises ValueError unless 0 < margin < 1."""
    bets.check_margin(margin)
    return PairsProcess(margin, side)


def update(process: PairsProcess, new: Pairs, dispersion: float = 1.0, discount: Discount = UNDIVIDED) -> PairsProcess:
    """The process after more pairs; dispersion: one factor >= 1 for the whole process; discount: how what that makes of
    it is kept."""
    pairs = process.pairs.plus(new)
    now = discount.log_e(log_e(pairs, process.margin, process.side, dispersion=dispersion))
    largest = discount.largest(process.log_e_max, now)
    return PairsProcess(process.margin, process.side, pairs, now, largest)


def deal(new: Pairs, seed: int) -> list[Pairs]:
    """The pairs of a look in up to 8 parts, dealt as `split_look` deals answers; `update` with each in turn."""
    count = min(new.total // PAIRS_A_PART, MOST_PARTS)
    if count < 2 or new.total > split_look.MOST_ANSWERS:
        return [new]
    random, sizes = Random(seed), split_look.even(new.total, count)  # noqa: S311
    columns, left = [], sizes
    for marked in new[:3]:
        columns.append(split_look.drawn(random, left, marked))
        left = [size - taken for size, taken in zip(left, columns[-1], strict=True)]
    return [Pairs(*row) for row in zip(*columns, left, strict=True)]


def log_e(pairs: Pairs, margin: float, side: Side, grid: BetGrid = GRID, dispersion: float = 1.0) -> float:
    """Natural log of the e-value from cumulative counts; 0 without pairs.

    margin: tolerated loss of EM, 0 <= margin < 1. Raises ValueError for a negative count, a margin outside its
    domain or a dispersion below 1.
    """
    _check(pairs)
    bets.check_dispersion(dispersion)
    if not 0 <= margin < 1:
        raise ValueError(f"margin is {margin}; write the tolerated loss as a fraction, as in 0.02")
    gains = _gains_of_margin(margin, side, grid)
    return _mixed(pairs, gains, grid, dispersion)


def look_log_e(pairs: Pairs, margin: float, side: Side) -> list[float]:
    """Natural log of the e-value of new pairs for each stake of `GRID`; parameters and errors as for `log_e`."""
    _check(pairs)
    better, worse, same = pairs.candidate_only, pairs.baseline_only, pairs.both + pairs.neither
    return [better * up + worse * down + same * still for up, down, still in _gains_of_margin(margin, side, GRID)]


def interval(pairs: Pairs, risk: float = 0.05, dispersion: float = 1.0) -> Interval:
    """EM candidate minus EM baseline, -1..1, with bounds valid at all numbers of pairs at once.

    Exact: a bound lies where a one-sided e-process with stakes that do not depend on the bound reaches 2/risk,
    so the truth is missed with probability at most risk (0 < risk < 1), ever. Needs a constant difference.
    """
    return interval_at(pairs, risk / 2, risk / 2, dispersion)


def interval_at(pairs: Pairs, risk_low: float, risk_high: float, dispersion: float = 1.0) -> Interval:
    """As `interval`: the truth is ever below with probability at most risk_low, and above with at most risk_high."""
    _check(pairs)
    if pairs.total == 0:
        return Interval(None, -1.0, 1.0)
    stakes = [INTERVAL_STAKE * size for size in GRID.sizes]
    estimate = (pairs.candidate_only - pairs.baseline_only) / pairs.total

    def bound(side: Side, threshold: float) -> float:
        def log_e_against(edge: float) -> float:  # it falls monotonically from `outside` to the estimate
            return _mixed(pairs, _gains(edge, side, stakes), GRID, dispersion)

        outside = -float(side)
        if log_e_against(outside) < threshold:
            return outside
        return bisected(log_e_against, estimate, outside, threshold, BISECTIONS)

    return Interval(estimate, bound(Side.PROMOTE, -log(risk_low)), bound(Side.HARM, -log(risk_high)))


@lru_cache(maxsize=256)
def _gains_of_margin(margin: float, side: Side, grid: BetGrid) -> list[tuple[float, float, float]]:
    dearest = 1 - side * margin  # a baseline_only pair costs a bet on promotion 1 - margin
    return _gains(-margin, side, [LARGEST_STAKE / dearest * size for size in grid.sizes])


def _gains(edge: float, side: Side, stakes: list[float]) -> list[tuple[float, float, float]]:
    """log gain of a candidate_only, a baseline_only and any other pair, for each stake, against `E[D] <= edge`
    (promote) or `>= edge` (harm)."""
    signed = [side * stake for stake in stakes]
    return [(log1p(each * (1 - edge)), log1p(each * (-1 - edge)), log1p(-each * edge)) for each in signed]


def _mixed(pairs: Pairs, gains: list[tuple[float, float, float]], grid: BetGrid, dispersion: float) -> float:
    better, worse, same = pairs.candidate_only, pairs.baseline_only, pairs.both + pairs.neither
    capital = [(better * up + worse * down + same * still) / dispersion for up, down, still in gains]
    return log_mixture(capital, grid.log_weights)


def _check(pairs: Pairs) -> None:
    for name, count in zip(Pairs._fields, pairs, strict=True):
        if count < 0:
            raise ValueError(f"pairs: {name} is {count}; write a count of 0 or more")
