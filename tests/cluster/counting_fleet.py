"""Real counting processes that are killed and restarted under the eyes of a real Prometheus."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from earlystop.api.counts import Tally, Variant
from tests.cluster.network import NODE_ADDRESS
from tests.cluster.processes import Child

FIRST_PORT = 9150
_ROOT = Path(__file__).resolve().parents[2]


class Fleet:
    """Some servers on fixed ports, whose processes live a few seconds each. Use from the main thread.

    `pump` must be called often: it kills and starts what is due.
    """

    def __init__(self, directory: Path, size: int, seed: int, rate: float = 40.0) -> None:
        self._directory = directory
        self._rng = random.Random(seed)
        self._rate = rate
        self._children: list[Child | None] = [None] * size
        self._due = [0.0] * size
        self._logs: list[Path] = []
        self.addresses = [f"{NODE_ADDRESS}:{FIRST_PORT + number}" for number in range(size)]

    def __enter__(self) -> Self:
        self.pump()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def lives(self) -> int:
        """Processes that were started so far."""
        return len(self._logs)

    def pump(self) -> None:
        """Kills the processes whose time has come, without warning or with it, and starts others in their place."""
        now = time.monotonic()
        for number, child in enumerate(self._children):
            if now < self._due[number]:
                continue
            if child is None:
                self._children[number] = self._start(number)
                self._due[number] = now + self._rng.choice([3.0, 6.0, 12.0]) * self._rng.uniform(0.7, 1.3)
            else:
                child.stop(patience_seconds=0.0 if self._rng.random() < 0.7 else 1.0)
                self._children[number] = None
                self._due[number] = now + self._rng.uniform(0.0, 2.5)

    def end(self) -> None:
        """Kills all; nothing starts again."""
        for number, child in enumerate(self._children):
            if child is not None:
                child.stop(patience_seconds=0.0)
            self._children[number] = None
            self._due[number] = float("inf")

    def truth(self, since: float = 0.0, until: float = float("inf")) -> dict[Variant, Tally]:
        """Everything that happened between two Unix times, from the logs of all processes that ever lived."""
        sums = {variant: Tally() for variant in Variant}
        for log in self._logs:
            for line in log.read_text().splitlines() if log.exists() else []:
                variant, tokens, result, at = line.split(" ")
                if not since <= float(at) <= until:
                    continue
                count = int(tokens)
                one = Tally(started=1, completed=1, tokens=count, tokens_squared=count * count)
                sums[Variant(variant)] += one + (Tally(match=1) if result == "match" else Tally(mismatch=1))
        return sums

    def _start(self, number: int) -> Child:
        log = self._directory / f"life-{len(self._logs)}.log"
        self._logs.append(log)
        host, _, port = self.addresses[number].partition(":")
        options = ("--rate", str(self._rate))
        words = (sys.executable, "-m", "tests.cluster.counting_server", host, port, log, str(len(self._logs)), *options)
        paths = f"{_ROOT / 'operator'}:{_ROOT}"
        return Child(f"counting-{number}", words, self._directory, environment={"PYTHONPATH": paths})
