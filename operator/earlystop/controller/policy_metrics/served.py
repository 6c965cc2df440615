"""The text of /metrics: made in a thread, one at a time, and at most once a second however often anybody asks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from math import inf

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.registry import Collector

from earlystop.controller.policy_metrics.collector import OF_POLICIES
from earlystop.controller.policy_metrics.packed_text import PackedText
from earlystop.controller.policy_metrics.written import WrittenFamily

LEAST_SECONDS = 1.0
"""So long a page is served again, and then let go: that of 1,000 policies has 8 MiB, and half a MiB as it is packed. No
scrape comes sooner, and whoever asks in a loop costs the looks nothing."""


class _One(Collector):
    """A registry of one family."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterator[Metric]:
        """The family."""
        yield self._family


def page_of(registry: CollectorRegistry) -> PackedText:
    """The same as `generate_latest`, which would hold every sample and every line of all families at once: five times
    the memory of the page. Here each family is let go before the next one. Those of policies are written already."""
    page = PackedText()
    for family in registry.collect():
        page += generate_latest(_One(family))
        if isinstance(family, WrittenFamily):
            family.lines.move_to(page)
        del family  # before the next one is made
    return page


def named(registry: CollectorRegistry, names: Sequence[str]) -> bytes:
    """The operator's own samples of these names alone, as scrapers ask for them by `name[]`: nothing is worked out for
    any policy, which would hold up the loop. Names of what policies have, and others that it does not have, are left
    out."""
    return generate_latest(registry.restricted_registry(set(names) - OF_POLICIES))


class MetricsPage:
    """The page of one registry. clock: seconds that never go back."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], float] = time.monotonic) -> None:
        self._registry = registry
        self._clock = clock
        self._lock = asyncio.Lock()
        self._page: PackedText | None = None
        self._made_at = -inf

    async def text(self) -> PackedText:
        """The page, no older than LEAST_SECONDS. Thousands of policies take a third of a second of a core, in which
        the loop goes on."""
        async with self._lock:
            page = self._page
            if page is None or self._clock() - self._made_at >= LEAST_SECONDS:
                page = self._page = None  # it is in memory once
                page = self._page = await asyncio.to_thread(page_of, self._registry)
                self._made_at = self._clock()
                asyncio.get_running_loop().call_later(LEAST_SECONDS, self._let_go, page)
            return page

    def _let_go(self, page: PackedText) -> None:
        """Keep a page no longer; it may have been followed by another one."""
        if self._page is page:
            self._page = None
