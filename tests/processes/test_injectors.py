"""Injectors as processes are replaced one by one under load: no request fails, and each is counted once."""

from __future__ import annotations

import asyncio
import json
import random
import signal
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from earlystop.exporter.settings_document import SettingsDocument, VariantSettings, written
from tests.processes.running_injectors import DEADLINE_SECONDS, RunningInjector, injector
from tests.unit.exporter.mounts import KEY, MountedVolume
from tests.unit.injector.stub_engine import StubEngine, running

POLICY, CHAT = "llm/qa", "/v1/chat/completions"
CLIENTS = 12
EACH = 100
"""Requests that each injector gets, at least."""
DRAIN_SECONDS = 5
"""In which the last counts are scraped, be the machine busy."""


@dataclass
class Service:
    """What a Service is to its clients: new connections go to some ready endpoint, and those that are there stay."""

    endpoints: list[RunningInjector] = field(default_factory=list)
    sent: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)

    async def client(self, chosen: random.Random, until: asyncio.Event) -> None:
        """Asks, every third time for a stream, on one connection for as long as the other side keeps it."""
        while not until.is_set():
            url = chosen.choice(self.endpoints).url
            async with aiohttp.ClientSession(url) as session:
                ends = False
                while not ends and not until.is_set():
                    ends = await self._ask(session, url)

    async def _ask(self, session: aiohttp.ClientSession, url: str) -> bool:
        """Whether the answer was the last one of its connection."""
        self.sent += 1
        self.asked[url] += 1
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


def options(engine: str, weights: Path) -> tuple[str, ...]:
    """Of an injector that draws variants, before this engine."""
    settings = {"engine": "VLLM", "parameters": [{"name": "cap", "knob": "AnswerCap"}]}
    own = ("--engine=VLLM", f"--upstream={engine}", f"--settings={json.dumps(settings)}")
    return (*own, f"--policy={POLICY}", f"--weights={weights}")


async def scraped(replicas: list[RunningInjector], until: asyncio.Event) -> None:
    """Reads the metrics of each process for as long as it has some."""
    async with aiohttp.ClientSession() as session:
        while not until.is_set():
            for each in replicas:
                try:
                    await each.scrape(session)
                except aiohttp.ClientError:
                    continue  # it has ended
            await asyncio.sleep(0.1)


async def at_least(service: Service) -> None:
    """Wait until each present endpoint has got its requests, and some more."""
    async with asyncio.timeout(4 * DEADLINE_SECONDS):
        while any(service.asked[each.url] < 2 * EACH for each in service.endpoints):  # noqa: ASYNC110 - by this very loop
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
        injector(*options(url, tmp_path / KEY), drain_seconds=DRAIN_SECONDS) as first,
        injector(*options(url, tmp_path / KEY), drain_seconds=DRAIN_SECONDS) as second,
        injector(*options(url, tmp_path / KEY), drain_seconds=DRAIN_SECONDS) as third,
        injector(*options(url, tmp_path / KEY), drain_seconds=DRAIN_SECONDS) as fourth,
    ):
        replicas = [first, second, third, fourth]
        service.endpoints = [first, second]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(scraped(replicas, over))
            clients = [tasks.create_task(service.client(random.Random(seed), done)) for seed in range(CLIENTS)]
            for old, new in ((first, third), (second, fourth)):
                await at_least(service)
                service.endpoints = [new if each is old else each for each in service.endpoints]
                old.process.send_signal(signal.SIGTERM)
                assert await asyncio.wait_for(old.process.wait(), DEADLINE_SECONDS) == 0
            await at_least(service)
            done.set()
            await asyncio.wait(clients)
            over.set()
        async with aiohttp.ClientSession() as session:
            for each in (third, fourth):  # once more, with all that they were asked
                await each.scrape(session)
    assert service.failed == []
    assert sum(each.total("earlystop_requests_started_total") for each in replicas) == service.sent
    assert sum(each.total('earlystop_requests_total{outcome="completed"') for each in replicas) == service.sent
    for each in replicas:
        assert each.total("earlystop_requests_started_total") == service.asked[each.url] > EACH
