"""One queue of due times: each key is attended to once at a time, and none is lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from earlystop.controller.scheduler import AT_ONCE, SECONDS_BETWEEN_WAKES, WAKES_AT_ONCE, Scheduler
from tests.turns import Turns

Key = tuple[str, str]
ONE = ("llm", "one")


class Reconciliations:
    """Counts calls and how many of one key are under way; holds each until `gate` is open."""

    def __init__(self) -> None:
        self.done: Counter[Key] = Counter()
        self.order: list[Key] = []
        self.under_way: Counter[Key] = Counter()
        self.most_at_once = self.most_of_one_key = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.answer: Callable[[Key], float | None] = lambda key: None
        self._changed = asyncio.Event()

    async def __call__(self, key: Key) -> float | None:
        self.under_way[key] += 1
        self.order.append(key)
        self.most_of_one_key = max(self.most_of_one_key, self.under_way[key])
        self.most_at_once = max(self.most_at_once, self.under_way.total())
        self._changed.set()
        await self.gate.wait()
        await asyncio.sleep(0)
        self.under_way[key] -= 1
        self.done[key] += 1
        self._changed.set()
        return self.answer(key)

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            turns = Turns()
            while not true() and turns.another():
                self._changed.clear()
                await self._changed.wait()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def running(reconciliations: Reconciliations, clock: Clock) -> AsyncIterator[Scheduler]:
    scheduler = Scheduler(reconciliations, clock)
    task = asyncio.create_task(scheduler.run())
    try:
        yield scheduler
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def settle() -> None:
    """Let everything that is ready run."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_key_that_is_woken_is_reconciled_at_once_and_then_when_its_reconciliation_says() -> None:
    reconciliations, clock = Reconciliations(), Clock()
    reconciliations.answer = lambda key: 1500.0
    async with running(reconciliations, clock) as scheduler:
        scheduler.wake(ONE)
        await reconciliations.until(lambda: reconciliations.done[ONE] == 1)
        await settle()
        clock.now = 1499.0
        scheduler.wake(("llm", "other"))
        await reconciliations.until(lambda: reconciliations.done["llm", "other"] == 1)
        assert reconciliations.done[ONE] == 1
        clock.now = 1500.0
        scheduler.wake(("llm", "other"))
        await reconciliations.until(lambda: reconciliations.done[ONE] == 2)


async def test_two_reconciliations_of_one_key_never_overlap_and_a_wake_during_one_leads_to_another() -> None:
    reconciliations, clock = Reconciliations(), Clock()
    async with running(reconciliations, clock) as scheduler:
        reconciliations.gate.clear()
        scheduler.wake(ONE)
        await reconciliations.until(lambda: reconciliations.under_way[ONE] == 1)
        for _ in range(5):
            scheduler.wake(ONE)
            await settle()
        assert reconciliations.under_way[ONE] == 1
        reconciliations.gate.set()
        await reconciliations.until(lambda: reconciliations.done[ONE] == 2)
        await settle()
    assert reconciliations.done[ONE] == 2 and reconciliations.most_of_one_key == 1


async def test_an_earlier_moment_that_is_set_is_not_put_off_by_a_later_one() -> None:
    reconciliations, clock = Reconciliations(), Clock()
    async with running(reconciliations, clock) as scheduler:
        scheduler.wake_at(ONE, 1100.0)
        scheduler.wake_at(ONE, 1900.0)
        clock.now = 1100.0
        scheduler.wake(("llm", "other"))
        await reconciliations.until(lambda: reconciliations.done[ONE] == 1)
        clock.now = 1900.0
        scheduler.wake(("llm", "other"))
        await reconciliations.until(lambda: reconciliations.done["llm", "other"] == 2)
        await settle()
    assert reconciliations.done[ONE] == 1


async def test_a_forgotten_key_is_not_reconciled() -> None:
    reconciliations, clock = Reconciliations(), Clock()
    async with running(reconciliations, clock) as scheduler:
        scheduler.wake_at(ONE, 1001.0)
        scheduler.forget(ONE)
        clock.now = 2000.0
        scheduler.wake(("llm", "other"))
        await reconciliations.until(lambda: reconciliations.done["llm", "other"] == 1)
        await settle()
    assert reconciliations.done[ONE] == 0


@pytest.mark.parametrize("woken_again", [False, True])
async def test_a_key_that_is_forgotten_during_its_reconciliation_is_not_reconciled_again_unless_it_is_woken(
    woken_again: bool,
) -> None:
    reconciliations, clock = Reconciliations(), Clock()
    reconciliations.answer = lambda key: 1000.0
    async with running(reconciliations, clock) as scheduler:
        reconciliations.gate.clear()
        scheduler.wake(ONE)
        await reconciliations.until(lambda: reconciliations.under_way[ONE] == 1)
        scheduler.forget(ONE)
        if woken_again:
            scheduler.wake(ONE)
            reconciliations.answer = lambda key: None
        reconciliations.gate.set()
        await reconciliations.until(lambda: reconciliations.done[ONE] == 1 + woken_again)
        await settle()
    assert reconciliations.done[ONE] == 1 + woken_again


@pytest.mark.slow
async def test_keys_of_one_namespace_are_all_reconciled_at_half_of_the_limit_at_once() -> None:
    reconciliations, clock = Reconciliations(), Clock()
    keys = [("llm", f"policy-{number}") for number in range(AT_ONCE)]
    left = Counter(dict.fromkeys(keys, 3))

    def three_times(key: Key) -> float | None:
        left[key] -= 1
        return 1000.0 if left[key] else None

    reconciliations.answer = three_times
    async with running(reconciliations, clock) as scheduler:
        for key in keys:
            scheduler.wake(key)
        await reconciliations.until(lambda: reconciliations.done.total() == 3 * AT_ONCE)
        await settle()
    assert set(reconciliations.done.values()) == {3}
    assert reconciliations.most_of_one_key == 1
    assert reconciliations.most_at_once == AT_ONCE // 2


async def test_keys_are_reconciled_in_the_order_in_which_they_are_due() -> None:
    reconciliations, clock = Reconciliations(), Clock()
    async with running(reconciliations, clock) as scheduler:
        for due in (1007.0, 1003.0, 1009.0, 1001.0):
            scheduler.wake_at(("llm", str(due)), due)
        clock.now = 1010.0
        scheduler.wake_at(("llm", "now"), 1010.0)
        await reconciliations.until(lambda: reconciliations.done.total() == 5)
    assert [name for _, name in reconciliations.order] == ["1001.0", "1003.0", "1007.0", "1009.0", "now"]


async def test_a_namespace_whose_reconciliations_never_end_holds_up_no_other_one() -> None:
    reconciliations, clock = Reconciliations(), Clock()
    async with running(reconciliations, clock) as scheduler:
        reconciliations.gate.clear()
        for number in range(3 * AT_ONCE):
            scheduler.wake(("hostile", f"policy-{number}"))
        await reconciliations.until(lambda: reconciliations.under_way.total() == AT_ONCE // 2)
        for namespace in ("hostile-too", "healthy"):
            for number in range(10):
                scheduler.wake((namespace, f"policy-{number}"))
            await reconciliations.until(lambda: reconciliations.under_way[namespace, "policy-9"] == 1)  # noqa: B023
        reconciliations.gate.set()


async def test_the_namespaces_whose_policies_are_due_have_one_started_each_in_turn() -> None:
    reconciliations, clock = Reconciliations(), Clock()
    async with running(reconciliations, clock) as scheduler:
        for number in range(100):
            scheduler.wake_at(("hostile", f"policy-{number}"), 1001.0)
        for number in range(2):
            scheduler.wake_at(("healthy", f"policy-{number}"), 1002.0)
        clock.now = 1003.0
        scheduler.wake(("healthy", "other"))
        await reconciliations.until(lambda: reconciliations.done.total() == 103)
    assert max(place for place, (namespace, _) in enumerate(reconciliations.order) if namespace == "healthy") <= 6


async def test_a_key_that_is_woken_without_end_is_reconciled_once_a_second_after_the_first_times() -> None:
    reconciliations, clock = Reconciliations(), Clock()
    async with running(reconciliations, clock) as scheduler:
        for _ in range(300):
            clock.now += 0.1
            scheduler.wake(ONE)
            scheduler.wake_at(("llm", "other"), clock.now)  # lest the scheduler sleeps by the real clock
            await settle()
    edited_for = 30
    assert reconciliations.done[ONE] in range(WAKES_AT_ONCE + edited_for - 2, WAKES_AT_ONCE + edited_for + 2)


async def test_a_flood_of_wakes_neither_puts_off_what_is_due_nor_loses_the_last_of_them() -> None:
    reconciliations, clock = Reconciliations(), Clock()
    async with running(reconciliations, clock) as scheduler:
        for _ in range(100):
            scheduler.wake(ONE)
            await settle()
        done = reconciliations.done[ONE]
        clock.now += SECONDS_BETWEEN_WAKES
        scheduler.wake(("llm", "other"))
        await reconciliations.until(lambda: reconciliations.done[ONE] == done + 1)
        scheduler.wake_at(ONE, clock.now)  # a look, say
        await reconciliations.until(lambda: reconciliations.done[ONE] == done + 2)


async def test_the_beat_goes_on_while_nothing_is_due() -> None:
    clock = Clock()
    async with running(Reconciliations(), clock) as scheduler:
        await settle()
        clock.now = 1234.0
        scheduler.wake_at(ONE, 9999.0)
        await settle()
        assert scheduler.beat_at == 1234.0


async def test_keys_that_are_due_after_the_next_round_cause_none() -> None:
    clock, beats = Clock(), list[float]()
    scheduler = Scheduler(Reconciliations(), clock, note_beat=beats.append)
    task = asyncio.create_task(scheduler.run())
    await settle()
    for number in range(50):
        scheduler.wake_at(("llm", f"p{number}"), clock.now + 100 + number)
        await settle()
    assert len(beats) == 1
    scheduler.wake_at(ONE, clock.now + 1)
    await settle()
    assert len(beats) == 2
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_scheduler_that_is_never_idle_still_ends_when_it_is_cancelled() -> None:
    reconciliations = Reconciliations()
    reconciliations.answer = lambda key: 0.0
    scheduler = Scheduler(reconciliations, Clock())
    task = asyncio.create_task(scheduler.run())
    scheduler.wake(ONE)
    await reconciliations.until(lambda: reconciliations.done[ONE] > 10)
    task.cancel()
    async with asyncio.timeout(10):
        await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
