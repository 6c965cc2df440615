"""The server and the load as they are started from a shell, and how they stop."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from tests.processes.environment import started_module
from tests.turns import Turns
from tests.unit.demo.recorded import recordings
from tests.unit.demo.serving import chat, told

DEADLINE_SECONDS = 60
POLL_SECONDS = 0.01


@asynccontextmanager
async def started(module: str, *arguments: str) -> AsyncIterator[Process]:
    """`python -m earlystop.demo.MODULE`, ended with the block whatever happens."""
    async with started_module(f"earlystop.demo.{module}", *arguments) as process:
        yield process


async def url_of(server: Process) -> str:
    """The URL that the server says it listens on."""
    assert server.stderr is not None
    line = (await asyncio.wait_for(server.stderr.readline(), DEADLINE_SECONDS)).decode()
    found = re.search(r"http://\S+", line)
    assert found, line
    return found.group()


async def poll(seen: Callable[[], Awaitable[bool]]) -> None:
    """Looks again and again until it is seen, or the deadline is over."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        turns = Turns()
        while not await seen() and turns.another():  # noqa: ASYNC110 - what another process does sets no event here
            await asyncio.sleep(POLL_SECONDS)


async def until_metrics_hold(session: aiohttp.ClientSession, pattern: str) -> None:
    """Scrapes until the text matches."""

    async def seen() -> bool:
        async with session.get("/metrics") as response:
            return re.search(pattern, await response.text(), re.MULTILINE) is not None

    await poll(seen)


async def until_not_ready(session: aiohttp.ClientSession) -> None:
    """Asks until the server says that it is stopping."""

    async def seen() -> bool:
        async with session.get("/readyz") as response:
            return response.status == 503

    await poll(seen)


async def test_a_stopped_server_finishes_running_requests_and_lets_the_last_counts_be_scraped() -> None:
    options = ("--port", "0", "--milliseconds-per-word", "40", "--drain-seconds", "60")
    async with started("server", *options) as server, aiohttp.ClientSession(await url_of(server)) as session:
        body = chat(recordings()[1].question)
        running = asyncio.create_task(session.post("/v1/chat/completions", json=body, headers=told(window=1)))
        await until_metrics_hold(session, r'^earlystop_requests_started_total{.*variant="candidate"} 1\.0')

        server.send_signal(signal.SIGTERM)
        await until_not_ready(session)
        async with session.post("/v1/chat/completions", json=body, headers=told(window=1)) as late:
            assert late.status == 503
            assert late.headers["Connection"] == "close"
        assert (await running).status == 200

        await until_metrics_hold(session, r'^earlystop_requests_total{outcome="completed",.*variant="candidate"} 1\.0')
        await until_metrics_hold(session, r'^earlystop_requests_started_total{.*variant="candidate"} 1\.0')
        await until_metrics_hold(session, r'^earlystop_requests_total{outcome="failed",.*variant="candidate"} 0\.0')
        # It would answer for a minute; whoever cannot wait sends the signal again.
        server.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(server.wait(), DEADLINE_SECONDS) == -signal.SIGTERM


async def test_a_server_ends_well_when_the_drain_is_over_and_the_load_prints_its_summary_when_stopped() -> None:
    async with started("server", "--port", "0", "--drain-seconds", "0", "--names-variants") as server:
        url = await url_of(server)
        async with started("load", "--url", url, "--rate", "200") as load, aiohttp.ClientSession(url) as session:
            await until_metrics_hold(session, r'^earlystop_requests_total{outcome="completed".*} [1-9]\d')
            load.send_signal(signal.SIGTERM)
            printed, errors = await asyncio.wait_for(load.communicate(), DEADLINE_SECONDS)
            assert (load.returncode, errors) == (0, b"")
            summary = json.loads(printed)
            assert summary["sent"] == summary["ok"] >= 10
            assert summary["variants"] == {"unassigned": summary["ok"]}
        server.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(server.wait(), DEADLINE_SECONDS) == 0


@pytest.mark.parametrize(
    ("module", "arguments", "said"),
    [
        ("server", ("--data", "absent.jsonl"), "absent.jsonl"),
        ("server", ("--host", "192.0.2.1"), "cannot listen"),
        ("load", ("--url", "here"), "write it like"),
    ],
)
async def test_a_start_that_cannot_work_says_why(module: str, arguments: tuple[str, ...], said: str) -> None:
    async with started(module, *arguments) as process:
        _, errors = await asyncio.wait_for(process.communicate(), DEADLINE_SECONDS)
        assert process.returncode == 2
        assert said in errors.decode()
        assert "Traceback" not in errors.decode()
