"""An injector's worker that is killed is started again: nobody is refused, and what it was serving alone fails."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from earlystop.injector.parent import PAUSES
from tests.processes import running_injectors
from tests.processes.environment import started, started_module
from tests.processes.running_injectors import DEADLINE_SECONDS, RunningInjector, injector
from tests.unit.injector.stub_engine import StubEngine, running
from tests.unit.injector.through import CHAT, HEADERS

CLIENTS, WAITING, KILLS = 12, 40, 3
IN_A_GROUP = """
import sys
from earlystop.injector.memory import Memory
from earlystop.injector.parent import Parent
sys.exit(Parent(sys.argv[2:], Memory(sys.argv[1])).run())
"""
RESTARTS = "earlystop_injector_restarts_total"


@asynccontextmanager
async def before_an_engine(*options: str) -> AsyncIterator[RunningInjector]:
    own = options or ("--parameter=cap=AnswerCap",)
    async with running(StubEngine()) as url, injector("--engine=VLLM", f"--upstream={url}", *own) as found:
        yield found


@dataclass
class Failed:
    """A request without an answer, when it began and ended. is_new: whether it had a connection of its own."""

    began: float
    ended: float
    is_new: bool
    error: aiohttp.ClientError

    def is_of(self, kill: float, served: float) -> bool:
        """Whether it was under way when a worker was killed. On a connection that stayed it may have begun before the
        client had heard that this is closed, and before the next worker served."""
        return self.began <= (kill if self.is_new else served) and kill <= self.ended


@dataclass
class Asked:
    """What clients met. answered: how many got a whole answer. failed: all others."""

    answered: int = 0
    failed: list[Failed] = field(default_factory=list)

    async def ask(self, session: aiohttp.ClientSession, *, is_new: bool = True) -> None:
        began = time.monotonic()
        try:
            async with session.post(CHAT, json={"messages": []}, headers=HEADERS) as answer:
                await answer.read()
                assert answer.status == 200
                self.answered += 1
        except aiohttp.ClientError as error:
            self.failed.append(Failed(began, time.monotonic(), is_new, error))

    async def client(self, url: str, until: asyncio.Event, *, keeps_connection: bool) -> None:
        connector = aiohttp.TCPConnector(force_close=not keeps_connection)
        async with aiohttp.ClientSession(url, connector=connector) as session:
            while not until.is_set():
                await self.ask(session, is_new=not keeps_connection)


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not holds():  # noqa: ASYNC110 - of other processes, or of clients of this very loop
            await asyncio.sleep(0.01)


async def test_requests_that_wait_when_a_worker_is_killed_are_answered_by_the_next_one() -> None:
    asked = Asked()
    async with before_an_engine() as served, aiohttp.ClientSession(served.url) as session:
        await asked.ask(session)
        first = served.worker()
        os.kill(first, signal.SIGSTOP)  # it accepts nothing any more, as one that is short of memory
        waiting = [asyncio.create_task(asked_anew(asked, served.url)) for _ in range(WAITING)]
        await asyncio.sleep(0.5)
        assert asked.answered == 1
        os.kill(first, signal.SIGKILL)
        await asyncio.wait_for(asyncio.gather(*waiting), DEADLINE_SECONDS)
        assert served.worker() != first
        assert (asked.answered, asked.failed) == (1 + WAITING, [])


async def asked_anew(asked: Asked, url: str) -> None:
    """One request on a connection of its own."""
    async with aiohttp.ClientSession(url) as session:
        await asked.ask(session)


async def test_workers_that_are_killed_under_load_refuse_nobody_and_fail_no_request_that_came_later() -> None:
    asked, done, over, pages = Asked(), asyncio.Event(), asyncio.Event(), list[str]()
    kills = list[tuple[float, float]]()
    async with before_an_engine() as served, asyncio.TaskGroup() as tasks:
        tasks.create_task(read_pages(served, pages, over))
        clients = [
            tasks.create_task(asked.client(served.url, done, keeps_connection=number % 2 == 0))
            for number in range(CLIENTS)
        ]
        for number in range(KILLS):
            wanted = asked.answered + 300
            await eventually(lambda wanted=wanted: asked.answered >= wanted)  # type: ignore[misc]
            # On a quick machine a worker has answered as many before anybody has read a page with its counts.
            await eventually(lambda number=number: bool(pages) and has_counts_of(pages[-1], number))  # type: ignore[misc]
            os.kill(served.worker(), signal.SIGKILL)
            kill = time.monotonic()
            await served.serving()
            kills.append((kill, time.monotonic()))
        wanted = asked.answered + 300
        await eventually(lambda: asked.answered >= wanted)
        await eventually(lambda: has_counts_of(pages[-1], KILLS))
        done.set()
        await asyncio.wait(clients)
        read = len(pages)
        await eventually(lambda: len(pages) > read + 1)
        over.set()
    assert not [each for each in asked.failed if isinstance(each.error, aiohttp.ClientConnectorError)]
    # A client has one request at a time, so each kill fails at most one of each.
    assert len(asked.failed) <= KILLS * CLIENTS
    assert not [each for each in asked.failed if not any(each.is_of(*times) for times in kills)]
    assert_counts_never_went_back(pages)
    assert f"{RESTARTS} {KILLS}.0" in pages[-1] and f"{RESTARTS} 0.0" in pages[0]


def has_counts_of(page: str, restarts: int) -> bool:
    """Whether a page is of the worker after so many restarts, and that one has counted a request."""
    return f"{RESTARTS} {restarts}.0" in page and 'process="' in page


async def read_pages(served: RunningInjector, pages: list[str], until: asyncio.Event) -> None:
    async with aiohttp.ClientSession() as session:
        while not until.is_set():
            try:
                await served.scrape(session)
            except aiohttp.ClientConnectorError:
                raise
            except aiohttp.ClientError:
                continue  # the worker that answered was killed
            pages.append(served.page)
            await asyncio.sleep(0.1)


def assert_counts_never_went_back(pages: list[str]) -> None:
    """Of each worker and of each series with its name, and of the count of restarts."""
    last, workers = dict[str, float](), set[str]()
    for page in pages:
        found = re.findall(rf"^({RESTARTS}|earlystop_\w+_total{{.*process=\"\w+\".*}}) (\S+)$", page, re.MULTILINE)
        for series, value in found:
            assert float(value) >= last.get(series, 0.0), series
            last[series] = float(value)
        workers.update(re.findall(r'process="(\w+)"', page))
    assert len(workers) == 1 + KILLS


async def test_a_worker_that_ends_at_once_again_and_again_ends_the_parent_with_an_error(tmp_path: Path) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text("{engine: VLLM, parameters: [{name: cap, knob: AnswerCap}]}")
    async with before_an_engine(f"--parameters={settings}") as served:
        settings.unlink()
        os.kill(served.worker(), signal.SIGKILL)
        _, said = await asyncio.wait_for(served.process.communicate(), DEADLINE_SECONDS)
        assert served.process.returncode == 1
        assert said.decode().count("requests wait until another one serves") == len(PAUSES) - 1
        assert "giving up" in said.decode()


async def test_a_worker_that_leaves_no_memory_is_ended_before_the_kernel_ends_its_parent_too(tmp_path: Path) -> None:
    use = tmp_path / "memory.current"
    for name, content in (("memory.max", 512 << 20), ("memory.oom.group", 1), (use.name, 0)):
        (tmp_path / name).write_text(str(content))
    options = ("--engine=VLLM", "--upstream=http://127.0.0.1:9", "--count-only", "--port=0", "--admin-port=0")
    worker = (sys.executable, "-m", "earlystop.injector", "--host=127.0.0.1", *options)
    async with started(sys.executable, "-c", IN_A_GROUP, str(tmp_path), *worker) as process:
        served = await running_injectors.running(process)
        first = served.worker()
        use.write_text(str(500 << 20))
        await eventually(lambda: not Path(f"/proc/{first}").exists())
        use.write_text("0")
        await served.serving()
        assert served.worker() != first
        async with aiohttp.ClientSession() as session:
            await served.scrape(session)
        assert served.total(RESTARTS) >= 1  # the next worker may have begun before the test said that memory is free


async def test_a_worker_that_cannot_be_started_for_a_moment_is_started_later(tmp_path: Path) -> None:
    program, away = tmp_path / "worker", tmp_path / "away"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    program.chmod(0o755)
    options = ("--engine=VLLM", "--upstream=http://127.0.0.1:9", "--count-only", "--port=0", "--admin-port=0")
    worker = (str(program), "-m", "earlystop.injector", "--host=127.0.0.1", *options)
    async with started(sys.executable, "-c", IN_A_GROUP, str(tmp_path / "none"), *worker) as process:
        served = await running_injectors.running(process)
        program.rename(away)
        os.kill(served.worker(), signal.SIGKILL)
        assert process.stderr is not None
        async with asyncio.timeout(DEADLINE_SECONDS):
            while b"no worker can be started: No such file" not in await process.stderr.readline():
                assert process.returncode is None
        away.rename(program)
        await served.serving()


async def test_what_is_asked_to_end_refuses_new_connections_while_it_still_shows_its_counts() -> None:
    async with before_an_engine() as served, aiohttp.ClientSession() as session:
        served.process.send_signal(signal.SIGTERM)
        refused = asyncio.Event()
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not refused.is_set():
                try:
                    await asyncio.sleep(0.05)
                    async with session.get(f"{served.url}/v1/models") as answer:
                        assert answer.headers["Connection"] == "close"
                except aiohttp.ClientConnectorError:
                    refused.set()
        await served.scrape(session)
        assert served.total(RESTARTS) == 0
        assert await asyncio.wait_for(served.process.wait(), DEADLINE_SECONDS) == 0


async def test_what_is_asked_to_end_while_it_starts_a_worker_again_ends_with_that_worker_and_frees_its_ports() -> None:
    async with before_an_engine() as served, aiohttp.ClientSession() as session:
        first = served.worker()
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: first not in served.workers() and served.workers() != [])
        (second,) = served.workers()
        served.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(served.process.wait(), DEADLINE_SECONDS) in (0, 128 + signal.SIGTERM)
        with pytest.raises(ProcessLookupError):
            os.kill(second, 0)
        for page in (f"{served.url}/v1/models", f"{served.admin}/healthz"):
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get(page)


async def test_a_worker_ends_with_its_parent() -> None:
    async with before_an_engine() as served:
        worker = Path(f"/proc/{served.worker()}/cmdline")
        served.process.kill()
        await eventually(lambda: not worker.exists() or not worker.read_bytes())  # a zombie has no command


async def test_a_wrong_option_is_said_once_and_no_other_worker_is_started() -> None:
    async with started_module("earlystop.injector", "--engine=VLLM", "--upstream=qwen", "--count-only") as process:
        _, said = await asyncio.wait_for(process.communicate(), DEADLINE_SECONDS)
        assert process.returncode == 2
        words = said.decode()
        assert words.count("needs http:// or https://") == 1 and "Usage: python -m earlystop.injector" in words
