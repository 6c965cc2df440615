"""The injector's counts are those of a real engine, to the token: llama.cpp's server with a real language model.

The engine says how many tokens it has generated in all, abandoned ones too, and nothing of requests. So it is asked
twice: while every client waits for its answer its sum must be the injector's, and while some hang up it may be larger
by what was generated for them, and by nothing else.
"""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from earlystop.api.body_knobs import Engine
from earlystop.api.body_settings import body_settings
from earlystop.injector.proxy import InjectorSettings
from earlystop.injector.settings import read_words
from tests.cluster.processes import PATIENCE, Child
from tests.e2e import real_engine
from tests.e2e.scene import free_port
from tests.unit.injector.through import HEADERS, Client, client_of

HOST = "127.0.0.1"
CAPS = {"baseline": 4, "candidate": 2}
ENDLESS = 300
"""Tokens that a client asks for who hangs up after the first: far more than are generated until the engine knows."""
PROMPTS = ("1 Alma, 2 Boris,", "One, two,", "Names: Ida")
OPEN_AT_ONCE = 16
SETTINGS = InjectorSettings(body_settings(read_words(Engine.LLAMA_CPP, ["cap=AnswerCap"])))
PLAIN, STREAM, STREAM_WITH_USAGE, REFUSED, HANGS_UP = "plain", "stream", "stream with usage", "refused", "hangs up"


@dataclass
class Told:
    """What clients were told, by variant. answers: whole ones; tokens: of those that came with their usage."""

    answers: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    hung_up: Counter[str] = field(default_factory=Counter)
    without_usage: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)


@pytest.fixture(scope="module")
def engine() -> Iterator[str]:
    """The URL of a real engine."""
    port = free_port(HOST)
    with tempfile.TemporaryDirectory(prefix="engine-") as directory:
        child: Child = real_engine.start_engine(Path(directory), HOST, port)
        yield f"http://{HOST}:{port}"
        assert child.alive, child.tail()
        child.stop()


class Clients:
    """Ask the engine through an injector, some this way and some that. rng: draws who asks what."""

    def __init__(self, asking: Client, rng: random.Random) -> None:
        self._asking = asking
        self._rng = rng
        self.told = Told()

    async def ask(self, count: int, kinds: Mapping[str, float]) -> None:
        """So many requests, of kinds in these proportions."""
        drawn = self._rng.choices(list(kinds), weights=list(kinds.values()), k=count)
        wanted = [(kind, self._rng.choice(list(CAPS)), self._rng.choice(PROMPTS)) for kind in drawn]
        places = asyncio.Semaphore(OPEN_AT_ONCE)

        async def one(kind: str, variant: str, question: str) -> None:
            async with places:
                await self._one(kind, variant, question)

        await asyncio.gather(*(one(*each) for each in wanted))

    async def _one(self, kind: str, variant: str, question: str) -> None:
        cap = ENDLESS if kind == HANGS_UP else CAPS[variant]
        headers = {**HEADERS, "x-early-stop-variant": variant, "x-early-stop-param-cap": str(cap)}
        path, body = _request(kind, question)
        async with self._asking.session.post(path, json=body, headers=headers) as response:
            if kind == HANGS_UP:
                await response.content.readany()
                response.close()
                self.told.hung_up[variant] += 1
                return
            read = await response.read()
        if response.status != 200:
            assert kind == REFUSED, read
            self.told.refusals[variant] += 1
            return
        self.told.answers[variant] += 1
        self._note_tokens(variant, read)

    def _note_tokens(self, variant: str, read: bytes) -> None:
        lines = read.split(b"data: ") if read.startswith(b"data: ") else [read]
        found = [json.loads(each) for each in lines if each.strip().startswith(b"{")]
        usages = [each["usage"]["completion_tokens"] for each in found if each.get("usage")]
        if usages:
            assert usages == [CAPS[variant]], "the cap is what an answer takes that never ends by itself"
            self.told.tokens[variant] += usages[0]
        else:
            self.told.without_usage[variant] += 1


def _request(kind: str, question: str) -> tuple[str, dict[str, Any]]:
    """Path and body. Streams chat: only there does this engine keep its usage to itself unless it is asked for."""
    body: dict[str, Any] = {"max_tokens": ENDLESS, "ignore_eos": True}
    if kind in (PLAIN, REFUSED):
        return "/v1/completions", {**body, "prompt": question if kind == PLAIN else {"no": "prompt"}}
    if kind == STREAM_WITH_USAGE:
        body["stream_options"] = {"include_usage": True}
    return "/v1/chat/completions", {**body, "stream": True, "messages": [{"role": "user", "content": question}]}


@asynccontextmanager
async def clients_of(engine: str, seed: int) -> AsyncIterator[tuple[Clients, Client]]:
    """Clients of a fresh injector before the engine."""
    async with client_of(engine, SETTINGS) as asking:
        yield Clients(asking, random.Random(seed)), asking


async def engine_page(engine: str) -> dict[str, float]:
    """The engine's own counters by name, once it has nothing left to do."""
    async with aiohttp.ClientSession(engine) as session, asyncio.timeout(60 * PATIENCE):
        while True:
            async with session.get("/metrics") as response:
                rows = (line.split() for line in (await response.text()).splitlines() if not line.startswith("#"))
                found = {name.removeprefix("llamacpp:"): float(value) for name, value in rows}
            if found["requests_processing"] == found["requests_deferred"] == 0:
                return found
            await asyncio.sleep(0.1)


async def counted(asking: Client, told: Told) -> dict[str, dict[str, int]]:
    """The injector's counts by variant, once it has heard of every client's end."""
    async with asyncio.timeout(30 * PATIENCE):
        while True:
            found = {variant: await asking.counts(variant) for variant in CAPS}
            ended = sum(each["completed"] + each["failed"] for each in found.values())
            if ended == told.answers.total() + told.refusals.total() + told.hung_up.total():
                return found
            await asyncio.sleep(0.1)


async def test_injector_and_engine_count_the_same_tokens_of_streams_and_plain_answers_and_none_of_refusals(
    engine: str,
) -> None:
    async with clients_of(engine, seed=1) as (clients, asking):
        before = await engine_page(engine)
        await clients.ask(700, {PLAIN: 4, STREAM: 2, STREAM_WITH_USAGE: 2, REFUSED: 1})
        told, found = clients.told, await counted(asking, clients.told)
        after = await engine_page(engine)
    assert min(told.answers.values()) > 200 and min(told.refusals.values()) > 20
    assert min(told.without_usage.values()) > 30, "none of these clients saw the usage that the injector asked for"
    for variant, counts in found.items():
        assert counts["started"] == told.answers[variant] + told.refusals[variant]
        assert (counts["completed"], counts["failed"]) == (told.answers[variant], told.refusals[variant])
        assert counts["tokens"] == told.tokens[variant] + CAPS[variant] * told.without_usage[variant]
    assert (
        sum(each["tokens"] for each in found.values())
        == after["tokens_predicted_total"] - before["tokens_predicted_total"]
    )


async def test_clients_that_hang_up_have_failed_and_the_engine_stops_generating_for_them(engine: str) -> None:
    async with clients_of(engine, seed=2) as (clients, asking):
        before = await engine_page(engine)
        await clients.ask(300, {PLAIN: 3, STREAM: 2, STREAM_WITH_USAGE: 2, REFUSED: 1, HANGS_UP: 1})
        told, found = clients.told, await counted(asking, clients.told)
        after = await engine_page(engine)
    assert min(told.hung_up.values()) > 10
    for variant, counts in found.items():
        assert counts["completed"] == told.answers[variant]
        assert counts["failed"] == told.refusals[variant] + told.hung_up[variant]
        assert counts["tokens"] == told.tokens[variant] + CAPS[variant] * told.without_usage[variant]
    generated = after["tokens_predicted_total"] - before["tokens_predicted_total"]
    abandoned = generated - sum(each["tokens"] for each in found.values())
    hung_up = told.hung_up.total()
    assert hung_up <= abandoned < hung_up * ENDLESS / 4
