"""Injectors as processes are replaced one by one under load: no request fails, and each is counted once."""

from __future__ import annotations

import asyncio
import json
import random
import re
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from earlystop.exporter.settings_document import SettingsDocument, VariantSettings, written
from tests.processes.environment import started_module
from tests.unit.exporter.mounts import KEY, MountedVolume
from tests.unit.injector.stub_engine import StubEngine, running

POLICY, CHAT = "llm/qa", "/v1/chat/completions"
CLIENTS, DEADLINE_SECONDS = 12, 30


@dataclass
class Replica:
    """One injector. page: its metrics as they were read last."""

    process: Process
    url: str
    admin: str
    page: str = ""

    def total(self, counter: str) -> int:
        """The sum of a counter of the convention over all variants."""
        found = re.findall(rf"^{counter}.* ([0-9.]+)$", self.page, re.MULTILINE)
        return sum(int(float(each)) for each in found)


@dataclass
class Service:
    """What a Service is to its clients: new connections go to some ready endpoint, and those that are there stay."""

    endpoints: list[Replica] = field(default_factory=list)
    sent: int = 0
    failed: list[str] = field(default_factory=list)

    async def client(self, chosen: random.Random, until: asyncio.Event) -> None:
        """Asks, every third time for a stream, on one connection for as long as the other side keeps it."""
        while not until.is_set():
            async with aiohttp.ClientSession(chosen.choice(self.endpoints).url) as session:
                ends = False
                while not ends and not until.is_set():
                    ends = await self._ask(session)

    async def _ask(self, session: aiohttp.ClientSession) -> bool:
        """Whether the answer was the last one of its connection."""
        self.sent += 1
        body = {"stream": self.sent % 3 == 0, "messages": []}
        try:
            async with session.post(CHAT, json=body) as answer:
                whole = await answer.read()
                if answer.status != 200 or (body["stream"] and not whole.endswith(b"data: [DONE]\n\n")):
                    self.failed.append(f"{answer.status}: {whole[:200]!r}")
                return answer.headers.get("Connection") == "close"
        except aiohttp.ClientError as error:
            self.failed.append(repr(error))
            return True


@asynccontextmanager
async def injector(engine: str, weights: Path) -> AsyncIterator[Replica]:
    settings = {"engine": "VLLM", "parameters": [{"name": "cap", "knob": "AnswerCap"}]}
    options = (
        "--engine=VLLM",
        f"--upstream={engine}",
        f"--settings={json.dumps(settings)}",
        f"--policy={POLICY}",
        f"--weights={weights}",
        "--host=127.0.0.1",
        "--port=0",
        "--admin-port=0",
        "--drain-seconds=1",
    )
    async with started_module("earlystop.injector", *options) as process:
        assert process.stderr is not None
        line = (await asyncio.wait_for(process.stderr.readline(), DEADLINE_SECONDS)).decode()
        found = re.search(r"on (http\S+) to .* on (http\S+)/metrics", line)
        assert found is not None, line
        yield Replica(process, found[1], found[2])


async def scraped(replicas: list[Replica], until: asyncio.Event) -> None:
    """Reads the metrics of each process for as long as it has some."""
    async with aiohttp.ClientSession() as session:
        while not until.is_set():
            for each in replicas:
                try:
                    async with session.get(f"{each.admin}/metrics") as answer:
                        each.page = await answer.text()
                except aiohttp.ClientError:
                    continue  # it has ended
            await asyncio.sleep(0.1)


async def at_least(service: Service, more: int) -> None:
    """Wait until so many more requests were sent."""
    wanted = service.sent + more
    async with asyncio.timeout(DEADLINE_SECONDS):
        while service.sent < wanted:  # noqa: ASYNC110 - counted by clients of this very loop
            await asyncio.sleep(0.01)


async def test_injectors_that_are_replaced_one_by_one_under_load_fail_no_request_and_count_each_once(
    tmp_path: Path,
) -> None:
    variants = (VariantSettings("baseline", 50, {}), VariantSettings("candidate", 50, {"cap": "20"}))
    document = SettingsDocument(policy=POLICY, uid="uid-1", revision="r1", step=0, variants=variants)
    MountedVolume(tmp_path).project({KEY: written(document)})
    engine, service, done, over = StubEngine(), Service(), asyncio.Event(), asyncio.Event()
    async with (
        running(engine) as url,
        injector(url, tmp_path / KEY) as first,
        injector(url, tmp_path / KEY) as second,
        injector(url, tmp_path / KEY) as third,
        injector(url, tmp_path / KEY) as fourth,
    ):
        replicas = [first, second, third, fourth]
        service.endpoints = [first, second]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(scraped(replicas, over))
            clients = [tasks.create_task(service.client(random.Random(seed), done)) for seed in range(CLIENTS)]
            for old, new in ((first, third), (second, fourth)):
                await at_least(service, 200)
                service.endpoints = [new if each is old else each for each in service.endpoints]
                old.process.send_signal(signal.SIGTERM)
                assert await asyncio.wait_for(old.process.wait(), DEADLINE_SECONDS) == 0
            await at_least(service, 200)
            done.set()
            await asyncio.wait(clients)
            await asyncio.sleep(0.3)  # one scrape more
            over.set()
    assert service.failed == []
    assert sum(each.total("earlystop_requests_started_total") for each in replicas) == service.sent
    assert sum(each.total('earlystop_requests_total{outcome="completed"') for each in replicas) == service.sent
    assert all(each.total("earlystop_requests_started_total") > 100 for each in replicas)
