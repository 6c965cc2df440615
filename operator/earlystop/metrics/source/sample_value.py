"""The one rule for the values that a metrics source gives, for both kinds of counters.

A counter of events holds a whole number from 0 to 2^53. Any other value (NaN, an infinity, a negative or fractional
number) is never evidence: it is a scrape of that series that told nothing. So the rule is that of a missed scrape:

- while it is the newest value of a series in the window, the whole reading of that policy is refused as NotACount:
  counts without that series would be too low, and nobody would see it.
- once a count was scraped after it, it is passed over, as if that scrape had been missed. The later count holds all
  that the bad value could have said, and a restart in between shows as it does over any missed scrape. To refuse the
  reading for an old bad value would stop a policy for good, since what it looks back on grows while it has no counts.

Prometheus marks the end of a series by a NaN of its own, which no query returns, so a NaN that is read is a value that
a server exported. A series without any value is absent, and what was counted of it stays.
"""

from __future__ import annotations

LARGEST_COUNT = 2**53
"""Above it a float64 counter no longer grows by one."""


def is_count(value: float) -> bool:
    """Whether a counter of events can have this value."""
    return 0 <= value <= LARGEST_COUNT and not value % 1  # NaN fails the comparison
