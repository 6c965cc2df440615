"""One queue of due times for all policies: many are reconciled at a time, each by one reconciliation at a time, and the
namespaces in rotation."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from earlystop.controller.fairness.rate import Rate
from earlystop.controller.fairness.turns import served_namespace
from earlystop.controller.resources import Key

# Reconciliations that wait for the same source share its queries, so a whole fleet that is behind may run at once.
AT_ONCE = 2000
LONGEST_SLEEP = 5.0
# A policy, or an object that policies are decided on, may be edited without end by whoever may edit it.
WAKES_AT_ONCE = 20
SECONDS_BETWEEN_WAKES = 1.0

log = logging.getLogger(__name__)


class Scheduler:
    """Calls `reconcile(key)` when a key is due; the call returns the next due time in Unix seconds, or None for none.

    A key that is woken during its reconciliation is reconciled again right after it. One that is woken without end is
    reconciled 20 times at once, and then once a second. Of the keys that are due, each namespace has one started in
    turn, and none holds more reconciliations than are left for the others: those of a namespace may all be slow.
    """

    def __init__(
        self,
        reconcile: Callable[[Key], Awaitable[float | None]],
        clock: Callable[[], float],
        at_once: int = AT_ONCE,
        note_beat: Callable[[float], None] = lambda _: None,
    ) -> None:
        """at_once: calls under way at a time. note_beat: is told of each round of the loop, in Unix seconds."""
        self._at_once, self._note_beat = at_once, note_beat
        self._reconcile = reconcile
        self._clock = clock
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, Key]] = []
        self._ready: dict[str, deque[Key]] = {}
        self._running: dict[Key, asyncio.Task[None]] = {}
        self._running_of: Counter[str] = Counter()
        self._forgotten: set[Key] = set()
        self._wakes = Rate(WAKES_AT_ONCE, SECONDS_BETWEEN_WAKES)
        self._woken = asyncio.Event()
        self._sleeps_until = 0.0
        self.beat_at = clock()

    def wake(self, key: Key) -> None:
        """Reconcile a key at once, or as soon as its rate of being woken allows."""
        now = self._clock()
        allowed_at = self._wakes.earliest(key, now)
        at = allowed_at if allowed_at > now else 0.0
        if at < self._due.get(key, float("inf")):
            self._wakes.note(key, allowed_at)
        self.wake_at(key, at)

    def wake_at(self, key: Key, at: float) -> None:
        """Reconcile a key at a Unix time; an earlier time that is already set stays."""
        self._forgotten.discard(key)
        if at < self._due.get(key, float("inf")):
            self._due[key] = at
            heapq.heappush(self._heap, (at, key))
            if at < self._sleeps_until or self._clock() >= self._sleeps_until:
                self._woken.set()

    def forget(self, key: Key) -> None:
        """Reconcile a key no more, unless it is woken again; a reconciliation under way is finished."""
        self._due.pop(key, None)
        if key in self._running:
            self._forgotten.add(key)

    async def run(self) -> None:
        """Start what is due, and sleep until the next is, until cancelled."""
        while True:
            now = self._clock()
            self.beat_at = now
            self._note_beat(now)
            self._make_ready(now)
            self._start_ready(now)
            self._woken.clear()
            now = self._clock()
            wait = min(LONGEST_SLEEP, max(0.0, self._heap[0][0] - now)) if self._heap else LONGEST_SLEEP
            self._sleeps_until = now + wait
            # Not wait_for, which in Python 3.11 swallows a cancellation that comes together with the event.
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._woken.wait()

    def _make_ready(self, now: float) -> None:
        """Put every key whose time has come into the queue of its namespace."""
        while self._heap and self._heap[0][0] <= now:
            at, key = heapq.heappop(self._heap)
            if self._due.get(key) != at:
                continue  # the key was forgotten, or its due time has changed since
            if key in self._running:
                continue  # the key was woken during its reconciliation, whose end starts the next one
            self._ready.setdefault(key[0], deque()).append(key)

    def _start_ready(self, now: float) -> None:
        """Start one key of each namespace in turn, as long as there is room."""
        waiting = deque(self._ready)
        while waiting and (free := self._at_once - len(self._running)) > 0:
            namespace = waiting.popleft()
            queue = self._ready.pop(namespace)
            if self._running_of[namespace] >= free:
                self._ready[namespace] = queue  # it is tried again when a reconciliation has ended
                continue
            key = queue.popleft()
            if queue:
                self._ready[namespace] = queue
                waiting.append(namespace)
            # A key may be in the queue twice, may have been forgotten since, and then woken for a later time.
            if key not in self._running and self._due.get(key, float("inf")) <= now:
                del self._due[key]
                self._start(key)

    def _start(self, key: Key) -> None:
        self._running[key] = asyncio.create_task(self._run_reconcile(key), name=f"reconcile {'/'.join(key)}")
        self._running_of[key[0]] += 1

    async def _run_reconcile(self, key: Key) -> None:
        served_namespace.set(key[0])
        try:
            due = await self._reconcile(key)
        finally:
            del self._running[key]
            self._running_of[key[0]] -= 1
            if not self._running_of[key[0]]:
                del self._running_of[key[0]]
            if self._ready:  # there was no room for these
                self._woken.set()
        if key in self._forgotten:
            self._forgotten.discard(key)
            return
        again = self._due.pop(key, None)
        if again is not None:
            self.wake_at(key, min(again, due) if due is not None else again)
        elif due is not None:
            self.wake_at(key, due)
