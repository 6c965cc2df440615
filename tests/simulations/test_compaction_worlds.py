"""Over hours in which processes end, are folded and come back, counts are exact or too small, and never too large."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from earlystop.api.counts import Tally, Variant, total
from earlystop.metrics.convention.compaction import SILENT_SECONDS, fold_silent, unfolded
from earlystop.metrics.convention.ledger import Ledger, SeriesKey, merge, pack, totals
from earlystop.metrics.convention.query import window_since
from tests.unit.metrics.convention.compaction_worlds import HORIZON, LONGEST_LAG, SCRAPE_INTERVAL, LongWorld
from tests.unit.metrics.convention.status_store import Status, Stored, unpacked

WORLDS = 160
"""Of each of two kinds."""
BATCHES = 8
PLACES = [(variant, query_class) for variant in Variant for query_class in "ab"]


def seen(ledger: Ledger, observed: Mapping[SeriesKey, Tally], at: int) -> Ledger:
    """As the operator does it."""
    known = unfolded(ledger, observed)
    return fold_silent(merge(ledger, known), known, at)


def look(world: LongWorld, stored: Stored, at: int) -> Ledger:
    window = window_since(stored.last_good_at, at, SCRAPE_INTERVAL)
    return seen(unpacked(stored), world.read(at, window), at)


def live(world: LongWorld, rng: random.Random) -> Ledger:
    """Looks until the horizon: crashes before and after the write, moments that cannot be read for up to two hours,
    moments that are read late, a second operator with an old state; then one last look."""
    status, slow_operator = Status(), Stored(0, "", 0)
    unreadable_until = 0.0
    while world.now < HORIZON:
        world.now += rng.uniform(60, 500)
        if rng.random() < 0.01:
            unreadable_until = world.now + rng.uniform(0, 2 * SILENT_SECONDS)
        if world.now < unreadable_until:
            continue
        based_on = status.stored
        at = max(int(world.now - rng.choice([0, 0, 0, rng.uniform(0, 50)])), based_on.last_good_at)
        ledger = look(world, based_on, at)
        fate = rng.random()
        if fate < 0.15:
            continue  # crashed before the write
        assert status.write(based_on, ledger, at)
        if fate < 0.3:
            again = look(world, status.stored, at)  # crashed after it, looks again, and less far back
            assert (again.rows, again.ended.sums) == (ledger.rows, ledger.ended.sums)
        elif fate < 0.45:
            if rng.random() < 0.5:
                assert not status.write(slow_operator, look(world, slow_operator, at), at)
            slow_operator = status.stored
    world.now = HORIZON + LONGEST_LAG
    return look(world, status.stored, int(world.now))


def sums(rows: Mapping[SeriesKey, Tally]) -> list[Tally]:
    return counts(Ledger(rows))


def counts(ledger: Ledger) -> list[Tally]:
    return [totals(ledger, 0, query_class)[variant] for variant, query_class in PLACES]


def at_most(some: list[Tally], more: list[Tally]) -> bool:
    return all(a <= b for x, y in zip(some, more, strict=True) for a, b in zip(x.row(), y.row(), strict=True))


@pytest.mark.parametrize("batch", range(BATCHES))
def test_where_nobody_comes_back_after_it_was_folded_the_counts_are_exactly_what_was_scraped(batch: int) -> None:
    folded = 0
    for seed in range(batch, WORLDS, BATCHES):
        world = LongWorld(seed, returning=False)
        counted = live(world, random.Random(seed + WORLDS))
        assert counts(counted) == sums(world.scrapeable()), f"world {seed}"
        assert at_most(counts(counted), sums(world.truth())), f"world {seed} counted more than happened"
        folded += sum(map(len, counted.ended.digests.values()))
    assert folded > 20, "these worlds fold"


@pytest.mark.parametrize("batch", range(BATCHES))
def test_whoever_comes_back_counts_what_it_had_counted_before_and_never_more_than_happened(batch: int) -> None:
    missed = 0
    for seed in range(batch, WORLDS, BATCHES):
        world = LongWorld(seed, returning=True)
        counted = counts(live(world, random.Random(seed + WORLDS)))
        scraped = sums(world.scrapeable())
        assert at_most(counted, scraped) and at_most(scraped, sums(world.truth())), f"world {seed} counted too much"
        assert at_most(sums(world.never_doubtful()), counted), f"world {seed} lost what it had seen"
        missed += counted != scraped
    assert missed > 0, "some of these worlds have processes that come back after they were folded"


def test_two_thousand_process_starts_within_one_step_are_counted_exactly_and_fit_into_a_status() -> None:
    """A start every 30 seconds, each living two minutes, over 17 hours; the status is read and written all the time."""
    rng = random.Random(7)
    starts, every, lives, spacing = 2_000, 30, 120, 180
    names = [f"{rng.getrandbits(32):08x}-4a1d" for _ in range(starts)]
    tally = Tally(200, 200, 0, 150, 50, 0, 60_000, 10**8)
    rows = [{SeriesKey(0, variant, "qa", name): tally for variant in Variant} for name in names]
    text, longest = "", 0
    for at in range(spacing, starts * every + lives + 2 * SILENT_SECONDS, spacing):
        window = window_since(at - spacing, at, SCRAPE_INTERVAL)
        first, last = (at - window - lives) // every + 1, at // every
        observed = {key: tally for one in rows[max(0, first) : last + 1] for key, tally in one.items()}
        text = pack(seen(unpacked(Stored(0, text, 0)), observed, at))
        longest = max(longest, len(text))
    counted = unpacked(Stored(0, text, 0))
    assert totals(counted, 0) == dict.fromkeys(Variant, total([tally] * starts))
    assert not counted.rows and len(counted.ended.digests[0]) == starts
    assert longest < 40 * 1024, longest
    assert len(text) < 6 * starts + 200
