"""Whether a sample is too old to show that its target lives, by how often targets are scraped. Pure."""

from __future__ import annotations

from typing import Protocol

STALE_INTERVALS = 3
STALE_EXTRA_SECONDS = 5


class Aged(Protocol):
    """A reading at Unix second `at`, and its newest sample, None when there is none."""

    @property
    def at(self) -> int:
        """The Unix second for which the reading was asked."""
        ...

    @property
    def newest_sample_at(self) -> float | None:
        """When the newest sample was scraped."""
        ...


def is_stale(reading: Aged, scrape_interval_seconds: float) -> bool:
    """Whether the newest sample is older than three scrape intervals and 5 s.

    Two failed scrapes in a row happen in healthy clusters; 5 s cover scrape duration and ingestion. Without any live
    target it is stale. Prometheus sees at most 5 minutes back here, so intervals above 98 s are judged by that.
    """
    if reading.newest_sample_at is None:
        return True
    return reading.at - reading.newest_sample_at > stale_after(scrape_interval_seconds)


def stale_after(scrape_interval_seconds: float) -> float:
    """Seconds after which a sample is too old to show that its target lives."""
    return STALE_INTERVALS * scrape_interval_seconds + STALE_EXTRA_SECONDS
