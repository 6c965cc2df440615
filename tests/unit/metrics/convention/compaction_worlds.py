"""Random histories of hours in which servers start, end, and are out of their scrapers' reach for longer than a look
waits for them. From a seed; with what a Prometheus would answer in them."""

from __future__ import annotations

import random
from bisect import bisect_right
from dataclasses import dataclass, field

from earlystop.api.counts import Tally, Variant
from earlystop.metrics.convention.compaction import SILENT_SECONDS
from earlystop.metrics.convention.ledger import SeriesKey
from tests.unit.metrics.convention.worlds import Snapshot, largest

HORIZON = 5 * SILENT_SECONDS
SCRAPE_INTERVAL = 60
LONGEST_LAG = 150
"""A sample may become visible this long after its scrape; the window's margin is 180 s at this interval."""
SHORT_GAP = 2400
"""A process that is out of reach for no longer than this is never folded: lags and the wait for a look come on top."""
ODD_NAMES = ("", '""', "folded", "silent 0 5", "ended", "0", " ", "a\nended 0 AAAAAA", "%")


@dataclass
class ProcessLife:
    """One process: what it has counted at each scrape, and from when on each scrape can be read."""

    name: str
    start: float
    end: float
    gaps: list[tuple[float, float]]
    at: list[float] = field(default_factory=list)
    visible_from: list[float] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    truth: dict[SeriesKey, Tally] = field(default_factory=dict)

    def read(self, at: float, window: int, now: float) -> Snapshot:
        """The newest sample of the window that is visible at `now`; empty without one."""
        index = bisect_right(self.at, at) - 1
        while index >= 0 and self.visible_from[index] > now:
            index -= 1
        return self.snapshots[index] if index >= 0 and self.at[index] > at - window else {}

    def before_long_gaps(self) -> Snapshot:
        """What stood in scrapes before the first absence that may have it folded."""
        ends = [later for earlier, later in zip(self.at, self.at[1:], strict=False) if later - earlier > SHORT_GAP]
        return largest(seen for at, seen in zip(self.at, self.snapshots, strict=True) if not ends or at < ends[0])


class LongWorld:
    """Two servers that restart over five hours, out of reach now and then.

    returning: whether some stay out of reach for longer than it takes to be folded, and then come back.
    """

    def __init__(self, seed: int, returning: bool) -> None:
        self.rng = random.Random(seed)
        self.now = 0.0
        self.lives: list[ProcessLife] = []
        names = self.rng.sample(ODD_NAMES, 3)
        for server in range(2):
            time = 0.0
            while time < HORIZON:
                name = names.pop() if names and self.rng.random() < 0.1 else f"s{server}-{len(self.lives)}"
                length = self.rng.choice([self.rng.expovariate(1 / 600), self.rng.uniform(2000, HORIZON)])
                self.lives.append(self._life(name, time, min(HORIZON, time + length), returning))
                time += length + self.rng.uniform(0, 300)

    def read(self, at: float, window: int) -> dict[SeriesKey, Tally]:
        """What a Prometheus answers at `now` for the moment `at`."""
        return largest(life.read(at, window, self.now) for life in self.lives)

    def truth(self) -> dict[SeriesKey, Tally]:
        """Everything that happened."""
        return largest(life.truth for life in self.lives)

    def scrapeable(self) -> dict[SeriesKey, Tally]:
        """Everything that stood in a scrape."""
        return largest(snapshot for life in self.lives for snapshot in life.snapshots)

    def never_doubtful(self) -> dict[SeriesKey, Tally]:
        """What must be counted in any case: all that was scraped before a process was out of reach for long."""
        return largest(life.before_long_gaps() for life in self.lives)

    def _life(self, name: str, start: float, end: float, returning: bool) -> ProcessLife:
        rng = self.rng
        longest = 3 * SILENT_SECONDS if returning else SHORT_GAP - 2 * SCRAPE_INTERVAL
        gaps = [(begin, begin + rng.uniform(300, longest)) for begin in _moments(rng, start, end, 1 / 5000)]
        life = ProcessLife(
            name, start, end, [gap for i, gap in enumerate(gaps) if not i or gap[0] > gaps[i - 1][1] + 600]
        )
        counters = {SeriesKey(0, variant, "a", name): Tally() for variant in Variant}
        time = start + rng.uniform(0, SCRAPE_INTERVAL)
        while time < end:
            for _ in range(rng.randint(0, 3)):
                key = SeriesKey(0, rng.choice(list(Variant)), rng.choice("ab"), name)
                counters[key] = counters.get(key, Tally()) + Tally(started=1, completed=1, tokens=rng.randint(1, 99))
            if not any(begin <= time < until for begin, until in life.gaps) and rng.random() > 0.02:
                life.at.append(time)
                life.visible_from.append(time + rng.uniform(0, LONGEST_LAG if rng.random() < 0.05 else 2))
                life.snapshots.append(dict(counters))
            time += SCRAPE_INTERVAL
        life.truth = counters
        return life


def _moments(rng: random.Random, start: float, end: float, rate: float) -> list[float]:
    moments, time = [], start + rng.expovariate(rate)
    while time < end:
        moments.append(time)
        time += rng.expovariate(rate)
    return moments
