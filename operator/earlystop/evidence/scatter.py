"""How much more the differences between arms scatter than independent events would: learned while they are compared.

Answers, requests and lengths of one session are alike, and sessions are shorter or longer than a look. So differences
between the arms are gathered in blocks of 1, 2, 4, 8 and 16 looks, and neighbouring blocks are compared: the square of
what they differ by, over the variance that independent events would give it, is 1 on average where events are
independent, and the design effect (Kish) where they come in clusters that a block holds. What both arms share cancels
in the difference between arms, and a true difference that stays cancels between neighbours (von Neumann, 1941).

The factor is the largest over the scales that show more than chance, each at an upper confidence bound, by the
chi-square law (Wilson, Hilferty, 1931); 1 where none does. For independent events it is 1.5 on average, the price of
five scales. A test that divides its evidence by it holds approximately, and not for clusters that span more than some
16 looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

SCALES = (1, 2, 4, 8, 16)

LEAST_PAIRS = 8
"""Pairs of neighbouring blocks before a scale says anything."""

CHANCE_QUANTILE = 0.84
"""Normal quantile of what chance explains: one scale in five shows more where events are independent."""

BOUND_QUANTILE = 0.5
"""Normal quantile of the upper bound, of 69 %: the largest of several scales is too large more often than that."""

FREEDOM = 2 / 3
"""Degrees of freedom for each pair: neighbouring pairs share a block."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Blocks of so many looks.

    looks, statistic, information: of the block that is not complete yet. last: statistic and information of the last
    complete one. pairs, total: how many neighbours were compared, and the sum of their squares, standardised.
    """

    size: int
    looks: int = 0
    statistic: float = 0.0
    information: float = 0.0
    last: tuple[float, float] | None = None
    pairs: int = 0
    total: float = 0.0


@dataclass(frozen=True, slots=True)
class Scatter:
    """What looks so far have shown, at each scale."""

    scales: tuple[Scale, ...] = tuple(Scale(size) for size in SCALES)

    @property
    def is_known(self) -> bool:
        """Whether enough looks were compared."""
        return self.scales[0].pairs >= LEAST_PAIRS

    def factor(self, unknown: float) -> float:
        """The dispersion factor, at least 1; `unknown` while too few looks were compared."""
        if not self.is_known:
            return unknown
        return max(1.0, *(_bound(each) for each in self.scales if each.pairs >= LEAST_PAIRS))


def observe(scatter: Scatter, statistic: float, information: float) -> Scatter:
    """With one more look: statistic: difference between the arms over its variance; information: 1 over the variance,
    > 0, both as independent events would have it."""
    return Scatter(tuple([_with_look(each, statistic, information) for each in scatter.scales]))


def _with_look(scale: Scale, statistic: float, information: float) -> Scale:
    looks, statistic, information = scale.looks + 1, scale.statistic + statistic, scale.information + information
    if looks < scale.size:
        return Scale(scale.size, looks, statistic, information, scale.last, scale.pairs, scale.total)
    if scale.last is None:
        return Scale(scale.size, last=(statistic, information))
    before, known = scale.last
    apart = statistic / information - before / known
    squared = apart * apart / (1 / information + 1 / known)
    return Scale(scale.size, last=(statistic, information), pairs=scale.pairs + 1, total=scale.total + squared)


def _bound(scale: Scale) -> float:
    """An upper bound of a scale's factor, 1 where chance explains what it shows."""
    part = 2 / (9 * FREEDOM * scale.pairs)
    mean = scale.total / scale.pairs
    if mean <= (1 - part + CHANCE_QUANTILE * sqrt(part)) ** 3:
        return 1.0
    return mean / (1 - part - BOUND_QUANTILE * sqrt(part)) ** 3
