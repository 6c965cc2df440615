"""Turns at something scarce, given to the namespaces that wait for it in rotation, whatever each of them asks for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar

COMMON = ""
"""The namespace of work that is done for all of them, such as listing and sweeping."""

served_namespace: ContextVar[str] = ContextVar("served_namespace", default=COMMON)
"""The namespace whose policy the present task reconciles. What a policy needs is asked for under this name, also where
the object lies elsewhere, such as a Gateway."""


@contextmanager
def for_all() -> Iterator[None]:
    """What is asked for here serves policies of every namespace, whoever of them happens to be the first to need it:
    it must not wait behind all that this one's namespace has asked for."""
    before = served_namespace.set(COMMON)
    try:
        yield
    finally:
        served_namespace.reset(before)


class FairTurns:
    """At most `at_once` turns are held at a time.

    Who asks waits behind those of the same namespace, unless it has lent its turn, and behind one of each other
    namespace: a thousand who wait together for one namespace hold up another one's by a single turn.
    """

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def of(self, namespace: str | None = None) -> AsyncIterator[None]:
        """Wait for a turn of a namespace, of `served_namespace` by default, and hold it."""
        await self._acquire(served_namespace.get() if namespace is None else namespace)
        try:
            yield
        finally:
            self._release()

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[None]:
        """For whoever holds a turn and waits for something else here: others have the turn meanwhile. The next one is
        waited for afterwards, before all of the namespace that have had none yet: what is half done ends first. Who is
        cancelled or fails waits for none."""
        self._release()
        has_one = False
        try:
            yield
            await self._acquire(served_namespace.get(), is_back=True)
            has_one = True
        finally:
            if not has_one:
                self._free -= 1  # the holder is about to give back what it has not got again

    @property
    def are_waited_for(self) -> bool:
        """Whether anybody waits for a turn."""
        return bool(self._waiting)

    async def _acquire(self, namespace: str, *, is_back: bool = False) -> None:
        """is_back: whether it has had a turn before, which it has lent."""
        if self._free > 0:  # then nobody waits
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        queue = self._waiting.setdefault(namespace, deque())
        if is_back:
            queue.appendleft(turn)
        else:
            queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._release()  # it was given just before the cancellation
            raise

    def _release(self) -> None:
        """Give the turn to the namespace that has waited longest since its last one."""
        while self._waiting and self._free >= 0:  # below, one more is held than there are, and this is that one
            namespace = next(iter(self._waiting))
            queue = self._waiting.pop(namespace)
            while queue and queue[0].done():  # it was cancelled
                queue.popleft()
            if not queue:
                continue
            turn = queue.popleft()
            if queue:
                self._waiting[namespace] = queue  # behind all others
            turn.set_result(None)
            return
        self._free += 1
