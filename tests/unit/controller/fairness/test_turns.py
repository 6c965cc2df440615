"""Who asks for much waits behind itself: turns go to namespaces in rotation, and none is lost."""

from __future__ import annotations

import asyncio
import random

import pytest

from earlystop.controller.fairness.turns import COMMON, FairTurns, for_all, served_namespace

SEED = 7


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Queue:
    """Tasks that each take one turn, hold it until they are let go, and note the order in which they got it."""

    def __init__(self, at_once: int) -> None:
        self.turns = FairTurns(at_once)
        self.order: list[str] = []
        self.held = 0
        self.most = 0
        self._let_go = asyncio.Semaphore(0)

    def join(self, namespace: str) -> asyncio.Task[None]:
        return asyncio.create_task(self._take(namespace))

    async def _take(self, namespace: str) -> None:
        async with self.turns.of(namespace):
            self.order.append(namespace)
            self.held += 1
            self.most = max(self.most, self.held)
            try:
                await self._let_go.acquire()
            finally:
                self.held -= 1

    async def let_go(self, count: int) -> None:
        for _ in range(count):
            self._let_go.release()
            await settle()


@pytest.mark.parametrize("at_once", [1, 3, 16])
async def test_a_thousand_that_wait_for_one_namespace_hold_up_another_by_a_single_turn(at_once: int) -> None:
    queue = Queue(at_once)
    tasks = [queue.join("hostile") for _ in range(1000)]
    await settle()
    tasks.append(queue.join("healthy"))
    await settle()
    assert queue.order == ["hostile"] * at_once
    await queue.let_go(2)
    assert queue.order[at_once:] == ["hostile", "healthy"]
    await queue.let_go(999)
    await asyncio.gather(*tasks)
    assert queue.most == at_once


async def test_namespaces_that_wait_take_turns_and_within_one_the_first_comes_first() -> None:
    queue = Queue(1)
    tasks = [queue.join(namespace) for namespace in ("a", "a", "a", "a", "b", "b", "c")]
    await settle()
    await queue.let_go(7)
    await asyncio.gather(*tasks)
    assert queue.order == ["a", "a", "b", "c", "a", "b", "a"]


async def test_no_turn_is_lost_whoever_is_cancelled_and_when() -> None:
    chance = random.Random(SEED)
    queue = Queue(2)
    tasks = [queue.join(chance.choice("abc")) for _ in range(400)]
    for task in tasks:
        if chance.random() < 0.5:
            task.cancel()
        if chance.random() < 0.5:
            await queue.let_go(1)
    await queue.let_go(400)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert all(task.done() for task in tasks) and queue.most == 2
    queue._let_go = asyncio.Semaphore(0)
    again = [queue.join("d") for _ in range(3)]
    await settle()
    assert queue.held == 2
    await queue.let_go(3)
    await asyncio.gather(*again)


async def test_a_turn_that_is_given_to_one_who_is_cancelled_at_that_moment_goes_on_to_the_next() -> None:
    queue = Queue(1)
    first, second, third = (queue.join(namespace) for namespace in "abc")
    await settle()
    queue._let_go.release()
    await asyncio.sleep(0)  # the first has ended and handed its turn to the second, which has not run yet
    second.cancel()
    await settle()
    assert queue.order == ["a", "c"]
    await queue.let_go(1)
    await asyncio.gather(first, third)


async def test_what_serves_all_namespaces_waits_behind_none_of_them() -> None:
    queue = Queue(1)
    served_namespace.set("hostile")
    tasks = [queue.join("hostile") for _ in range(50)]
    await settle()

    async def list_for_all() -> None:
        with for_all():
            async with queue.turns.of():
                queue.order.append(f"listed for {served_namespace.get()!r}")
        assert served_namespace.get() == "hostile"

    listing = asyncio.create_task(list_for_all())
    await settle()
    await queue.let_go(2)
    assert queue.order == ["hostile", "hostile", f"listed for {COMMON!r}", "hostile"]
    await queue.let_go(48)
    await asyncio.gather(listing, *tasks)


async def test_a_turn_that_is_lent_is_anothers_meanwhile_and_is_waited_for_again() -> None:
    queue, answered = Queue(1), asyncio.Event()

    async def probe() -> None:
        async with queue.turns.of("slow"):
            async with queue.turns.lent():
                await answered.wait()
            queue.order.append("probed")

    probing = asyncio.create_task(probe())
    await settle()
    other = queue.join("quick")
    await settle()
    assert queue.order == ["quick"] and not queue.turns.are_waited_for
    answered.set()
    await settle()
    assert not probing.done() and queue.turns.are_waited_for
    await queue.let_go(1)
    await asyncio.gather(probing, other)
    assert queue.order == ["quick", "probed"]


async def cancelled_before_it_is_back(queue: Queue, others: int) -> list[asyncio.Task[None]]:
    """Somebody lends the only turn, wants it back while others wait for it, and is cancelled. Returns those others."""
    answered = asyncio.Event()

    async def probe() -> None:
        async with queue.turns.of("slow"), queue.turns.lent():
            await answered.wait()

    probing = asyncio.create_task(probe())
    await settle()
    joined = [queue.join("quick") for _ in range(others)]
    await settle()
    answered.set()
    await settle()
    probing.cancel()
    await asyncio.gather(probing, return_exceptions=True)
    await settle()
    return joined


async def test_whoever_is_cancelled_before_a_lent_turn_is_back_gives_back_no_second_one() -> None:
    queue = Queue(1)
    others = await cancelled_before_it_is_back(queue, 1)
    await queue.let_go(1)
    others += [queue.join("quick") for _ in range(5)]
    await settle()
    assert queue.held == 1, "one turn there was, and one there is"
    await queue.let_go(5)
    await asyncio.gather(*others)


async def test_whoever_is_cancelled_before_a_lent_turn_is_back_lets_no_more_hold_turns_than_there_are() -> None:
    queue = Queue(1)
    others = await cancelled_before_it_is_back(queue, 3)
    assert queue.held == 1, "the others wait for the turn that one of them has"
    await queue.let_go(3)
    await asyncio.gather(*others)
    assert queue.most == 1


@pytest.mark.parametrize("ends", ["is cancelled", "fails"])
async def test_whoever_ends_while_its_turn_is_lent_waits_for_none(ends: str) -> None:
    queue, answered = Queue(1), asyncio.Event()

    async def probe() -> None:
        async with queue.turns.of("slow"), queue.turns.lent():
            await answered.wait()
            raise RuntimeError

    probing = asyncio.create_task(probe())
    await settle()
    others = [queue.join("quick") for _ in range(3)]
    await settle()
    if ends == "fails":
        answered.set()
    else:
        probing.cancel()
    await settle()
    assert probing.done() and queue.held == 1
    await queue.let_go(3)
    await asyncio.gather(probing, *others, return_exceptions=True)
    assert queue.most == 1


async def test_whoever_has_lent_a_turn_comes_before_those_of_its_namespace_who_have_had_none() -> None:
    queue, answered = Queue(1), asyncio.Event()

    async def probe() -> None:
        served_namespace.set("slow")
        async with queue.turns.of():
            async with queue.turns.lent():
                await answered.wait()
            queue.order.append("probed")

    probing = asyncio.create_task(probe())
    await settle()
    others = [queue.join(namespace) for namespace in ("slow", "slow", "slow", "quick")]
    await settle()
    answered.set()
    await settle()
    await queue.let_go(4)
    await asyncio.gather(probing, *others)
    assert queue.order == ["slow", "probed", "quick", "slow", "slow"]


async def test_no_turn_is_lost_or_made_whoever_lends_is_cancelled_and_when() -> None:
    chance = random.Random(SEED)
    turns, held, most = FairTurns(3), 0, 0

    async def carry_out(namespace: str) -> None:
        nonlocal held, most
        async with turns.of(namespace):
            for _ in range(3):
                held += 1
                most = max(most, held)
                try:
                    await asyncio.sleep(0)
                finally:
                    held -= 1
                async with turns.lent():
                    await asyncio.sleep(0)

    tasks = [asyncio.create_task(carry_out(chance.choice("abc"))) for _ in range(300)]
    while not all(task.done() for task in tasks):
        await asyncio.sleep(0)
        if chance.random() < 0.3:
            chance.choice(tasks).cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert most == 3 and held == 0 and not turns.are_waited_for
    queue = Queue(3)
    queue.turns = turns
    again = [queue.join("d") for _ in range(4)]
    await settle()
    assert queue.held == 3
    await queue.let_go(4)
    await asyncio.gather(*again)
