"""Random worlds of counters of others as scrapers, exporters, collectors and federations show them, with their truth.

A world is seen through labels alone, as a Prometheus would hold them: nothing in it says which rows are one counter.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from earlystop.api.counts import Variant
from earlystop.metrics.templates.range_vectors import RawSeries, observe
from earlystop.metrics.templates.reset_ledger import Observed, SeriesId

BEGIN_MS, END_MS = 1_000_000, 2_500_000
INTERVAL_MS = 15_000
DELAY_MS = 30_000
"""Samples are final after this: nothing is read that is younger."""
Labels = Mapping[str, str]


@dataclass(frozen=True)
class Life:
    """One process that shows counters: from when to when, the start that it reports, and its Pod."""

    start_ms: int
    end_ms: int
    reported_ms: int
    pod: str


@dataclass(frozen=True)
class Shown:
    """One process and its successors, and the counters that they show.

    events: moments of the events, by the labels that the process gives (as sorted pairs).
    outlives: whether the counters are of something behind an exporter, which has counted `before` events ever since.
    expires_ms: how long after its last event a series is still shown, None: for ever. lazy: only from its first event.
    tells_start: whether it exports its start.
    """

    variant: Variant
    lives: Sequence[Life]
    events: Mapping[tuple[tuple[str, str], ...], Sequence[int]]
    outlives: bool = False
    before: int = 0
    expires_ms: int | None = None
    lazy: bool = False
    tells_start: bool = True

    def life_at(self, at: int) -> Life | None:
        return next((life for life in self.lives if life.start_ms <= at < life.end_ms), None)

    def value(self, child: tuple[tuple[str, str], ...], at: int) -> int | None:
        """What a scrape of that moment reads; None for a series that is not shown."""
        life, events = self.life_at(at), self.events[child]
        if life is None:
            return None
        until = bisect_right(events, at)
        value = self.before + until if self.outlives else until - bisect_right(events, life.start_ms)
        if self.expires_ms is not None and (not until or events[until - 1] < at - self.expires_ms):
            return None
        return None if self.lazy and value == 0 else value

    def events_within(self, after: int, until: int) -> int:
        return sum(bisect_right(each, until) - bisect_right(each, after) for each in self.events.values())


@dataclass(frozen=True)
class Way:
    """How one process comes into the store. labels: of the target, {pod} stands for its Pod; lag_ms: how old values
    are; has_up: whether its `up` is stored too; relabelled: within these times, more labels than before.
    """

    labels: Labels
    lag_ms: int = 0
    has_up: bool = True
    relabelled: tuple[int, int] = (0, 0)
    more: Labels = field(default_factory=dict)
    renamed: tuple[int, int] = (0, 0)
    interval_ms: int = INTERVAL_MS
    misses: float = 0.03

    def labels_at(self, at: int, pod: str) -> dict[str, str]:
        more = self.more if self.relabelled[0] <= at < self.relabelled[1] else {}
        return {name: text.replace("{pod}", pod) for name, text in {**self.labels, **more}.items()}


class Store:
    """What a Prometheus has scraped."""

    def __init__(self) -> None:
        self.counters: defaultdict[Variant, dict[frozenset[tuple[str, str]], dict[int, int]]] = defaultdict(dict)
        self.starts: dict[frozenset[tuple[str, str]], dict[int, float]] = {}
        self.ups: dict[frozenset[tuple[str, str]], dict[int, int]] = {}

    def scrape(self, shown: Sequence[Shown], way: Way, rng: random.Random) -> None:
        """All scrapes of one target, behind whose name one of `shown` answers each time."""
        at, outage = BEGIN_MS - 200_000 + rng.randint(0, way.interval_ms), 0
        while at < END_MS:
            outage = rng.randint(1, 12) if rng.random() < way.misses / 5 else max(0, outage - 1)
            if not outage and rng.random() >= way.misses:
                self._scrape_one(rng.choice(shown), way, at)
            at += way.interval_ms + rng.randint(-50, 50)

    def _scrape_one(self, one: Shown, way: Way, at: int) -> None:
        then = at - way.lag_ms
        life = one.life_at(then)
        target = way.labels_at(at, life.pod if life is not None else "")
        if way.has_up and life is not None:
            self.ups.setdefault(frozenset(target.items()), {})[at] = 1
        if life is None:
            return
        if one.tells_start:
            self.starts.setdefault(frozenset(target.items()), {})[at] = life.reported_ms / 1000
        renamed = {"stage": "x"} if way.renamed[0] <= at < way.renamed[1] else {}
        for child in one.events:
            value = one.value(child, then)
            if value is not None:
                labels = {"__name__": "app_total", "variant": one.variant.value, **dict(child), **target, **renamed}
                self.counters[one.variant].setdefault(frozenset(labels.items()), {})[at] = value

    def read(self, after: int, until: int, replica_label: str | None) -> dict[SeriesId, Observed]:
        """What a look makes of the samples in (after, until]."""
        counters = {(variant, "completed"): list(_rows(rows, after, until)) for variant, rows in self.counters.items()}
        starts, ups = list(_rows(self.starts, after, until)), list(_rows(self.ups, after, until))
        return observe(counters, starts, ups, replica_label)


def _rows(
    stored: Mapping[frozenset[tuple[str, str]], Mapping[int, float]], after: int, until: int
) -> Iterator[RawSeries]:
    for labels, points in stored.items():
        inside = [(at, str(value)) for at, value in sorted(points.items()) if after < at <= until]
        if inside:
            yield RawSeries(dict(labels), inside)


class World:
    """Some processes, each read in one to four ways. replica_label: as a MetricSource would name it."""

    replica_label = "replica"

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.store = Store()
        self.shown: list[Shown] = []
        kinds = (self._server, self._exporter, self._collector, self._behind_one_name, self._without_a_pod)
        for number in range(self.rng.randint(1, 3)):
            self.rng.choice(kinds)(number)

    def events_within(self, variant: Variant, after: int, until: int) -> int:
        return sum(one.events_within(after, until) for one in self.shown if one.variant is variant)

    def _server(self, number: int) -> None:
        """A server that restarts in its Pod or in a new one, read by up to four jobs, Services and federations."""
        rng, renamed = self.rng, self.rng.random() < 0.3
        lives = self._lives(number, renamed, mean_ms=rng.choice([60_000, 400_000, 10**9]))
        children = rng.choice([((),), ((("route", "/a"),), (("route", "/b"),)), ((("reason", "stop"),), ())])
        one = self._shown(lives, children, lazy=rng.random() < 0.5, tells_start=rng.random() < 0.8)
        self._read(one, rng.sample(self._ways(number, federated=not renamed), rng.randint(0, 3)), number)

    def _exporter(self, number: int) -> None:
        """An exporter, in its old Pod or in a new one, before counters that outlive it. It was there before the run."""
        rng = self.rng
        lives = self._lives(number, self.rng.random() < 0.5, mean_ms=rng.choice([60_000, 300_000]), begin=0)
        one = self._shown(lives, ((),), outlives=True, before=rng.choice([0, 7, 1_000_000]))
        self._read(one, rng.sample(self._ways(number, federated=False), rng.randint(0, 2)), number)

    def _collector(self, number: int) -> None:
        """A collector that forgets series without events, and has them back with their old values."""
        rng = self.rng
        lives = self._lives(number, False, mean_ms=rng.choice([300_000, 10**9]), begin=0)
        children = ((("route", "/a"),), (("route", "/b"),))
        one = self._shown(lives, children, outlives=True, before=10_000, expires_ms=rng.choice([20_000, 60_000]))
        self._read(one, rng.sample(self._ways(number, federated=False), rng.randint(0, 1)), number)

    def _behind_one_name(self, number: int) -> None:
        """Two servers behind one address, of which each scrape meets either. They say when they began."""
        variant = self.rng.choice(list(Variant))
        pair = [self._shown(self._lives(number, False, mean_ms=500_000), ((),), variant=variant) for _ in range(2)]
        self.store.scrape(pair, Way({"job": "static", "instance": f"qa-{number}:8080"}), self.rng)

    def _without_a_pod(self, number: int) -> None:
        """A server that has but an address, which is another one for a while."""
        one = self._shown(self._lives(number, False, mean_ms=10**9), ((),))
        bare = {"job": "static", "instance": f"10.0.0.{number}:8080"}
        way = Way(bare, relabelled=self._times(), more={"instance": f"vm-{number}"})
        self.store.scrape([one], way, self.rng)

    def _shown(
        self,
        lives: Sequence[Life],
        children: Sequence[tuple[tuple[str, str], ...]],
        *,
        variant: Variant | None = None,
        outlives: bool = False,
        before: int = 0,
        expires_ms: int | None = None,
        lazy: bool = False,
        tells_start: bool = True,
    ) -> Shown:
        rng = self.rng
        events = {
            child: list(self._events(lives, outlives, rng.choice([0.00005, 0.0005, 0.002]))) for child in children
        }
        chosen = variant or rng.choice(list(Variant))
        self.shown.append(Shown(chosen, lives, events, outlives, before, expires_ms, lazy, tells_start))
        return self.shown[-1]

    def _read(self, one: Shown, others: Sequence[Way], number: int) -> None:
        """By the job that has all labels, and by others."""
        relabelled = self._times() if self.rng.random() < 0.3 else (0, 0)
        more = self.rng.choice([{"team": "x"}, {"service": "other"}, {"endpoint": "metrics"}])
        renamed = self._times() if self.rng.random() < 0.3 else (0, 0)
        first = Way(_target(number), relabelled=relabelled, more=more, renamed=renamed)
        for way in (first, *others):
            self.store.scrape([one], way, self.rng)

    def _ways(self, number: int, federated: bool) -> list[Way]:
        """Other ways to the same process. A federation lags, so it is of processes that began long before."""
        target, rng = _target(number), self.rng
        bare = {name: target[name] for name in ("job", "instance")}
        ways = [
            Way({**target, "job": "annotations", "app": "qa", "pod_template_hash": "{pod}"}),
            Way({**target, "service": "qa-es-candidate"}),
            Way({**bare, "job": "static"}, relabelled=self._times(), more={"env": "test"}),
            Way({**target, "instance": f"10.0.0.{number}:15020", "container": "proxy"}),
            Way({**target, "replica": "b"}),
        ]
        lag = rng.choice([0, 7_000, 40_000])
        copies = [
            Way({**target, "prometheus": "eu", "region": "eu"}, lag, has_up=False),
            Way({f"exported_{name}": text for name, text in target.items()} | {"job": "f", "instance": "p:9090"}, lag),
            Way(target, lag, has_up=False, interval_ms=30_000),
        ]
        return ways + copies if federated else ways

    def _times(self) -> tuple[int, int]:
        begin = self.rng.randint(BEGIN_MS, END_MS - 100_000)
        return begin, begin + self.rng.choice([20_000, 100_000, 10**7])

    def _lives(self, number: int, renamed: bool, mean_ms: float, begin: int | None = None) -> list[Life]:
        rng, skew = self.rng, self.rng.randint(-1_500, 1_500)
        lives: list[Life] = []
        moment = rng.choice([0, 0, 0, BEGIN_MS + 200_000]) if begin is None else begin
        while moment < END_MS:
            end = int(min(END_MS, moment + rng.expovariate(1 / mean_ms) + 1_000))
            end = max(end, BEGIN_MS - rng.randint(0, 100_000)) if not lives and moment == 0 else end
            lives.append(Life(moment, end, max(0, moment + skew), f"qa-{number}-{len(lives) if renamed else 0}"))
            moment = end + rng.randint(1_000, 20_000)
        return lives

    def _events(self, lives: Sequence[Life], outlives: bool, rate: float) -> Iterator[int]:
        spans = [(BEGIN_MS - 300_000, END_MS)] if outlives else [(life.start_ms, life.end_ms) for life in lives]
        for begin, end in spans:
            moment = max(begin, BEGIN_MS - 300_000) + self.rng.expovariate(rate)
            while moment < end:
                yield int(moment)
                moment += self.rng.expovariate(rate)


class PushedWorld(World):
    """Servers that several agents read and push into one store, which keeps chosen metrics and so no `up`: each agent
    by a label of its own, under the time of its scrape. Some are exporters that restart or collectors that forget."""

    def __init__(self, seed: int, label: str = "", tells_start: bool | None = None) -> None:
        """label: by which agents differ, one of those in use if it is not given. tells_start: whether servers export
        their start, None for some of them."""
        super().__init__(seed)
        self.rng, self.store, self.shown = random.Random(seed), Store(), []
        known = self.rng.choice(["receive_replica", "__replica__", "prom_ha_replica", "agent_hostname", "rule_replica"])
        for number in range(self.rng.randint(1, 3)):
            self._pushed(number, label or known, tells_start)

    def _pushed(self, number: int, label: str, tells_start: bool | None) -> None:
        rng, outlives = self.rng, self.rng.random() < 0.3
        lives = self._lives(number, False, mean_ms=rng.choice([300_000, 10**9]), begin=0 if outlives else None)
        children = rng.choice([((),), ((("reason", "stop"),), (("reason", "length"),))])
        expires_ms = rng.choice([None, 60_000]) if outlives else None
        one = self._shown(
            lives,
            children,
            outlives=outlives,
            before=10_000,
            expires_ms=expires_ms,
            tells_start=rng.random() < 0.7 if tells_start is None else tells_start,
        )
        for agent in range(rng.randint(2, 3)):
            way = Way({**_target(number), label: f"agent-{agent}"}, has_up=False)
            self.store.scrape([one], way, rng)


class PlainWorld(World):
    """Servers that run throughout, each read by one job, which misses no scrape."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.store = Store()
        self.shown = []
        for number in range(3):
            one = self._shown([Life(0, END_MS, 0, f"qa-{number}")], ((("route", "/a"),), (("route", "/b"),)))
            self.store.scrape([one], Way(_target(number), misses=0.0), self.rng)

    def seen_within(self, variant: Variant, after: int, until: int) -> int:
        """Events between the first and the last scrape of each series within these times."""
        found = 0
        for points in self.store.counters[variant].values():
            inside = [value for at, value in sorted(points.items()) if after <= at <= until]
            found += sum(later - earlier for earlier, later in pairwise(inside))
        return found


def _target(number: int) -> dict[str, str]:
    address = f"10.0.0.{number}:8080"
    return {"job": "llm/qa", "instance": address, "namespace": "llm", "pod": "{pod}", "container": "server"}
