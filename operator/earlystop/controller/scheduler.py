"""One queue of due times for all policies: who is due is visited, several at a time, each by one visit at a time."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from earlystop.controller.telemetry import LAST_BEAT

# Visits that wait for the same source share its queries, so a whole fleet that is behind may be under way at once.
AT_ONCE = 1000
LONGEST_SLEEP = 5.0

log = logging.getLogger(__name__)


class Scheduler:
    """Calls `visit(key)` when a key is due; its answer is the next due time, None to forget the key.

    A key that is woken during its visit is visited again right after it.
    """

    def __init__(
        self, reconcile: Callable[[tuple[str, str]], Awaitable[float | None]], clock: Callable[[], float]
    ) -> None:
        self._reconcile = reconcile
        self._clock = clock
        self._due: dict[tuple[str, str], float] = {}
        self._heap: list[tuple[float, tuple[str, str]]] = []
        self._running: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._forgotten: set[tuple[str, str]] = set()
        self._woken = asyncio.Event()
        self.beat_at = clock()

    def wake(self, key: tuple[str, str], at: float = 0.0) -> None:
        """Visit a key at a moment, at once by default; an earlier moment that is already set stays."""
        self._forgotten.discard(key)
        if at < self._due.get(key, float("inf")):
            self._due[key] = at
            heapq.heappush(self._heap, (at, key))
            self._woken.set()

    def forget(self, key: tuple[str, str]) -> None:
        """Visit a key no more, unless it is woken again; a visit under way is finished."""
        self._due.pop(key, None)
        if key in self._running:
            self._forgotten.add(key)

    async def run(self) -> None:
        """Go round until cancelled."""
        while True:
            now = self._clock()
            self.beat_at = now
            LAST_BEAT.set(now)
            self._start_due(now)
            self._woken.clear()
            wait = min(LONGEST_SLEEP, max(0.0, self._heap[0][0] - self._clock())) if self._heap else LONGEST_SLEEP
            if len(self._running) >= AT_ONCE:
                wait = LONGEST_SLEEP
            # Not wait_for, which in Python 3.11 swallows a cancellation that comes together with the event.
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._woken.wait()

    def _start_due(self, now: float) -> None:
        while self._heap and self._heap[0][0] <= now and len(self._running) < AT_ONCE:
            at, key = heapq.heappop(self._heap)
            if self._due.get(key) != at:
                continue  # forgotten, or set to another moment since
            del self._due[key]
            if key in self._running:
                # Woken during its visit: the end of the visit starts the next.
                self._due[key] = at
                continue
            task = asyncio.create_task(self._run_reconcile(key), name=f"visit {'/'.join(key)}")
            self._running[key] = task

    async def _run_reconcile(self, key: tuple[str, str]) -> None:
        try:
            due = await self._reconcile(key)
        finally:
            del self._running[key]
            self._woken.set()
        if key in self._forgotten:
            self._forgotten.discard(key)
            return
        again = self._due.pop(key, None)
        if again is not None:
            self.wake(key, min(again, due) if due is not None else again)
        elif due is not None:
            self.wake(key, due)
