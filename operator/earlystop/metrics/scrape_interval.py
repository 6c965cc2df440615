"""How often targets are scraped, measured from the times of samples, beside what a MetricSource declares. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median

LEAST_DIFFERENCES = 3
DIFFERS, AGREES = 1.5, 1.25
"""An interval differs from the declared one when it is so many times as long or as short, and agrees again below the
second factor: one that lies at the limit must not be told again and again."""

FIRST_AFTER_SECONDS, MEASURED_EVERY_SECONDS = 120.0, 300.0
"""So long after the first look at a source one policy is measured, and from then on some policy so often."""
AGAIN_AFTER_SECONDS = 60.0
"""A policy whose counters seem to be silent is measured at once, but not again within so many seconds."""
MOST_SILENT = 4
"""Of policies whose counters seem to be silent, so many are measured by one exchange."""
FORGOTTEN_AFTER_SECONDS = 86_400.0

SHORTEST_WINDOW_SECONDS, LONGEST_WINDOW_SECONDS, INTERVALS_IN_WINDOW = 300, 1_230, 20
"""The longest interval that may be declared, 300 s, has 4 samples in the longest window."""


def measured_interval(series: Iterable[Sequence[float]]) -> float | None:
    """The median number of seconds between samples of the same series; None when there are too few samples.

    Single scrapes that failed, and series that ended or began, do not move it.
    """
    differences = [later - earlier for times in series for earlier, later in pairwise(times) if later > earlier]
    return median(differences) if len(differences) >= LEAST_DIFFERENCES else None


def window_seconds(declared: float, *, silent: bool) -> int:
    """How far to look back for samples: for silent counters as far as the longest interval needs."""
    if silent:
        return LONGEST_WINDOW_SECONDS
    return int(min(LONGEST_WINDOW_SECONDS, max(SHORTEST_WINDOW_SECONDS, INTERVALS_IN_WINDOW * declared)))


def differs(measured: float, declared: float, *, differed: bool) -> bool:
    """Whether a measured interval is another than the declared one. differed: whether it was so before."""
    factor = max(measured / declared, declared / measured)
    return factor > (AGREES if differed else DIFFERS)


@dataclass(frozen=True, slots=True)
class MeasuredInterval:
    """The scrape interval that was measured for one policy. seconds: None when there were too few samples; at: Unix
    second of the measurement; differs: whether it is another than the declared one."""

    seconds: float | None
    at: float
    differs: bool = False


@dataclass(frozen=True, slots=True)
class ScrapeIntervals:
    """What was measured of one source.

    declared: seconds, of the MetricSource. by_policy: the last measurement of each policy. due_at: Unix second at which
    some policy is measured next, None before the first look.
    """

    declared: float
    by_policy: Mapping[str, MeasuredInterval] = field(default_factory=dict)
    due_at: float | None = None

    def begun(self, at: float) -> ScrapeIntervals:
        """After a look at Unix second `at`, which may be the first."""
        return replace(self, due_at=at + FIRST_AFTER_SECONDS) if self.due_at is None else self

    def interval(self, policy: str) -> float:
        """Seconds between scrapes that looks reckon with: the longer of those declared and measured."""
        found = self.by_policy.get(policy)
        if found is None or found.seconds is None or not found.differs:
            return self.declared
        return max(self.declared, found.seconds)

    def difference(self, policy: str) -> float | None:
        """The measured seconds, when they are others than the declared ones."""
        found = self.by_policy.get(policy)
        return found.seconds if found is not None and found.differs else None

    def with_declared(self, declared: float) -> ScrapeIntervals:
        """The intervals by this declaration: what was measured is forgotten when it is another than before."""
        return self if declared == self.declared else ScrapeIntervals(declared)

    def with_measured(self, policy: str, seconds: float | None, at: float) -> ScrapeIntervals:
        """The intervals after a measurement. One that found too few samples leaves what was found before."""
        before = self.by_policy.get(policy)
        if seconds is None:
            found = replace(before, at=at) if before is not None else MeasuredInterval(None, at)
        else:
            differed = before is not None and before.differs
            found = MeasuredInterval(seconds, at, differs(seconds, self.declared, differed=differed))
        kept = {name: each for name, each in self.by_policy.items() if at - each.at < FORGOTTEN_AFTER_SECONDS}
        return replace(self, by_policy={**kept, policy: found}, due_at=at + MEASURED_EVERY_SECONDS)

    def due(self, policies: Sequence[str], silent: Sequence[str], at: float) -> tuple[str, ...]:
        """Which of these policies to measure now: silent ones at once, and one of the others every five minutes."""
        urgent = [name for name in silent if at - self._measured_at(name) >= AGAIN_AFTER_SECONDS][:MOST_SILENT]
        if urgent or self.due_at is None or at < self.due_at:
            return tuple(urgent)
        return tuple(sorted(policies, key=lambda name: (self._measured_at(name), name))[:1])

    def _measured_at(self, policy: str) -> float:
        found = self.by_policy.get(policy)
        return found.at if found is not None else float("-inf")
