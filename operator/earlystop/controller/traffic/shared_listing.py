"""One answer of the Kubernetes API for all who need it at about the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedListing(Generic[T]):
    """What `read` returned last, for at most some seconds.

    read: asks the API; what it raises, everyone who waits for it gets in turn. clock: seconds that only go forward.
    """

    def __init__(self, read: Callable[[], Awaitable[T]], seconds: float, clock: Callable[[], float]) -> None:
        self._read, self._seconds, self._clock = read, seconds, clock
        self._kept: tuple[T, float] | None = None
        self._epoch = 0
        self._turn = asyncio.Lock()

    async def get(self) -> T:
        """The answer, read now unless it is kept. Who asks while another one reads waits for that answer."""
        async with self._turn:
            now = self._clock()
            if self._kept is not None and now - self._kept[1] < self._seconds:
                return self._kept[0]
            epoch = self._epoch
            answer = await self._read()
            # What was forgotten during the reading may be older than the event that it was forgotten for.
            self._kept = (answer, now) if epoch == self._epoch else None
            return answer

    def forget_older(self, seconds: float) -> None:
        """Keep the answer only if it was read within the last `seconds`."""
        if self._kept is not None and self._kept[1] < self._clock() - seconds:
            self._kept = None

    def forget(self) -> None:
        """Objects have changed: who asks from now on gets what is read from now on."""
        self._epoch += 1
        self._kept = None
