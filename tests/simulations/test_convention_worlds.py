"""Whatever befalls servers, scrapers and the operator, the counts are those that were scraped, and never more."""

from __future__ import annotations

import random

import pytest

from earlystop.api.counts import Tally, Variant, total
from earlystop.metrics.convention.ledger import Ledger, merge, totals
from earlystop.metrics.convention.query import window_since
from earlystop.metrics.convention.reader import CountRequest, read_counts
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from tests.unit.metrics.convention.status_store import Status, Stored, unpacked
from tests.unit.metrics.convention.worlds import (
    HORIZON,
    LONGEST_LAG,
    POLICY,
    REVISION,
    SCRAPE_INTERVAL,
    ScrapedServers,
    largest,
)

WORLDS = 320
BATCHES = 8


def look(world: ScrapedServers, stored: Stored, at: int, asked: tuple[str, ...]) -> Ledger:
    request = CountRequest(POLICY, REVISION, window_since(stored.last_good_at, at, SCRAPE_INTERVAL), asked)
    reading = read_counts(world, [request], at)[POLICY]
    known = unpacked(stored)
    if isinstance(reading, MetricsFailure):
        assert reading.kind is FailureKind.NO_DATA
        return known
    return merge(known, reading.observed)


def live(world: ScrapedServers, rng: random.Random, asked: tuple[str, ...] = ("candidate",)) -> Ledger:
    """Looks until the horizon, with crashes, repeats, late looks and a second operator; then one last look.

    asked: labels of the candidates that the operator knows of.
    """
    status, slow_operator = Status(), Stored(0, "", 0)
    while world.now < HORIZON:
        world.now += rng.uniform(5, 150)
        at = int(world.now - rng.choice([0, 0, 0, rng.uniform(0, 100)]))  # now and then a look at an earlier time
        based_on = status.stored
        ledger = look(world, based_on, max(at, 0), asked)
        fate = rng.random()
        if fate < 0.15:
            continue  # crashed before the write
        assert status.write(based_on, ledger, max(at, 0))
        if fate < 0.3:
            assert look(world, status.stored, max(at, 0), asked) == ledger  # crashed after it, looks again
        elif fate < 0.45:
            stale = look(world, slow_operator, int(world.now), asked)
            assert not status.write(slow_operator, stale, int(world.now))
            slow_operator = status.stored
    world.now = HORIZON + LONGEST_LAG
    return look(world, status.stored, int(world.now), asked)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_whatever_happens_the_counts_are_exactly_what_was_scraped_and_never_more(batch: int) -> None:
    for seed in range(batch, WORLDS, BATCHES):
        world = ScrapedServers(seed)
        counted = live(world, random.Random(seed + WORLDS))
        assert dict(counted.rows) == world.scrapeable(), f"world {seed}"
        truth = Ledger(world.truth())
        assert dict(merge(truth, counted.rows).rows) == dict(truth.rows), f"world {seed} counted more than happened"
        for step in range(2):
            for variant in Variant:
                row, true = totals(counted, step)[variant].row(), totals(truth, step)[variant].row()
                assert all(a <= b for a, b in zip(row, true, strict=True)), f"world {seed}"


@pytest.mark.parametrize("batch", range(4))
def test_named_candidates_are_counted_exactly_and_labels_that_nobody_asked_for_never(batch: int) -> None:
    asked = ("w10", "w5", "candidate")
    for seed in range(batch, 80, 4):
        world = ScrapedServers(seed, (*asked, "forged", "Baseline"))
        counted = live(world, random.Random(seed + WORLDS), asked)
        known = {key: tally for key, tally in world.scrapeable().items() if key.variant in ("baseline", *asked)}
        assert dict(counted.rows) == known, f"world {seed}"
        assert {key.variant for key in counted.rows} <= {"baseline", *asked}, f"world {seed}"
        for step in range(2):
            sums = totals(counted, step, variants=("baseline", *asked, "absent"))
            assert list(sums) == ["baseline", *asked, "absent"] and sums["absent"] == Tally(), f"world {seed}"
            assert total(list(sums.values())) == total([t for key, t in known.items() if key.step == step] + [Tally()])


def test_the_worlds_hold_what_they_are_meant_to_hold() -> None:
    worlds = [ScrapedServers(seed) for seed in range(20)]
    assert sum(len(world.processes) > 2 for world in worlds) == 20, "restarts"
    assert any(world.scrapeable() != world.truth() for world in worlds), "ends that no scrape saw"
    half = [largest(s for stored in w.scraped[: len(w.processes)] for s in stored.snapshots) for w in worlds]
    assert any(mine != world.scrapeable() for mine, world in zip(half, worlds, strict=True)), "replicas differ"
    lags = [v - t for w in worlds for s in w.scraped for t, v in zip(s.at, s.visible_from, strict=True)]
    assert max(lags) > SCRAPE_INTERVAL, "samples that arrive after a later look"
