"""Turns for sending probes: a namespace whose servers are slow to answer holds up its own policies alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

# Of one namespace; each of them has at most `probe.AT_ONCE` connections.
POLICIES_AT_ONCE = 8


class ProbeTurns:
    """Who may send probes now."""

    def __init__(self) -> None:
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, namespace: str) -> AsyncIterator[None]:
        """Wait for a turn of this namespace, and hold it."""
        turn = self._turns.get(namespace)
        if turn is None:
            turn = self._turns[namespace] = asyncio.Semaphore(POLICIES_AT_ONCE)
        async with turn:
            yield
