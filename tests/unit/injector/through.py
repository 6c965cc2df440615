"""A client that asks through an injector, which stands before a stub engine: real HTTP on both sides."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp

from earlystop.api.body_knobs import Engine
from earlystop.api.body_settings import body_settings
from earlystop.injector.main import serving
from earlystop.injector.proxy import InjectorSettings
from earlystop.injector.settings import read_words
from tests.unit.injector.stub_engine import StubEngine, running

POLICY, REVISION = "llm/qa", "r1"
HEADERS: Mapping[str, str] = {
    "x-early-stop-policy": POLICY,
    "x-early-stop-revision": REVISION,
    "x-early-stop-step": "0",
    "x-early-stop-variant": "candidate",
    "x-early-stop-param-cap": "20",
}
SETTINGS = InjectorSettings(body_settings(read_words(Engine.VLLM, ["cap=AnswerCap"])))
CHAT = "/v1/chat/completions"


class Client:
    """session: relative to the injector, as a gateway's requests come to it. url: of the injector."""

    def __init__(self, session: aiohttp.ClientSession, url: str, admin: str) -> None:
        self.session = session
        self.url = url
        self._admin = admin

    async def page(self) -> str:
        """The injector's metrics."""
        async with self.session.get(f"{self._admin}/metrics") as response:
            return await response.text()

    async def counts(self, variant: str = "candidate") -> dict[str, int]:
        """What the convention's counters say of a variant, by a word each."""
        words = {
            "started": "earlystop_requests_started_total{",
            "completed": 'earlystop_requests_total{outcome="completed"',
            "failed": 'earlystop_requests_total{outcome="failed"',
            "tokens": "earlystop_output_tokens_total{",
            "scored": "earlystop_answers_total{",
            "empty": "earlystop_empty_answers_total{",
            "cut": "earlystop_cut_answers_total{",
        }
        found = dict.fromkeys(words, 0)
        for line in (await self.page()).splitlines():
            for word, start in words.items():
                known = f'revision="{REVISION}"' in line and f'variant="{variant}"' in line
                if known and start.split("{")[0] in line and all(part in line for part in start.split("{")[1:]):
                    found[word] += int(float(line.rsplit(" ", 1)[1]))
        return found

    async def ready(self) -> int:
        """The status of the injector's readiness probe."""
        async with self.session.get(f"{self._admin}/readyz") as response:
            return response.status


@asynccontextmanager
async def client(engine: StubEngine, settings: InjectorSettings = SETTINGS) -> AsyncIterator[Client]:
    """A client of an injector before this engine."""
    async with running(engine) as url, client_of(url, settings) as found:
        yield found


@asynccontextmanager
async def client_of(upstream: str, settings: InjectorSettings = SETTINGS) -> AsyncIterator[Client]:
    """A client of an injector before whatever is at that URL."""
    async with (
        serving(upstream, settings, "127.0.0.1", 0, 0) as (url, admin),
        aiohttp.ClientSession(url, auto_decompress=False) as session,
    ):
        yield Client(session, url, admin)
