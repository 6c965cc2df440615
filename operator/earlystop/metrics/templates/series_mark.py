"""What is known of one counter of others: its name, its samples, and the mark that a ledger keeps of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from earlystop.api.counts import Variant

SECOND_HAND = "~"
"""Begins the name of a vantage that is a copy, or of which nothing proves that it is none."""
AMBIGUOUS = "~?"
"""Begins the name of one that is a copy or another counter: it proves nothing beside others, and may have seen more."""


class Sample(NamedTuple):
    """at_ms: when it was scraped; value: the counter, >= 0; start_ms: its process's start, None when unknown."""

    at_ms: int
    value: int
    start_ms: int | None = None


@dataclass(frozen=True, slots=True, order=True)
class SeriesId:
    """One series: a counter of one process, as it is read from one vantage.

    field: a field of `Tally`.
    target: names the process: its Pod, or its address where no Pod is known; "" where neither is.
    replica: the scraper of an HA pair, "" for a single one.
    vantage: names the way from the process to the store: scrape job, Service, federation; see SECOND_HAND.
    child: names the labels that the process itself gave, which tell the series of one vantage apart.
    address: names the host, and after a point the host and port, at which the process was read; "" where not known.
    """

    variant: Variant
    field: str
    target: str
    replica: str = ""
    vantage: str = ""
    child: str = ""
    address: str = ""

    @property
    def host(self) -> str:
        """Names the host of the address."""
        return self.address.partition(".")[0]

    @property
    def way(self) -> tuple[str, str, str, str]:
        """How the process was read: the series of one way come from the same scrapes."""
        return self.target, self.address, self.vantage, self.replica


@dataclass(frozen=True, slots=True)
class Observed:
    """The samples of one series in any order, overlaps included."""

    samples: Sequence[Sample]


class SeriesMark(NamedTuple):
    """What is known of one series.

    at_ms, value: the last sample that was used.
    peak: the largest value of the present process.
    start_ms: that process's start, None when unknown.
    counted: events proven to lie in the open step.
    uncertain: further events that may.
    first_ms: the first sample; peak_at_ms: the last one that was not below the peak. Both None where a ledger of an
    earlier release does not say.
    """

    at_ms: int
    value: int
    peak: int
    start_ms: int | None
    counted: int
    uncertain: int
    first_ms: int | None = None
    peak_at_ms: int | None = None

    @property
    def most(self) -> int:
        """The most that it may have counted in the open step."""
        return self.counted + self.uncertain


class Amount(NamedTuple):
    """counted: proven; uncertain: how many more there may be."""

    counted: int = 0
    uncertain: int = 0

    def plus(self, other: Amount) -> Amount:
        """The sums of this amount and another."""
        return Amount(self.counted + other.counted, self.uncertain + other.uncertain)
