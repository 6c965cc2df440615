"""Turns for sending probes: a namespace whose servers are slow to answer holds up its own policies alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

# Of one namespace; each of them has at most some 40 connections.
POLICIES_AT_ONCE = 8
# A policy that waits takes no look and applies no request, so it goes on without probes after this time.
LONGEST_WAIT_SECONDS = 5.0


class ProbeTurns:
    """Who may send probes now."""

    def __init__(self) -> None:
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, namespace: str, seconds: float = LONGEST_WAIT_SECONDS) -> AsyncIterator[bool]:
        """Wait some seconds for a turn of this namespace and hold it. Yields whether there was one."""
        turn = self._turns.get(namespace)
        if turn is None:
            turn = self._turns[namespace] = asyncio.Semaphore(POLICIES_AT_ONCE)
        try:
            async with asyncio.timeout(seconds):
                await turn.acquire()
        except TimeoutError:
            yield False
            return
        try:
            yield True
        finally:
            turn.release()
