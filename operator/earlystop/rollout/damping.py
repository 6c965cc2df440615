"""A condition that alternates is written at most once a minute, and shows the trouble rather than each lull in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

from earlystop.api.conditions import ConditionStatus
from earlystop.rollout.observations import NOT_YET, Observation

LEAST_SECONDS = 60.0
"""Between two changes of a condition to or from trouble; also the longest calm that is waited for after trouble."""
BROKEN_CALM_FACTOR = 2.0
"""Trouble is over when it stayed away for so many times the longest calm that it has broken before."""


@dataclass(frozen=True, slots=True)
class DampedObservation:
    """What is observed of one thing, and what its condition says.

    observed: the last observation. shown: what the condition says. changed_at: Unix second of its last change to or
    from trouble, which is the status False. calm_since: Unix second since which no trouble was observed, None while it
    is. broken_calm: seconds of the longest calm that new trouble ended while the condition showed trouble.
    """

    observed: Observation = NOT_YET
    shown: Observation = NOT_YET
    changed_at: float = -inf
    calm_since: float | None = -inf
    broken_calm: float = 0.0

    @classmethod
    def beginning(cls, observed: Observation) -> DampedObservation:
        """What a stored condition says, of which nothing earlier is known."""
        return cls(observed, observed, calm_since=None if _is_trouble(observed) else -inf)

    @property
    def due_at(self) -> float | None:
        """The Unix second at which what is observed will be shown if nothing else is observed; None when it is."""
        if _says_the_same(self.observed, self.shown):
            return None
        moments = [self.changed_at + LEAST_SECONDS]
        if _is_trouble(self.shown) and self.calm_since is not None:
            moments.append(self.calm_since + min(LEAST_SECONDS, BROKEN_CALM_FACTOR * self.broken_calm))
        return max(moments)


def observe(before: DampedObservation, observed: Observation, now: float) -> DampedObservation:
    """The damped observation after one at Unix second `now`, or after a while with the one before.

    A change between two states without trouble is shown at once, as is trouble that comes after a minute of quiet; what
    lasts is shown after a minute at the latest.
    """
    calm = _with_calm(before, observed, now)
    if calm is before and observed == before.observed and observed == before.shown:
        return before  # as nearly always: a look observes several things several times
    after = replace(calm, observed=observed)
    if _says_the_same(observed, after.shown):
        return replace(after, shown=observed)  # its message may be another
    if not _is_trouble(observed) and not _is_trouble(after.shown):
        return replace(after, shown=observed)
    due_at = after.due_at
    if due_at is None or now < due_at:
        return after
    return replace(after, shown=observed, changed_at=now, broken_calm=0.0)


def _with_calm(before: DampedObservation, observed: Observation, now: float) -> DampedObservation:
    if not _is_trouble(observed):
        return before if before.calm_since is not None else replace(before, calm_since=now)
    if before.calm_since is None or not _is_trouble(before.shown):
        return replace(before, calm_since=None)
    return replace(before, calm_since=None, broken_calm=max(before.broken_calm, now - before.calm_since))


def _is_trouble(observation: Observation) -> bool:
    return observation.status is ConditionStatus.FALSE


def _says_the_same(one: Observation, other: Observation) -> bool:
    return (one.status, one.reason) == (other.status, other.reason)
