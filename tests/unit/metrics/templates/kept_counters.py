"""Random worlds in which the application itself shows counters otherwise than one for each process: set to zero by a
call, pushed by a job, of one worker after the other, read back from a disk. With their truth, as in
`scraped_worlds`."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace

from tests.unit.metrics.templates.scraped_worlds import BEGIN_MS, END_MS, INTERVAL_MS, Life
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


def pushed_each_minute(world: StoredWorld, number: int) -> None:
    """Jobs as of `pushed_at_the_end`, which push so seldom that a scrape shows events from before its step."""
    world.settled_ms = 60_000
    pushed_at_the_end(world, number, every=60_000)


def pushed_at_the_end(world: StoredWorld, number: int, every: int = 10_000) -> None:
    """Jobs that push their counter every ten seconds and once more at their end; what was pushed last is scraped, by a
    gateway that is up all the time."""
    rng = world.rng
    labels = {"job": "llm/qa", "instance": f"gateway-{number}:9091", "namespace": "llm", "pod": "gateway"}
    lives = world._lives(number, False, rng.choice([60_000, 300_000]), begin=0)
    one = world._shown(lives, ((),), tells_start=False)
    at = BEGIN_MS - 200_000
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


def read_back_from_disk(world: StoredWorld, number: int) -> None:
    """A server that saves its counter now and then, and begins with what it saved last: in its Pod, or in a new one
    that has the disk of the one before, under a start time of its own. Some lose their disk, and begin at 0."""
    rng, labels = world.rng, target(number)
    lives = world._lives(number, rng.random() < 0.3, rng.choice([60_000, 300_000]), begin=rng.choice([0, None]))
    one, every = world._shown(lives, ((),), tells_start=True), rng.choice([20_000, 120_000, 600_000])
    moments, saved, begun = one.events[()], 0, dict[Life, int]()
    for life in one.lives:
        begun[life] = saved = 0 if rng.random() < 0.2 else saved
        last = life.end_ms - life.end_ms % every
        if last >= life.start_ms:
            saved += bisect_right(moments, last) - bisect_right(moments, life.start_ms)
    for at, value in world.scrapes(one, labels, by_pod=True):
        scraped = one.life_at(at)
        assert scraped is not None
        world.late.add(one.variant, {**labels, "pod": scraped.pod}, at, begun[scraped] + value, (at, ALWAYS))


KEPT: dict[str, Callable[[StoredWorld, int], None]] = {
    "set to zero": set_to_zero,
    "pushed at the end": pushed_at_the_end,
    "pushed each minute": pushed_each_minute,
    "by a worker in turn": by_a_worker_in_turn,
    "read back from disk": read_back_from_disk,
}
