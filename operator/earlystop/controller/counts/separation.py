"""Which namespaces share the queries of one metrics source, so that what one of them exports is slow for itself alone.

Pure. Policies share queries, whatever their namespaces. Where a query was slow or failed for its cost while the source
itself answered, its namespaces are asked for in groups for a while, and a group that was costly in smaller ones, until
it is known whose series it were. These are then read in a lane of their own, one namespace after the other.

A costly query divides whoever it concerned into sixteen groups, and no group is joined with others for ten minutes: so
three costly looks leave each of 4,096 namespaces asked apart, in whatever looks which of them are slow.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from earlystop.metrics.source.failures import FailureKind

SLOW_SECONDS = 2.0
"""A query for 50 policies with 20 processes each takes a tenth of it."""
SEPARATE_SECONDS = 600.0
MOST_GROUPS = 16
MOST_TRIED = 4
"""Of the namespaces whose time in the slow lane is over, so many are tried apart from the others in one look."""
COSTLY = frozenset(
    {
        FailureKind.TOO_LARGE,
        FailureKind.TIMEOUT,
        FailureKind.NOT_EXECUTED,
        FailureKind.SERVER_ERROR,
        FailureKind.UNREACHABLE,
    }
)
"""Failures that can follow from how much was asked for, and not from the source alone: a proxy before it that gives up
answers 504, or ends the connection."""
EXACT = frozenset({FailureKind.TOO_LARGE})
"""Costly failures whose query is divided until it is about one policy: who has one is at fault."""


@dataclass(frozen=True, slots=True)
class Part:
    """What was asked together of a source that answers, and how it went.

    namespaces: whose policies it was. seconds: for each query. failed: namespaces that have a costly failure. culprits:
    those of them that have it from a query about one policy of theirs alone.
    """

    namespaces: frozenset[str]
    seconds: float
    failed: frozenset[str] = frozenset()
    culprits: frozenset[str] = frozenset()

    @property
    def is_costly(self) -> bool:
        """Whether the query failed or was so slow that policies of other namespaces should not share it."""
        return bool(self.failed) or self.seconds > SLOW_SECONDS

    @property
    def found(self) -> frozenset[str]:
        """Namespaces whose series are known to have made this costly."""
        return self.namespaces if self.is_costly and len(self.namespaces) == 1 else self.culprits

    @property
    def suspects(self) -> frozenset[str]:
        """Namespaces among which there is another that made this costly."""
        if not self.is_costly:
            return frozenset()
        return (self.failed - self.found) or (frozenset() if self.found else self.namespaces)


@dataclass(frozen=True, slots=True)
class Group:
    """Namespaces that are asked apart from all others until a Unix second."""

    namespaces: frozenset[str]
    until: float


@dataclass(frozen=True, slots=True)
class Separation:
    """What is known of the namespaces of one source. Times are Unix seconds.

    slow: namespaces that are read in the slow lane, and until when. groups: those among which a slow one is looked for,
    the one that was costly longest ago first.
    """

    slow: Mapping[str, float] = field(default_factory=dict)
    groups: tuple[Group, ...] = ()

    def is_slow(self, namespace: str, now: float) -> bool:
        """Whether a namespace is read in the slow lane. Of those whose time there is over, only a few leave it at once:
        where all are slow, all would hold up a look."""
        until = self.slow.get(namespace)
        if until is None or until > now:
            return until is not None
        over = sorted((each, name) for name, each in self.slow.items() if each <= now)
        return (until, namespace) not in over[:MOST_TRIED]

    def parts(self, namespaces: Iterable[str], now: float) -> list[frozenset[str]]:
        """How these namespaces of one lane are asked: those without a group together and first."""
        asked = frozenset(namespaces)
        groups = [group.namespaces for group in self.groups if group.until > now]
        # One whose time in the slow lane is over is tried apart from the others.
        groups += [frozenset({each}) for each in sorted(self.slow)]
        grouped: frozenset[str] = frozenset().union(*groups)
        return [part for part in (asked - grouped, *(asked & group for group in groups)) if part]

    def after(self, parts: Collection[Part], now: float) -> Separation:
        """What is known once these parts were asked in the lane that is shared.

        A part that was asked of a source that did not answer well itself must not be among them: it says nothing.
        """
        # A namespace that nobody asks for any more is forgotten, for it would keep others from being tried.
        slow = {name: until for name, until in self.slow.items() if until > now - SEPARATE_SECONDS}
        known = Separation(slow, tuple(group for group in self.groups if group.until > now))
        for part in parts:
            known = known._after_part(part, now)
        return known

    def _after_part(self, part: Part, now: float) -> Separation:
        if not part.is_costly and self.slow.keys().isdisjoint(part.namespaces):
            return self
        slow = {name: until for name, until in self.slow.items() if name not in part.namespaces or until > now}
        placed, until = part.found | part.suspects, now + SEPARATE_SECONDS
        kept = (Group(group.namespaces - placed, group.until) for group in self.groups)
        smaller = (Group(each, until) for each in _groups_of(part.suspects))
        groups = tuple(group for group in (*kept, *smaller) if group.namespaces)
        return Separation(slow | dict.fromkeys(part.found, until), groups)


def _groups_of(namespaces: Collection[str]) -> list[frozenset[str]]:
    """Groups of nearly the same size, at most 16, of one namespace each where there are so few."""
    ordered = sorted(namespaces)
    many = min(MOST_GROUPS, len(ordered))
    return [frozenset(ordered[number::many]) for number in range(many)]
