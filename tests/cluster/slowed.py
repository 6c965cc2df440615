"""A promise of time on a machine that has too few cores: it may take longer by what its processes waited for one.

The kernel keeps for each thread how long it was ready to run while another had the core (`schedstat` in /proc). Without
such waits a promise is asserted as it is written.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

LONGEST_FACTOR = 8.0
"""A promise that needs more is broken, whatever the machine."""
LOOK_SECONDS = 0.5
"""How often threads are looked at: of one that ends, what it waited since the last look is lost."""
_NANOSECONDS = 1e9
Waits = Mapping[tuple[int, int], int]
"""Nanoseconds that threads have waited for a core since they began, by process and thread."""


class CoreWaits:
    """Use as a context manager around all that is to be measured. processes: those on the way of a promise at the
    moment, with all their threads; those that they have started count only if they are named."""

    def __init__(self, processes: Callable[[], Iterable[int]]) -> None:
        self._processes = processes
        self._last: Waits | None = None
        self._moments: list[float] = []
        self._sums: list[float] = []
        self._one_at_a_time = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look_again_and_again, daemon=True)

    def __enter__(self) -> Self:
        self._look()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def waited(self, began: float, ended: float) -> float:
        """Seconds that all threads together waited for a core between two moments of the monotonic clock, rounded up to
        whole looks."""
        self._look()
        first = max(0, bisect_right(self._moments, began) - 1)
        last = min(len(self._moments) - 1, bisect_right(self._moments, ended))
        return self._sums[last] - self._sums[first]

    def factor(self, began: float, ended: float) -> float:
        """How many times longer a promise may take: one, and what was waited as a part of that time, at most
        LONGEST_FACTOR."""
        return stretched(self.waited(began, ended), ended - began)

    def assert_within(self, seconds: float, began: float, described: str, ended: float | None = None) -> None:
        """The promise was kept: from `began` to `ended`, which is now where none is given, no more than so many seconds
        have passed, times `factor`. Raises AssertionError with both figures."""
        until = time.monotonic() if ended is None else ended
        factor = self.factor(began, until)
        assert until - began <= seconds * factor, (
            f"it took {until - began:.1f} s until {described}, and may take {seconds:.1f} s x {factor:.2f}, since "
            f"{self.waited(began, until):.1f} s were waited for a core"
        )

    def _look_again_and_again(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            self._look()

    def _look(self) -> None:
        with self._one_at_a_time:
            now = waits_of(self._processes())
            more = 0.0 if self._last is None else added(self._last, now) / _NANOSECONDS
            self._last = {**(self._last or {}), **now}
            self._moments.append(time.monotonic())
            self._sums.append((self._sums[-1] if self._sums else 0.0) + more)


def stretched(waited: float, seconds: float) -> float:
    """The factor for so many seconds of waiting in a period of `seconds`."""
    return min(LONGEST_FACTOR, 1.0 + waited / seconds) if seconds > 0 else 1.0


def added(before: Waits, now: Waits) -> int:
    """Nanoseconds waited between two looks. A thread that is new, or has the number of one that has ended, began in
    between; one that is there no more adds nothing."""
    return sum(
        waited - before.get(thread, 0) if waited >= before.get(thread, 0) else waited for thread, waited in now.items()
    )


def waits_of(processes: Iterable[int]) -> dict[tuple[int, int], int]:
    """What the threads of these processes have waited. Empty where the kernel does not say so."""
    found: dict[tuple[int, int], int] = {}
    for process in set(processes):
        with suppress(OSError):  # it has ended
            for thread in Path(f"/proc/{process}/task").iterdir():
                with suppress(OSError):  # or this thread of it
                    found[process, int(thread.name)] = int((thread / "schedstat").read_text().split()[1])
    return found
