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
