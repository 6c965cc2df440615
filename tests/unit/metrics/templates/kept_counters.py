"""Random worlds in which the application itself shows counters otherwise than one for each process: set to zero by a
call, pushed by a job, of one worker after the other. With their truth, as in `scraped_worlds`."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace

from tests.unit.metrics.templates.scraped_worlds import BEGIN_MS, END_MS, INTERVAL_MS
from tests.unit.metrics.templates.stored_worlds import ALWAYS, StoredWorld, target


def set_to_zero(world: StoredWorld, number: int) -> None:
    """A counter that a call sets to zero now and then, in a process that goes on."""
    rng, labels, one = world.rng, target(number), world.process(number)
    calls = sorted(rng.randint(BEGIN_MS, END_MS) for _ in range(rng.choice([1, 6])))
    for at, value in world.scrapes(one, labels):
        life = one.life_at(at)
        assert life is not None
        last = max((each for each in calls if life.start_ms < each <= at), default=life.start_ms)
        since = bisect_right(one.events[()], at) - bisect_right(one.events[()], last)
        world.late.add(one.variant, labels, at, min(value, since), (at, ALWAYS))


def pushed_at_the_end(world: StoredWorld, number: int) -> None:
    """Jobs that push their counter every ten seconds and once more at their end; what was pushed last is scraped, by a
    gateway that is up all the time."""
    rng = world.rng
    labels = {"job": "llm/qa", "instance": f"gateway-{number}:9091", "namespace": "llm", "pod": "gateway"}
    lives = world._lives(number, False, rng.choice([60_000, 300_000]), begin=0)
    one = world._shown(lives, ((),), tells_start=False)
    every, at = 10_000, BEGIN_MS - 200_000
    while at < END_MS:
        last = max((each for each in one.lives if each.start_ms + every <= at), key=lambda each: each.start_ms)
        pushed = min(last.end_ms - 1, at - (at - last.start_ms) % every)
        world.late.note(world.late.ups, labels, at, 1)
        world.late.add(one.variant, labels, at, one.value((), pushed) or 0, (at, ALWAYS))
        at += INTERVAL_MS


def by_a_worker_in_turn(world: StoredWorld, number: int) -> None:
    """Two workers of one process group, of which each scrape meets the one that is idle, without a start time: their
    counters differ by a few events."""
    rng, labels = world.rng, target(number)
    first = world.process(number, tells_start=False)
    second = world._shown(first.lives, ((),), variant=first.variant, tells_start=False)
    values = dict(world.scrapes(replace(second, lives=first.lives), labels, misses=0.0, begin=BEGIN_MS - 190_000))
    for at in values:
        value = rng.choice([first, second]).value((), at)
        if value is not None:
            world.late.add(first.variant, labels, at, value, (at, ALWAYS))


KEPT: dict[str, Callable[[StoredWorld, int], None]] = {
    "set to zero": set_to_zero,
    "pushed at the end": pushed_at_the_end,
    "by a worker in turn": by_a_worker_in_turn,
}
