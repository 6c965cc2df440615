"""Turns for carrying out splits, and for sending probes: a namespace whose servers are slow to answer holds up its own
policies alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from earlystop.controller.fairness.turns import FairTurns

# Whoever carries out a split holds what it read and what it writes, 40 KiB with a single route, and waits for the API
# server, which is asked AT_ONCE at a time: a fleet that begins together would hold MiB for nothing.
CARRIED_OUT_AT_ONCE = 16
# Of one namespace; each of them has at most some 40 connections.
POLICIES_AT_ONCE = 8
# A policy that waits takes no look and applies no request, so it goes on without probes after this time.
LONGEST_WAIT_SECONDS = 5.0


class TrafficTurns:
    """Who may carry out a split now, and who may send probes.

    carrying_out: for splits. They are lent while probes are sent, or waited for.
    """

    def __init__(self) -> None:
        self.carrying_out = FairTurns(CARRIED_OUT_AT_ONCE)
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def for_probes(self, namespace: str, seconds: float = LONGEST_WAIT_SECONDS) -> AsyncIterator[bool]:
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
