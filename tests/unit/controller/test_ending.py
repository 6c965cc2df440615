"""An operator that is half dead ends: a watch that died, and an end that hangs, cost seconds and not the night."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from earlystop.controller.ending import WatchDiedError, fail_without_watches

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


def guard(answers: list[list[str]], *, ready: bool = False) -> None:
    """Run the guard on one answer a check, the last one for ever."""

    def missing() -> list[str]:
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def run() -> None:
        flag = asyncio.Event()
        if ready:
            flag.set()
        await asyncio.wait_for(fail_without_watches(missing, flag, check_seconds=0.001, dead_seconds=0.005), 0.5)

    asyncio.run(run())


def test_a_watch_that_stays_dead_ends_the_operator_and_is_named() -> None:
    with pytest.raises(WatchDiedError, match="no watch of services, deployments"):
        guard([["services"], [], ["services"], ["services", "deployments"]])


def test_a_watch_that_died_before_the_first_check_ends_an_operator_that_was_ready() -> None:
    with pytest.raises(WatchDiedError, match="no watch of services"):
        guard([["services"]], ready=True)


def test_a_watch_that_is_started_anew_ends_nothing() -> None:
    with pytest.raises(TimeoutError):
        guard([[], ["services"], ["services"], [], ["services"], []])


def test_watches_that_did_not_start_yet_end_nothing() -> None:
    with pytest.raises(TimeoutError):
        guard([["services"]])


def test_an_event_loop_that_ignores_its_cancellation_is_ended_by_force() -> None:
    ended = subprocess.run([sys.executable, "-c", HANGS], timeout=30, check=False, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "ended by force" in ended.stderr
