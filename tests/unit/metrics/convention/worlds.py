"""Random histories of servers, scrapers and their mishaps, from a seed; and what a Prometheus would answer in them."""

from __future__ import annotations

import random
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from earlystop.api.counts import Tally, Variant
from earlystop.api.wire import PAIR_OUTCOMES, SELECTED
from earlystop.metrics.convention.ledger import SeriesKey
from earlystop.metrics.convention.query import AT_ZERO, KEPT_AT_ZERO, NEWEST_SAMPLE, READING
from earlystop.metrics.source.answer import Sample

POLICY, REVISION = "llm/qa", "r1"
HORIZON = 600.0
STEP_SECONDS = 300.0
SCRAPE_INTERVAL = 15.0
LONGEST_LAG = 80.0
"""A sample may become visible this long after its scrape; the window's margin is 90 s at this interval."""

Snapshot = dict[SeriesKey, Tally]


@dataclass
class Process:
    """One start of one server: its requests in order of their time."""

    name: str
    start: float
    end: float
    events: list[tuple[float, SeriesKey, Tally]]

    def snapshots(self, times: list[float]) -> list[Snapshot]:
        """The counters at each of these rising times."""
        counters = {SeriesKey(0, variant, "short", self.name): Tally() for variant in Variant}
        seen, position = [], 0
        for time in times:
            while position < len(self.events) and self.events[position][0] <= time:
                _, key, tally = self.events[position]
                counters[key] = counters.get(key, Tally()) + tally
                position += 1
            seen.append(dict(counters))
        return seen


@dataclass
class Scraped:
    """One replica's samples of one process, by time of scrape."""

    at: list[float] = field(default_factory=list)
    visible_from: list[float] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)


class ScrapedServers:
    """Two servers that restart, two scrapers with gaps, samples that arrive late. `now` is the reader's clock.

    candidates: labels that requests come with; several are judged by pairs too, as in the mode Shadow.
    """

    def __init__(self, seed: int, candidates: Sequence[str] = (Variant.CANDIDATE.value,)) -> None:
        self.rng = random.Random(seed)
        self.candidates = candidates
        self.now = 0.0
        self.queries = 0
        self.processes = [process for server in range(2) for process in self._lives(server)]
        self.scraped = [stored for _ in range(2) for stored in self._scrape_all()]

    def truth(self) -> Snapshot:
        """Everything that happened."""
        return largest(process.snapshots([HORIZON])[0] for process in self.processes)

    def scrapeable(self) -> Snapshot:
        """Everything that stood in at least one successful scrape."""
        return largest(snapshot for stored in self.scraped for snapshot in stored.snapshots)

    def instant_vector(self, query: str, at: float) -> list[Sample]:
        """As Prometheus answers `max by (…)(last_over_time(…[W]))` at `now`, with the zeros left out that the query
        leaves out."""
        self.queries += 1
        (window,) = set(re.findall(r"\[(\d+)s\]", query))
        newest, rows = None, []
        for stored in self.scraped:
            index = bisect_right(stored.at, at) - 1
            while index >= 0 and stored.visible_from[index] > self.now:
                index -= 1
            if index >= 0 and stored.at[index] > at - int(window):
                rows.append(stored.snapshots[index])
                newest = max(newest or 0.0, stored.at[index])
        samples = as_filtered(samples_of(largest(rows)))
        if newest is not None:
            samples.append(Sample({"policy": POLICY, "revision": REVISION, READING: NEWEST_SAMPLE}, newest))
        return samples

    def _lives(self, server: int) -> list[Process]:
        rng, time = self.rng, 0.0
        lives: list[Process] = []
        rate = rng.choice([0.05, 0.2, 0.6])
        while time < HORIZON:
            name = f"s{server}-{len(lives)}"
            end = min(HORIZON, time + rng.choice([rng.expovariate(1 / 40), rng.expovariate(1 / 300)]))
            lives.append(Process(name, time, end, self._requests(name, time, end, rate)))
            time = end + rng.uniform(0, 20)
        return lives

    def _requests(self, process: str, start: float, end: float, rate: float) -> list[tuple[float, SeriesKey, Tally]]:
        rng, events = self.rng, []
        time = start + rng.expovariate(rate)
        while time < end:
            variant = self._candidate() if rng.random() < 0.3 else Variant.BASELINE.value
            key = SeriesKey(int(time // STEP_SECONDS), variant, rng.choice(["short", "multi hop"]), process)
            events.append((time, key, Tally(started=1)))
            done, tokens = time + rng.expovariate(1 / 10), rng.randint(1, 500)
            if done < end:
                paired = len(self.candidates) > 1 and variant != Variant.BASELINE
                events.append((done, key, self._outcome(tokens) + (self._pair() if paired else Tally())))
            time += rng.expovariate(rate)
        return sorted(events, key=lambda event: event[0])

    def _candidate(self) -> str:
        return self.candidates[0] if len(self.candidates) == 1 else self.rng.choice(self.candidates)

    def _pair(self) -> Tally:
        return Tally(**{f"pairs_{self.rng.choice(PAIR_OUTCOMES)}": 1})

    def _outcome(self, tokens: int) -> Tally:
        draw = self.rng.random()
        if draw < 0.05:
            return Tally(failed=1)
        scored = Tally(match=1) if draw < 0.7 else Tally(mismatch=1) if draw < 0.9 else Tally(unscored=1)
        return scored + Tally(completed=1, tokens=tokens, tokens_squared=tokens * tokens)

    def _scrape_all(self) -> list[Scraped]:
        """One scraper over all processes; its outages hit all of them at once."""
        rng = self.rng
        ticks, time, outage = [], rng.uniform(0.1, SCRAPE_INTERVAL), 0
        while time < HORIZON:
            if rng.random() < 0.02:
                outage = rng.randint(1, 20)
            if outage:
                outage -= 1
            else:
                ticks.append(time)
            time += SCRAPE_INTERVAL + rng.uniform(-0.05, 0.05)
        return [self._scrape(process, ticks) for process in self.processes]

    def _scrape(self, process: Process, ticks: list[float]) -> Scraped:
        times = [tick for tick in ticks if process.start <= tick < process.end and self.rng.random() > 0.02]
        lags = [self.rng.uniform(0, LONGEST_LAG if self.rng.random() < 0.05 else 2) for _ in times]
        return Scraped(times, [time + lag for time, lag in zip(times, lags, strict=True)], process.snapshots(times))


def largest(snapshots: Iterable[Snapshot]) -> Snapshot:
    """For each series the largest counts of all snapshots."""
    result: Snapshot = {}
    for snapshot in snapshots:
        for key, tally in snapshot.items():
            known = result.get(key)
            result[key] = tally if known is None else Tally(*map(max, known.row(), tally.row()))
    return result


def samples_of(snapshot: Snapshot) -> list[Sample]:
    """One sample per series of the convention."""
    samples = []
    for key, tally in snapshot.items():
        labels = {"policy": POLICY, "revision": REVISION, "step": str(key.step), "variant": str(key.variant)}
        labels |= {"query_class": key.query_class, "process": key.process}
        for kind, value in zip(SELECTED, tally.row(), strict=True):
            marks = {name: text for name, text in kind._asdict().items() if name != "metric" and text}
            samples.append(Sample({"__name__": kind.metric, **labels, **marks}, float(value)))
    return samples


def as_filtered(rows: Sequence[Sample]) -> list[Sample]:
    """The rows that the query leaves, as it marks them; NaN is not equal to 0."""
    zeros = (each for each in rows if each.value == 0 and each.labels["__name__"] in KEPT_AT_ZERO)
    marked = [Sample({**each.labels, READING: AT_ZERO}, each.value) for each in zeros]
    return [each for each in rows if each.value != 0] + marked
