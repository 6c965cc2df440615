"""Which namespaces share the queries of one metrics source, so that what one of them exports is slow for itself alone.

Pure. Policies share queries, whatever their namespaces. Where a query was slow or failed for its cost, its namespaces
are asked for in groups at the next look, until it is known whose series it were. These are then read in a lane of their
own, where they hold up one another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import inf

from earlystop.metrics.source.failures import FailureKind

SLOW_SECONDS = 2.0
"""A query for 50 policies with 20 processes each takes a tenth of it."""
SEPARATE_SECONDS = 600.0
MOST_GROUPS = 16
COSTLY = frozenset({FailureKind.TOO_LARGE, FailureKind.TIMEOUT, FailureKind.NOT_EXECUTED})
"""Failures that follow from how much was asked for, and not from the source alone."""


@dataclass(frozen=True, slots=True)
class Part:
    """What was asked together, and how it went.

    namespaces: whose policies it was. seconds: for each query. failed: namespaces that have a costly failure.
    """

    namespaces: frozenset[str]
    seconds: float
    failed: frozenset[str] = frozenset()

    @property
    def is_costly(self) -> bool:
        """Whether others should not wait for this."""
        return bool(self.failed) or self.seconds > SLOW_SECONDS


@dataclass(frozen=True, slots=True)
class Separation:
    """What is known of the namespaces of one source. Times are Unix seconds.

    slow: namespaces that are read in the slow lane, and until when. groups: those among which a slow one is looked for,
    each group asked apart. shared_until: before this time all are asked together, since it is the source that is slow.
    """

    slow: Mapping[str, float] = field(default_factory=dict)
    groups: tuple[frozenset[str], ...] = ()
    shared_until: float = -inf

    def is_slow(self, namespace: str, now: float) -> bool:
        """Whether a namespace is read in the slow lane."""
        return self.slow.get(namespace, -inf) > now

    def parts(self, namespaces: Iterable[str]) -> list[frozenset[str]]:
        """How these namespaces of one lane are asked: those without a group together and first."""
        asked = frozenset(namespaces)
        # One whose time in the slow lane is over is tried apart from the others.
        groups = [*self.groups, *(frozenset({each}) for each in sorted(self.slow))]
        grouped: frozenset[str] = frozenset().union(*groups)
        return [part for part in (asked - grouped, *(asked & group for group in groups)) if part]

    def after(self, parts: Collection[Part], now: float) -> Separation:
        """What is known once these parts were asked in the lane that is shared."""
        if now < self.shared_until:
            return self
        if len(parts) > 1 and all(each.is_costly for each in parts):
            return Separation(shared_until=now + SEPARATE_SECONDS)
        known = self
        for part in parts:
            known = known._after_part(part, now)
        return known

    def _after_part(self, part: Part, now: float) -> Separation:
        left = tuple(rest for rest in (group - part.namespaces for group in self.groups) if rest)
        slow = {name: until for name, until in self.slow.items() if name not in part.namespaces or until > now}
        if not part.is_costly:
            return replace(self, groups=left, slow=slow)
        found = part.failed if part.failed < part.namespaces else frozenset()
        if len(part.namespaces) == 1:
            found = part.namespaces
        if found:
            return replace(self, groups=left, slow=slow | dict.fromkeys(found, now + SEPARATE_SECONDS))
        return replace(self, groups=(*left, *_groups_of(part.namespaces)), slow=slow)


def _groups_of(namespaces: Collection[str]) -> list[frozenset[str]]:
    """Groups of nearly the same size, at most 16, of one namespace each where there are so few."""
    ordered = sorted(namespaces)
    many = min(MOST_GROUPS, len(ordered))
    return [frozenset(ordered[number::many]) for number in range(many)]
