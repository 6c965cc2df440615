"""One queue of due times for all policies: many are reconciled at a time, each by one reconciliation at a time."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from earlystop.controller.telemetry import LAST_BEAT

# Reconciliations that wait for the same source share its queries, so a whole fleet that is behind may run at once.
AT_ONCE = 1000
LONGEST_SLEEP = 5.0

log = logging.getLogger(__name__)


class Scheduler:
    """Calls `reconcile(key)` when a key is due; the call returns the next due time in Unix seconds, or None for none.

    A key that is woken during its reconciliation is reconciled again right after it.
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
        """Reconcile a key at a Unix time, at once by default; an earlier time that is already set stays."""
        self._forgotten.discard(key)
        if at < self._due.get(key, float("inf")):
            self._due[key] = at
            heapq.heappush(self._heap, (at, key))
            self._woken.set()

    def forget(self, key: tuple[str, str]) -> None:
        """Reconcile a key no more, unless it is woken again; a reconciliation under way is finished."""
        self._due.pop(key, None)
        if key in self._running:
            self._forgotten.add(key)

    async def run(self) -> None:
        """Start what is due, and sleep until the next is, until cancelled."""
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
                continue  # the key was forgotten, or its due time has changed since
            del self._due[key]
            if key in self._running:
                # The key was woken during its reconciliation, whose end starts the next one.
                self._due[key] = at
                continue
            task = asyncio.create_task(self._run_reconcile(key), name=f"reconcile {'/'.join(key)}")
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
