"""Injectors as processes, and what they say of themselves."""

from __future__ import annotations

import asyncio
import re
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.processes.environment import started_module

DEADLINE_SECONDS = 30


@dataclass
class RunningInjector:
    """One injector. process: the parent of the worker that serves. page: its metrics as they were read last."""

    process: Process
    url: str
    admin: str
    page: str = ""

    def worker(self) -> int:
        """The process id of what serves now. Raises ValueError between two of them."""
        (found,) = self.workers()
        return found

    def workers(self) -> list[int]:
        """The process ids of its workers: one, or none between two of them."""
        parent = self.process.pid
        return [int(each) for each in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]

    async def serving(self) -> None:
        """Wait until a worker says that it serves."""
        assert self.process.stderr is not None
        async with asyncio.timeout(DEADLINE_SECONDS):
            while b"passing requests on" not in (line := await self.process.stderr.readline()):
                assert line, "it has ended"

    async def scrape(self, session: aiohttp.ClientSession) -> None:
        """Read its metrics."""
        async with session.get(f"{self.admin}/metrics") as answer:
            self.page = await answer.text()

    def total(self, counter: str, label: str = "") -> int:
        """The sum of a counter of the convention over all series with this label."""
        found = re.findall(rf"^{counter}.*{label}.* ([0-9.]+)$", self.page, re.MULTILINE)
        return sum(int(float(each)) for each in found)


@asynccontextmanager
async def injector(*options: str, drain_seconds: int = 1) -> AsyncIterator[RunningInjector]:
    """`python -m earlystop.injector` on free ports, ended with the block whatever happens. drain_seconds: for which it
    is there after its last answer, to be scraped."""
    own = ("--host=127.0.0.1", "--port=0", "--admin-port=0", f"--drain-seconds={drain_seconds}")
    async with started_module("earlystop.injector", *options, *own) as process:
        yield await running(process)


async def running(process: Process) -> RunningInjector:
    """An injector that was just started, once it serves."""
    assert process.stderr is not None
    line = (await asyncio.wait_for(process.stderr.readline(), DEADLINE_SECONDS)).decode()
    found = re.search(r"on (http\S+) to .* on (http\S+)/metrics", line)
    assert found is not None, line
    return RunningInjector(process, found[1], found[2])
