"""A clock of the turns that a process had: it stands still while the whole process is held up."""

from __future__ import annotations

import asyncio

STEP_SECONDS = 0.05


class TurnsClock:
    """Counts steps of STEP_SECONDS in which the event loop ran. A pause of the process or its node, in which nothing
    that came could be read, counts as one step however long it was. Make it in the event loop; `stop` ends it."""

    def __init__(self) -> None:
        self._steps = 0
        self._loop = asyncio.get_running_loop()
        self._next = self._loop.call_later(STEP_SECONDS, self._step)

    def seconds(self) -> float:
        """Seconds since it was made, by its steps."""
        return self._steps * STEP_SECONDS

    def stop(self) -> None:
        """Stops the clock: it counts no more steps."""
        self._next.cancel()

    def _step(self) -> None:
        self._steps += 1
        self._next = self._loop.call_later(STEP_SECONDS, self._step)
