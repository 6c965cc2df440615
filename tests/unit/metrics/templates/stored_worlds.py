"""Random worlds in which the store itself shows counters otherwise than a Prometheus that scrapes alone: late, doubled
and joined again, thinned, set back, rounded. With their truth, as in `scraped_worlds`."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace

from earlystop.api.counts import Variant
from earlystop.metrics.templates.range_vectors import RawSeries, observe
from earlystop.metrics.templates.reset_ledger import Observed, SeriesId
from tests.unit.metrics.templates.scraped_worlds import BEGIN_MS, DELAY_MS, END_MS, INTERVAL_MS, Life, Shown, World

Labels = frozenset[tuple[str, str]]
Points = dict[int, float]
LARGEST_EXACT = 2**53
"""Above it a float does not tell whole numbers from their neighbours."""
ALWAYS = 10**12
LONGEST_SCRAPE_MS = 9_000


class LateStore:
    """What a store has, as it is asked at a moment: a sample is there from when it has arrived until it is lost.

    seen: of each counter's sample, from when until when it is there, where that is not always.
    """

    def __init__(self) -> None:
        self.counters: defaultdict[Variant, dict[Labels, Points]] = defaultdict(dict)
        self.starts: dict[Labels, Points] = {}
        self.ups: dict[Labels, Points] = {}
        self.seen: dict[tuple[Labels, int], tuple[int, int]] = {}

    def add(self, variant: Variant, labels: Mapping[str, str], at: int, value: float, seen: tuple[int, int]) -> None:
        """A sample of a counter."""
        key = frozenset({"__name__": "app_total", "variant": variant.value, **labels}.items())
        self.counters[variant].setdefault(key, {})[at] = value
        self.seen[key, at] = seen

    def note(self, rows: dict[Labels, Points], labels: Mapping[str, str], at: int, value: float) -> None:
        """A sample of `up` or of a start time."""
        rows.setdefault(frozenset(labels.items()), {})[at] = value

    def read(self, after: int, until: int, replica_label: str | None) -> dict[SeriesId, Observed]:
        """What a look makes of the samples in (after, until] that are there when it asks, DELAY_MS later."""
        now = until + DELAY_MS

        def rows(stored: Mapping[Labels, Points]) -> list[RawSeries]:
            found = []
            for labels, points in stored.items():
                inside = [
                    (at, _text(value))
                    for at, value in sorted(points.items())
                    if after < at <= until and _is_there(self.seen.get((labels, at)), now)
                ]
                found += [RawSeries(dict(labels), inside)] if inside else []
            return found

        counters = {(variant, "completed"): rows(each) for variant, each in self.counters.items()}
        return observe(counters, rows(self.starts), rows(self.ups), replica_label)


def _is_there(seen: tuple[int, int] | None, now: int) -> bool:
    return seen is None or seen[0] <= now < seen[1]


def _text(value: float) -> str:
    """As Prometheus writes it: a float, whole numbers without a point."""
    number = float(value)
    return str(int(number)) if number.is_integer() else repr(number)


class StoredWorld(World):
    """A few processes, all stored in one way. way: its name in `WAYS`, or one of another table.

    settled_ms: how old a value may be when it is scraped, for which evidence waits by `rollout.settleSeconds`.
    """

    settled_ms = 0

    def __init__(self, seed: int, way: str | Callable[[StoredWorld, int], None]) -> None:
        super().__init__(seed)
        self.rng, self.shown, self.late = random.Random(seed), [], LateStore()
        self.store = self.late  # type: ignore[assignment]
        for number in range(self.rng.randint(1, 3)):
            (WAYS[way] if isinstance(way, str) else way)(self, number)

    def events_within(self, variant: Variant, after: int, until: int) -> int:
        """Events that a scrape of this time may have seen: one that took long saw later ones, too."""
        return super().events_within(variant, after - self.settled_ms, until + LONGEST_SCRAPE_MS)

    def process(self, number: int, *, before: int = 0, tells_start: bool | None = None) -> Shown:
        """A server that restarts now and then; with `before`, a counter that outlives its exporter."""
        lives = self._lives(number, False, self.rng.choice([200_000, 10**9]), begin=0 if before else None)
        tells = self.rng.random() < 0.7 if tells_start is None else tells_start
        return self._shown(lives, ((),), outlives=before > 0, before=before, tells_start=tells)

    def scrapes(
        self,
        one: Shown,
        labels: Mapping[str, str],
        *,
        misses: float = 0.03,
        begin: int | None = None,
        by_pod: bool = False,
    ) -> list[tuple[int, int]]:
        """Moments and values of scrapes, whose `up` and start times are stored. by_pod: under the name of the Pod."""
        at, found = BEGIN_MS - 200_000 + self.rng.randint(0, INTERVAL_MS) if begin is None else begin, []
        while at < END_MS:
            life, missed = one.life_at(at), self.rng.random() < misses
            if life is not None and by_pod:
                labels = {**labels, "pod": life.pod}
            if life is not None:
                self.late.note(self.late.ups, labels, at, 0 if missed else 1)
            value = one.value((), at)
            if life is not None and value is not None and not missed:
                found.append((at, value))
                if one.tells_start:
                    self.late.note(self.late.starts, labels, at, life.reported_ms / 1000)
            at += INTERVAL_MS + self.rng.randint(-50, 50)
        return found


def target(number: int) -> dict[str, str]:
    """Labels of a target with a Pod."""
    return {"job": "llm/qa", "instance": f"10.0.0.{number}:8080", "namespace": "llm", "pod": f"qa-{number}"}


def by_an_agent(world: StoredWorld, number: int) -> None:
    """An agent sends what it scrapes by remote write; now and then its queue is minutes behind, and samples overtake
    each other, since its shards send apart."""
    one, labels, rng = world.process(number), target(number), world.rng
    slow = sorted(rng.randint(BEGIN_MS, END_MS) for _ in range(3))
    for at, value in world.scrapes(one, labels):
        behind = any(begin <= at < begin + 200_000 for begin in slow)
        lag = rng.randint(0, 400_000) if behind and rng.random() < 0.6 else rng.randint(0, 5_000)
        world.late.add(one.variant, labels, at, value, (at + lag, ALWAYS))


def as_one_of_two(world: StoredWorld, number: int) -> None:
    """Two scrapers of one process, shown as one series: now the one's samples, now the other's. A scrape that takes
    long has its value from later than its time says, so after a change a counter may stand lower than before."""
    one, labels, rng = world.process(number), target(number), world.rng
    chosen, changes = 0, sorted(rng.randint(BEGIN_MS - 200_000, END_MS) for _ in range(rng.choice([4, 40])))
    both = sorted(
        (at, scraper)
        for scraper in (0, 1)
        for at, _ in world.scrapes(one, labels, begin=BEGIN_MS - rng.randint(1, 20_000))
    )
    for at, scraper in both:
        while changes and changes[0] <= at:
            changes.pop(0)
            chosen = 1 - chosen
        late = (
            one.value((), at + rng.choice([0, 4_000, LONGEST_SCRAPE_MS])) if rng.random() < 0.5 else one.value((), at)
        )
        if scraper == chosen and late is not None:
            world.late.add(one.variant, labels, at, late, (at, ALWAYS))


def thinned(world: StoredWorld, number: int) -> None:
    """A store that keeps the last sample of every 30 s."""
    one, labels = world.process(number), target(number)
    last = {at // 30_000: (at, value) for at, value in world.scrapes(one, labels)}
    for at, value in last.values():
        world.late.add(one.variant, labels, at, value, (at, ALWAYS))


def summed_from_deltas(world: StoredWorld, number: int) -> None:
    """A collector adds deltas up, anew after each start of its own and after minutes without an event; the start time
    is that of the process whose deltas they are."""
    rng, labels = world.rng, target(number)
    lives = world._lives(number, False, mean_ms=rng.choice([200_000, 500_000]), begin=0)
    one = world._shown(lives, ((),), expires_ms=rng.choice([60_000, 300_000]), tells_start=True)
    began, forgotten_at, gone = lives[0].reported_ms / 1000, 0, True
    for at, value in world.scrapes(replace(one, tells_start=False, expires_ms=None), labels):
        shown = one.value((), at)
        if shown is None:
            gone = True
            continue
        life = one.life_at(at)
        assert life is not None
        if gone:  # the sum begins with the event that brought the series back
            until = one.events[()]
            forgotten_at = max(life.start_ms, max((each for each in until if each < at - 1), default=0) - 1)
        gone = False
        since = sum(max(forgotten_at, life.start_ms) < each <= at for each in one.events[()])
        world.late.add(one.variant, labels, at, min(since, value), (at, ALWAYS))
        world.late.note(world.late.starts, labels, at, began)


def timing_out(world: StoredWorld, number: int) -> None:
    """Every second scrape takes too long."""
    one, labels = world.process(number), target(number)
    for at, value in world.scrapes(one, labels, misses=0.5):
        world.late.add(one.variant, labels, at, value, (at, ALWAYS))


def set_back(world: StoredWorld, number: int) -> None:
    """A store that is replaced by a snapshot of itself: what it had since then was there once and is no more."""
    one, labels, rng = world.process(number), target(number), world.rng
    replaced = rng.randint(BEGIN_MS + 300_000, END_MS - 100_000)
    taken = replaced - rng.choice([30_000, 120_000, 600_000])
    for at, value in world.scrapes(one, labels):
        away = replaced <= at < replaced + 40_000
        if not away:
            world.late.add(one.variant, labels, at, value, (at, replaced if taken < at < replaced else ALWAYS))


def with_zeros(world: StoredWorld, number: int) -> None:
    """A store that writes a zero for each counter at the moment when it was created, before its first sample."""
    one, labels, lives = world.process(number), target(number), set[Life]()
    last = 0
    for at, value in world.scrapes(one, labels):
        life = one.life_at(at)
        if life is not None and life not in lives and last < life.reported_ms < at:
            world.late.add(one.variant, labels, life.reported_ms, 0, (at, ALWAYS))
        lives |= {life} if life is not None else set()
        last = at
        world.late.add(one.variant, labels, at, value, (at, ALWAYS))


def beyond_whole_numbers(world: StoredWorld, number: int) -> None:
    """Counters so large that a float rounds them to an even number, or to a multiple of four."""
    before = world.rng.choice([LARGEST_EXACT - 100, LARGEST_EXACT + 1, 2 * LARGEST_EXACT + 3, 2**60 + 77])
    one, labels = world.process(number, before=before), target(number)
    for at, value in world.scrapes(one, labels):
        world.late.add(one.variant, labels, at, float(value), (at, ALWAYS))


WAYS: dict[str, Callable[[StoredWorld, int], None]] = {
    "by an agent": by_an_agent,
    "as one of two": as_one_of_two,
    "thinned": thinned,
    "summed from deltas": summed_from_deltas,
    "timing out": timing_out,
    "set back": set_back,
    "with zeros": with_zeros,
    "beyond whole numbers": beyond_whole_numbers,
}
