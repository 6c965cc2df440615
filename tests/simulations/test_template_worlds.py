"""Counters of others, over restarts, gaps, two scrapers and a crashing reader: never above the truth."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from earlystop.api.counts import TALLY_FIELDS
from earlystop.metrics.templates.reset_ledger import (
    ResetLedger,
    drop_silent,
    is_blind,
    look,
    open_step,
    totals,
    uncertain,
)
from earlystop.metrics.templates.reset_ledger_text import pack, unpack
from tests.unit.metrics.templates.worlds import BEGIN_MS, DELAY_MS, END_MS, ForeignWorld, Target

WORLDS = 320
BATCHES = 8


@dataclass(frozen=True)
class Stored:
    """What the operator keeps: written as a whole, on condition that nobody else has written."""

    version: int
    ledger: str
    read_until: int


@dataclass
class CompressedLooks:
    """What is left at the end; for each step when it was opened and closed, and until when it was read."""

    ledger: ResetLedger
    steps: dict[int, tuple[int, int, int]]


def seen(world: ForeignWorld, stored: Stored, until: int, overlap: int) -> ResetLedger:
    ledger, rewritten = look(unpack(stored.ledger), world.read(stored.read_until - overlap, until))
    assert not rewritten
    assert look(ledger, world.read(stored.read_until - overlap, until)).ledger == ledger
    return ledger


def live(world: ForeignWorld, rng: random.Random, silence_ms: int) -> CompressedLooks:
    """Looks to the end, with crashes before and after the write, a stale second writer, steps and drops."""
    stored = Stored(0, pack(ResetLedger(0, BEGIN_MS)), BEGIN_MS - 100_000)
    slow, steps, opened = stored, {}, BEGIN_MS
    now = BEGIN_MS
    while now < END_MS + DELAY_MS:
        now = min(END_MS + DELAY_MS, now + rng.randint(20_000, 300_000))
        until, overlap = now - DELAY_MS, rng.choice([0, 0, 120_000, 900_000])
        ledger = seen(world, stored, until, overlap)
        fate = rng.random()
        if fate < 0.15 and now < END_MS + DELAY_MS:
            continue  # crashed before the write
        if fate > 0.85:
            stale = seen(world, slow, until, 0)
            assert slow.version < stored.version or pack(stale) == pack(seen(world, stored, until, 0))
            slow = stored
        if fate < 0.3 and now < END_MS:
            at = max(opened, rng.choice([until, now]))
            steps[ledger.step] = (opened, at, max(opened, until))
            ledger, opened = open_step(ledger, ledger.step + 1, at), at
        if fate > 0.5:
            ledger = drop_silent(ledger, until - silence_ms)
        stored = Stored(stored.version + 1, pack(ledger), until)
    steps[ledger.step] = (opened, END_MS, END_MS)
    return CompressedLooks(ledger, steps)


def of_place(world: ForeignWorld, variant: str, name: str) -> list[Target]:
    return [target for target in world.targets if (target.variant, target.field) == (variant, name)]


def check(world: ForeignWorld, history: CompressedLooks, seed: int) -> tuple[int, int]:
    """Asserts the promise for every step; returns what was counted and what could have been."""
    counted_all = seeable = 0
    for step, (opened, closed, read) in history.steps.items():
        counted, unsure = totals(history.ledger, step), uncertain(history.ledger, step)
        for variant in counted:
            for name in TALLY_FIELDS:
                mine = of_place(world, variant, name)
                true = sum(target.events_within(opened, closed) for target in mine)
                low, more = getattr(counted[variant], name), getattr(unsure[variant], name)
                assert low <= true, f"world {seed} step {step}: counted {low} of {true}"
                assert more >= 0
                if not is_blind(history.ledger):
                    lost = sum(
                        target.events_within(read, closed) + world.unseen(target, opened, read) for target in mine
                    )
                    assert true <= low + more + lost, f"world {seed} step {step}: {low} + {more} + {lost} < {true}"
                    seeable += true - lost
                counted_all += low
    return counted_all, seeable


@pytest.mark.parametrize("batch", range(BATCHES))
def test_foreign_counts_are_never_above_the_truth_and_miss_no_more_than_their_stated_remainder(batch: int) -> None:
    counted = seeable = 0
    for seed in range(batch, WORLDS, BATCHES):
        world = ForeignWorld(seed)
        silence_ms = 250_000 if seed % 3 == 0 else 7_200_000
        more, most = check(world, live(world, random.Random(seed + WORLDS), silence_ms), seed)
        counted, seeable = counted + more, seeable + most
    assert counted > 0.9 * seeable, "the lower bound is worth having"


@pytest.mark.parametrize("batch", range(BATCHES))
def test_without_start_times_the_ledger_says_it_is_blind_and_still_never_exceeds_the_truth(batch: int) -> None:
    for seed in range(batch, WORLDS // 4, BATCHES):
        world = ForeignWorld(seed, with_starts=False)
        history = live(world, random.Random(seed + WORLDS), 7_200_000)
        assert is_blind(history.ledger) or not history.ledger.series
        check(world, history, seed)


def test_the_worlds_hold_what_they_are_meant_to_hold() -> None:
    worlds = [ForeignWorld(seed) for seed in range(40)]
    targets = [target for world in worlds for target in world.targets]
    assert sum(len(target.lives) > 2 for target in targets) > 20, "restarts"
    assert any(target.lives[0].start_ms < BEGIN_MS - 900_000 for target in targets), "processes older than the run"
    assert any(target.lives[0].start_ms > BEGIN_MS for target in targets), "processes that begin within it"
    assert any(world.unseen(target, BEGIN_MS, END_MS) > 0 for world in worlds for target in world.targets), "tails"
