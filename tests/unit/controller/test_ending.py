"""An operator that is half dead ends: a watch that died, and an end that hangs, cost seconds and not the night."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from itertools import chain, repeat

import pytest

from earlystop.controller.ending import WatchDiedError, fail_without_served_watches, fail_without_watches

HANGS = """
import asyncio
from earlystop.controller.ending import end_by_force_later

async def never():
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass

async def operate():
    task = asyncio.create_task(never())
    await asyncio.sleep(0)
    end_by_force_later(0.2)
    task.cancel()
    await task

asyncio.run(operate())
"""


class EndedNothing(Exception):
    """The guard has asked as often as a test lets it, and has not ended the operator."""


CHECKS = 100


def one_a_check(answers: list[list[str]]) -> Callable[[], list[str]]:
    """One answer a question, the last one for all that follow. Raises EndedNothing after many of them."""
    left = chain(answers[:-1], repeat(answers[-1], CHECKS))

    def next_answer() -> list[str]:
        answer = next(left, None)
        if answer is None:
            raise EndedNothing
        return answer

    return next_answer


def flag_of(*, ready: bool) -> asyncio.Event:
    flag = asyncio.Event()
    if ready:
        flag.set()
    return flag


def guard(answers: list[list[str]], *, ready: bool = False) -> None:
    """Run the guard on one answer a check, the last one for all that follow."""
    missing = one_a_check(answers)
    asyncio.run(fail_without_watches(missing, flag_of(ready=ready), check_seconds=0.001, dead_seconds=0.005))


def test_a_watch_that_stays_dead_ends_the_operator_and_is_named() -> None:
    with pytest.raises(WatchDiedError, match="no watch of services, deployments"):
        guard([["services"], [], ["services"], ["services", "deployments"]])


def test_a_watch_that_died_before_the_first_check_ends_an_operator_that_was_ready() -> None:
    with pytest.raises(WatchDiedError, match="no watch of services"):
        guard([["services"]], ready=True)


def test_a_watch_that_is_started_anew_ends_nothing() -> None:
    with pytest.raises(EndedNothing):
        guard([[], ["services"], ["services"], [], ["services"], []])


def test_watches_that_did_not_start_yet_end_nothing() -> None:
    with pytest.raises(EndedNothing):
        guard([["services"]])


def guard_served(unwatched: list[list[str]], served: set[str]) -> None:
    """Run the guard of kinds that a cluster may lack, on one answer a question, the last one for all that follow."""

    async def is_served(kind: str) -> bool:
        return kind in served

    missing = one_a_check(unwatched)
    asyncio.run(fail_without_served_watches(missing, is_served, flag_of(ready=True), check_seconds=0.001))


def test_a_kind_that_is_served_again_and_that_nothing_watches_ends_the_operator() -> None:
    with pytest.raises(WatchDiedError, match="the API server serves HTTPRoute, which nothing has watched"):
        guard_served([["HTTPRoute", "Gateway"]], {"HTTPRoute"})


def test_a_kind_that_the_cluster_lacks_or_whose_watch_begins_a_moment_later_ends_nothing() -> None:
    nothing: list[str] = []
    route = ["HTTPRoute"]
    with pytest.raises(EndedNothing):
        guard_served([route], set())
    for unwatched in ([route, nothing], [route, route, nothing], [nothing]):
        with pytest.raises(EndedNothing):
            guard_served(unwatched, set(route))


def test_before_the_first_lists_have_come_nothing_is_missed() -> None:
    asked: list[int] = []

    def unwatched() -> list[str]:
        asked.append(1)
        return ["HTTPRoute"]

    async def is_served(_: str) -> bool:
        return True

    async def run() -> None:
        guarding = fail_without_served_watches(unwatched, is_served, asyncio.Event(), check_seconds=0.0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(guarding, 0.05)

    asyncio.run(run())
    assert not asked


def test_an_event_loop_that_ignores_its_cancellation_is_ended_by_force() -> None:
    ended = subprocess.run([sys.executable, "-c", HANGS], timeout=30, check=False, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "ended by force" in ended.stderr
