"""What both variants answered since a guard began, in sums of more and more looks the older they are.

So any time from one look to three days can be compared with the time before it, in a size that does not grow (an
exponential histogram: Datar, Gionis, Indyk, Motwani, SIAM J. Comput. 31(6), 2002). It says what moved when an alarm has
come, and never whether one comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import add
from typing import NamedTuple

MOST_OF_A_SIZE = 2
"""Spans of as many looks each, at most; of three the older two become one."""
LARGEST = 2048
"""Looks of the largest span; of three the oldest is forgotten. At a look a minute that leaves 68 hours or more: with
less than a day nobody can tell what grows over days from what goes by the hour of the day."""


class Rates(NamedTuple):
    """Counts of both variants: what was exposed, and hits among it, such as scored answers and right ones."""

    baseline: int = 0
    baseline_hits: int = 0
    candidate: int = 0
    candidate_hits: int = 0

    def plus(self, other: Rates) -> Rates:
        """The counts of both, added."""
        return Rates(*map(add, self, other))


NO_RATES = Rates()


@dataclass(frozen=True, slots=True)
class Span:
    """Several looks in a row. begin: moment of the look before them, Unix seconds. looks: how many, a power of 2.
    rates: their scored answers and right ones."""

    begin: int
    looks: int
    rates: Rates


Spans = tuple[Span, ...]


def with_rates(spans: Spans, begin: int, rates: Rates) -> Spans:
    """The spans, the oldest first, with one more look. begin: moment of the look before it."""
    found, size = [*spans, Span(begin, 1, rates)], 1
    while True:
        same = [index for index, each in enumerate(found) if each.looks == size]
        if len(same) <= MOST_OF_A_SIZE:
            return tuple(found)
        first = same[0]
        if size == LARGEST:
            return tuple(found[first + 1 :])
        older, newer = found[first], found[first + 1]
        found[first : first + 2] = [Span(older.begin, 2 * size, older.rates.plus(newer.rates))]
        size *= 2


def total(rates: Sequence[Rates]) -> Rates:
    """The sum of any number of counts."""
    return Rates(*map(sum, zip(*rates, strict=True))) if rates else NO_RATES
