"""Whether this process and a metrics source agree on the time. Pure.

Counts are asked for at a moment of this process's clock. Where that is minutes ahead, the source has nothing as new,
and it would seem that targets are down which are well.
"""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime

from earlystop.metrics.source.failures import FailureKind, MetricsFailure

LEAST_SECONDS = 10.0
"""Clocks that differ by less explain nothing: `Date` is in whole seconds, and an answer may take some."""
CLOCK_BEHIND = "ClockBehind"
"""Reason of MetricsAvailable, and of a MetricSource's Reachable, while counts are read late by a slow clock."""
_SEEMS_ABSENT = frozenset({FailureKind.STALE, FailureKind.NO_DATA})


def seconds_ahead(date: str, now: float) -> float | None:
    """By how many seconds Unix time `now` is ahead of an answer's header Date; None where that cannot be read."""
    try:
        said = parsedate_to_datetime(date)
        return now - (said if said.tzinfo is not None else said.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def with_clocks_named(failure: MetricsFailure, ahead: float | None) -> MetricsFailure:
    """The failure, or what explains it better: a source lacks what it is asked for at a wrong time. ahead: as
    `seconds_ahead` gives it."""
    if ahead is None or abs(ahead) < LEAST_SECONDS or failure.kind not in _SEEMS_ABSENT:
        return failure
    how = f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'}"
    return MetricsFailure(
        FailureKind.CLOCKS_DIFFER, f"there are none for the operator's time, which is {how} the metrics source's"
    )


def seconds_behind(ahead: float | None) -> float | None:
    """By how many seconds the operator's clock is behind a source's, None where they agree or nobody knows. Counts can
    be read then, but they are as old as that. ahead: as `seconds_ahead` gives it."""
    return -ahead if ahead is not None and ahead <= -LEAST_SECONDS else None


def late_by(behind: float) -> str:
    """What follows from an operator's clock that is so many seconds behind a source's, as sentences."""
    return (
        f"What is read was counted {behind:.0f} s ago, since the operator's clock is so far behind the metrics "
        "source's: harm is found as much later. Set the clocks of the operator's node and of the metrics source right, "
        "for example by NTP."
    )
