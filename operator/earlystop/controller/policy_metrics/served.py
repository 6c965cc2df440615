"""The text of /metrics: made in a thread, one at a time, and at most once a second however often anybody asks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, generate_latest

LEAST_SECONDS = 1.0
"""So long a page is served again. No scrape comes sooner, and whoever asks in a loop costs the looks nothing."""


class MetricsPage:
    """The page of one registry. clock: seconds that never go back."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], float] = time.monotonic) -> None:
        self._registry = registry
        self._clock = clock
        self._lock = asyncio.Lock()
        self._page = b""
        self._made_at: float | None = None

    async def text(self) -> bytes:
        """The page, no older than LEAST_SECONDS. Thousands of policies take a third of a second of a core, in which
        the loop goes on."""
        async with self._lock:
            if self._made_at is None or self._clock() - self._made_at >= LEAST_SECONDS:
                self._page = await asyncio.to_thread(generate_latest, self._registry)
                self._made_at = self._clock()
            return self._page
