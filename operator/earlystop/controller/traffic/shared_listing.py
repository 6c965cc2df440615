"""One answer of the Kubernetes API for all who need it at about the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from math import inf
from typing import Generic, TypeVar

from earlystop.controller.fairness.rate import Rate
from earlystop.controller.fairness.turns import for_all

# What a watch says is unchanged is read again nevertheless, now and then.
LONGEST_SECONDS = 600.0

T = TypeVar("T")

# Whoever may edit a route may have what is kept forgotten without end.
READINGS_AT_ONCE = 10
SECONDS_BETWEEN_READINGS = 1.0


def never_quiet() -> float:
    """Nothing is watched, so nothing is known to be unchanged."""
    return inf


class SharedListing(Generic[T]):
    """What `read` returned last, for some seconds, and for as long as it is known to be unchanged.

    read: asks the API; what it raises, everyone who waits for it gets in turn. clock: seconds that only go forward.
    quiet_since: by that clock, since when nothing has changed of what is read; infinite where nobody knows.

    However often it is forgotten, it is read 10 times at once, and then once a second, for all who have asked since.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[T]],
        seconds: float,
        clock: Callable[[], float],
        quiet_since: Callable[[], float] = never_quiet,
    ) -> None:
        self._read, self._seconds, self._clock = read, seconds, clock
        self._quiet_since = quiet_since
        self._kept: tuple[T, float, int] | None = None
        self._epoch = 0
        self._rate = Rate(READINGS_AT_ONCE, SECONDS_BETWEEN_READINGS)
        self._turn = asyncio.Lock()

    async def get(self) -> T:
        """The answer, read now unless it is kept. Who asks while another one reads waits for that answer."""
        asked = self._epoch
        async with self._turn:
            now = self._clock()
            # What was forgotten since the reading began may be older than the event that it was forgotten for. It
            # serves those who had asked before that.
            if self._kept is not None and self._kept[2] >= asked and self._serves(self._kept[1], now):
                return self._kept[0]
            await asyncio.sleep(self._rate.earliest("", now) - now)
            now, epoch = self._clock(), self._epoch
            self._rate.note("", now)
            with for_all():
                answer = await self._read()
            self._kept = answer, now, epoch
            return answer

    def _serves(self, read_at: float, now: float) -> bool:
        age = now - read_at
        return age < self._seconds or (self._quiet_since() < read_at and age < LONGEST_SECONDS)

    def forget_older(self, seconds: float) -> None:
        """Keep the answer only if it was read within the last `seconds`."""
        if self._kept is not None and self._kept[1] < self._clock() - seconds:
            self._kept = None

    def forget(self) -> None:
        """Objects have changed: who asks from now on gets what is read from now on."""
        self._epoch += 1
