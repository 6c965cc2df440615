"""Whether requests seem to be split one by one: then answers of one session are in both arms alike.

A gateway that draws a variant for each request by its weight gives the arms' counts the variance of independent draws,
at every length of time. One that keeps a session, a connection or a user on a variant gives them more: as many times
more as such a group has requests (Kish's design effect at a likeness of 1). So groups show in the split sooner than in
the answers, whose likeness is below 1. Where requests are drawn one by one, what the answers of a session have in
common falls on both arms by the same draws and cancels in their difference (Fisher's randomisation), however long the
session is. A gateway that deals requests out in turn gives the arms' counts less variance, which shows nothing: groups
may be dealt out so, too.

That is a hint and no proof: a group shows by its requests in a block, so users who keep a variant and ask once in
several looks seem to be single requests in all blocks of which a campaign has enough, while their answers are alike all
the time.

The weights are known, so blocks are compared with them and not with each other: a group that outlives its block shows.
Each block is therefore worth a degree of freedom, and the counts show sooner than the answers that groups outlast
blocks: what longer blocks show then exceeds what shorter ones do, by as much as requests of neighbouring blocks have in
common (the variance of sums of correlated parts, as in Allan's two-sample variance). Groups that end within the shorter
blocks leave both alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

from earlystop.evidence.scatter import upper_bound

SIZES = (1, 2, 4, 8, 16, 32)
"""Looks in a block."""

LEAST_LOOKS = 8
"""Looks before a split is a hint of single requests."""

LEAST_BLOCKS = 4
"""Blocks before those of a size say anything."""

LOW_QUANTILE, HIGH_QUANTILE = -3.0, 2.0
"""Normal quantiles between which the mean square of a size must lie: groups make it larger little by little, a split
that is dealt out in turn makes it nearly 0."""

SHORT_BLOCK, LONG_BLOCK = 8, 32
"""Looks in the blocks that are compared to see whether groups outlast the shorter ones."""

LEAST_GROWTH = 1.25
"""How many times as much as in the shorter blocks the split must scatter in the longer ones, besides more than single
requests do in blocks of either length or between: single requests seem to be such groups in one of 30 campaigns then,
and sessions of coding agents over up to 180 looks in three to six of ten (operator/docs/verdicts.md says what errors
are left)."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """How the split of requests scatters over blocks of `size` looks. looks, apart, variance: of the one that is not
    complete yet. blocks, squares: how many are complete, and the sum of the squares by which the candidate's requests
    missed their weight, standardised. apart_squared, weight, squared_weights: the sum of the same squares as they are,
    of the variances that single requests would have, and of the squares of these."""

    size: int
    looks: int = 0
    apart: float = 0.0
    variance: float = 0.0
    blocks: int = 0
    squares: float = 0.0
    apart_squared: float = 0.0
    weight: float = 0.0
    squared_weights: float = 0.0

    @property
    def fits_single_requests(self) -> bool:
        """Whether the squares are as large, and as small, as draws of single requests make them (the chi-square law by
        Wilson and Hilferty, 1931)."""
        return self._limit(LOW_QUANTILE) <= self.mean <= self._limit(HIGH_QUANTILE)

    @property
    def shows_groups(self) -> bool:
        """Whether the squares are larger than draws of single requests make them."""
        return self.exceeds(HIGH_QUANTILE)

    @property
    def mean(self) -> float:
        """Mean square, 1 on average for single requests; a block must be complete."""
        return self.squares / self.blocks

    def exceeds(self, quantile: float) -> bool:
        """Whether the squares are larger than those of single requests are up to this normal quantile; a block must be
        complete."""
        return self.mean > self._limit(quantile)

    def bound_by_requests(self, chance: float) -> float:
        """An upper bound of the mean square, each block weighing by its requests, as `scatter.upper_bound` with this
        chance. A block must be complete."""
        freedom = self.weight * self.weight / self.squared_weights
        return upper_bound(self.apart_squared / self.weight, freedom, chance)

    def _limit(self, quantile: float) -> float:
        part = 2 / (9 * self.blocks)
        return (1 - part + quantile * sqrt(part)) ** 3


@dataclass(frozen=True, slots=True)
class SplitScatter:
    """What looks so far have shown of how the split scatters. looks: those with requests."""

    looks: int = 0
    sizes: tuple[Blocks, ...] = tuple(Blocks(size) for size in SIZES)

    @property
    def seems_one_by_one(self) -> bool:
        """Whether nothing speaks against requests that are split one by one, after enough looks."""
        return self.looks >= LEAST_LOOKS and all(each.fits_single_requests for each in self._enough)

    @property
    def groups_outlast_blocks(self) -> bool:
        """Whether requests seem to stay with a variant in groups that span more looks than `SHORT_BLOCK` by far."""
        long = {each.size: each for each in self._enough if each.size >= SHORT_BLOCK}
        if LONG_BLOCK not in long or not any(each.shows_groups for each in long.values()):
            return False
        return long[LONG_BLOCK].mean > LEAST_GROWTH * long[SHORT_BLOCK].mean

    @property
    def _enough(self) -> list[Blocks]:
        return [each for each in self.sizes if each.blocks >= LEAST_BLOCKS]


NO_SPLIT = SplitScatter()


def observe(known: SplitScatter, baseline: int, candidate: int, share: float) -> SplitScatter:
    """How the split scatters, as known after one more look, in which so many requests started. share: percent that the
    candidate shall have of both variants' requests, above 0 and below 100. A look without requests shows nothing."""
    started, fraction = baseline + candidate, share / 100
    if not started:
        return known
    apart, variance = candidate - started * fraction, started * fraction * (1 - fraction)
    return SplitScatter(known.looks + 1, tuple([_with_look(each, apart, variance) for each in known.sizes]))


def _with_look(known: Blocks, apart: float, variance: float) -> Blocks:
    looks, apart, variance = known.looks + 1, known.apart + apart, known.variance + variance
    if looks < known.size:
        return replace(known, looks=looks, apart=apart, variance=variance)
    return Blocks(
        known.size,
        blocks=known.blocks + 1,
        squares=known.squares + apart * apart / variance,
        apart_squared=known.apart_squared + apart * apart,
        weight=known.weight + variance,
        squared_weights=known.squared_weights + variance * variance,
    )
