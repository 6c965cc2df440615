"""Random histories of engines that are not ours: started before the run, restarting at 0, seen by two scrapers."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from earlystop.api.counts import Variant
from earlystop.metrics.templates.reset_ledger import Observed, Sample, SeriesId

BEGIN_MS, END_MS = 1_000_000, 4_000_000
INTERVAL_MS = 15_000
DELAY_MS = 30_000
"""Samples are final after this: nothing is read that is younger."""


@dataclass
class Life:
    """One process. events: moments of its counts, sorted; reported_start_ms: by the target's clock."""

    start_ms: int
    end_ms: int
    reported_start_ms: int
    events: list[int]


@dataclass
class Target:
    """One counter of one Pod over its restarts. lazy: the series is absent until its first event."""

    name: str
    variant: Variant
    field: str
    lazy: bool
    lives: list[Life]

    def life_at(self, at: int) -> Life | None:
        return next((life for life in self.lives if life.start_ms <= at < life.end_ms), None)

    def events_within(self, after: int, until: int) -> int:
        return sum(bisect_right(life.events, until) - bisect_right(life.events, after) for life in self.lives)


@dataclass
class Scrapes:
    """What one scraper has of one target."""

    samples: list[Sample] = field(default_factory=list)


class ForeignWorld:
    """Targets, and what two scrapers saw of them. with_starts: whether start times are exported."""

    def __init__(self, seed: int, with_starts: bool = True) -> None:
        self.rng = random.Random(seed)
        self.with_starts = with_starts
        self.targets = [self._target(number) for number in range(4)]
        self.replicas = ["a", "b"] if self.rng.random() < 0.7 else [""]
        self.scrapes = {(target.name, replica): Scrapes() for target in self.targets for replica in self.replicas}
        for replica in self.replicas:
            self._scrape(replica)

    def read(self, after: int, until: int) -> dict[SeriesId, Observed]:
        """All samples in (after, until]."""
        answer = {}
        for target in self.targets:
            for replica in self.replicas:
                stored = self.scrapes[target.name, replica]
                samples = [sample for sample in stored.samples if after < sample.at_ms <= until]
                if samples:
                    answer[SeriesId(target.variant, target.field, target.name, replica)] = Observed(samples)
        return answer

    def unseen(self, target: Target, after: int, until: int) -> int:
        """Events in (after, until] that the best single scraper had in no sample up to `until`."""
        return min(self._unseen_by(target, replica, after, until) for replica in self.replicas)

    def _unseen_by(self, target: Target, replica: str, after: int, until: int) -> int:
        times = [sample.at_ms for sample in self.scrapes[target.name, replica].samples]
        missed = 0
        for life in target.lives:
            last = bisect_right(times, min(until, life.end_ms - 1)) - 1
            seen_to = times[last] if last >= 0 and times[last] >= life.start_ms else life.start_ms - 1
            missed += bisect_right(life.events, min(until, life.end_ms)) - bisect_right(
                life.events, max(after, seen_to)
            )
        return missed

    def _target(self, number: int) -> Target:
        rng = self.rng
        skew = rng.randint(-1_500, 1_500)
        rate = rng.choice([0.00002, 0.0005, 0.004])  # events a millisecond
        moment = rng.choice([0, 0, BEGIN_MS - 20_000, BEGIN_MS + 200_000])
        lives = []
        while moment < END_MS:
            life_ms = rng.choice([rng.expovariate(1 / 40_000), rng.expovariate(1 / 900_000), 9e9])
            end = int(min(END_MS, moment + life_ms + 1))
            lives.append(Life(moment, end, max(0, moment + skew), list(_poisson(rng, moment, end, rate))))
            moment = end + rng.randint(1_000, 20_000)
        variant = rng.choice(list(Variant))
        return Target(f"pod-{number}", variant, rng.choice(["completed", "tokens"]), rng.random() < 0.5, lives)

    def _scrape(self, replica: str) -> None:
        rng, moment, outage = self.rng, BEGIN_MS - 400_000 + self.rng.randint(0, INTERVAL_MS), 0
        while moment < END_MS:
            if rng.random() < 0.01:
                outage = rng.randint(1, 40)
            if outage:
                outage -= 1
            else:
                for target in self.targets:
                    self._scrape_one(target, replica, moment)
            moment += INTERVAL_MS + rng.randint(-50, 50)

    def _scrape_one(self, target: Target, replica: str, at: int) -> None:
        life = target.life_at(at)
        if life is None or self.rng.random() < 0.02:
            return
        stored = self.scrapes[target.name, replica]
        value = bisect_left(life.events, at + 1)
        if value or not target.lazy:
            jitter = self.rng.randint(-300, 300)
            start = max(0, life.reported_start_ms + jitter) if self.with_starts else None
            stored.samples.append(Sample(at, value, start))


def _poisson(rng: random.Random, start: int, end: int, rate: float) -> Iterator[int]:
    moment = start + rng.expovariate(rate)
    while moment < end:
        yield int(moment)
        moment += rng.expovariate(rate)
