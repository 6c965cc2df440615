"""The one rule for the values that a metrics source gives, for both kinds of counters.

A counter of events holds a whole number from 0 to 2^53. Any other value (NaN, which some servers also give for a stale
series, an infinity, a negative or fractional number) is never evidence. The newest value of each series in the window
decides: when it is no count, the whole reading of that policy is refused as NotACount, because counts without that
series would be too low and nobody would see it. An older value that is no count is passed over: a later count of the
same series holds all that it could have said. A series without any value is absent, and what was counted of it stays.
"""

from __future__ import annotations

LARGEST_COUNT = 2**53
"""Above it a float64 counter no longer grows by one."""


def is_count(value: float) -> bool:
    """Whether a counter of events can have this value."""
    return 0 <= value <= LARGEST_COUNT and not value % 1  # NaN fails the comparison
