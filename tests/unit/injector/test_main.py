"""The injector's process ends without losing a count, and says what is wrong with its options."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
import typer
from aiohttp import web
from prometheus_client import CollectorRegistry

from earlystop.api.body_knobs import Engine
from earlystop.exporter.listening import listening
from earlystop.injector.main import checked_prefix, checked_upstream, run, serving
from earlystop.injector.proxy import Injector
from earlystop.injector.upstream import Upstream
from tests.unit.injector.stub_engine import StubEngine, completion, running
from tests.unit.injector.through import CHAT, HEADERS, SETTINGS, Client


class Held(StubEngine):
    """Answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.let = asyncio.Event(), asyncio.Event()

    async def serve(self, request: aiohttp.web.Request) -> aiohttp.web.StreamResponse:
        self.asked.set()
        await self.let.wait()
        return await super().serve(request)


async def test_at_its_end_a_running_request_is_finished_and_its_count_can_still_be_scraped() -> None:
    engine, stop, urls = Held(), asyncio.Event(), asyncio.Queue[tuple[str, str]]()

    async def process(upstream: str) -> None:
        async with serving(upstream, SETTINGS, "127.0.0.1", 0, 0, drain_seconds=0.5) as both:
            urls.put_nowait(both)
            await stop.wait()

    async with running(engine) as upstream, aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
        served = tasks.create_task(process(upstream))
        url, admin = await urls.get()
        asked = tasks.create_task(_ask(session, url))
        await engine.asked.wait()
        stop.set()
        engine.let.set()
        assert await asked == completion()
        counts = await Client(session, url, admin).counts()
        assert (counts["completed"], counts["failed"]) == (1, 0)
        assert not served.done()
        with pytest.raises(aiohttp.ClientConnectorError):
            await _ask(session, url)
        await served
        with pytest.raises(aiohttp.ClientConnectorError):
            await Client(session, url, admin).page()


async def _ask(session: aiohttp.ClientSession, url: str) -> bytes:
    async with session.post(url + CHAT, json={}, headers=HEADERS) as answer:
        return await answer.read()


@pytest.mark.parametrize("prefix", ["", "x", "X-Early-", "1x-", "-x-", "x_y-", "x-early", "é-", "x-\n", "x" * 32 + "-"])
def test_a_prefix_that_no_policy_can_have_is_refused_in_words(prefix: str) -> None:
    with pytest.raises(typer.BadParameter, match="end with a hyphen, like x-early-stop-"):
        run(Engine.VLLM, "http://qwen:8000", parameter=["cap=AnswerCap"], header_prefix=prefix)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "qwen",
        "qwen:8000",
        "//qwen:8000",
        "http://",
        "http:///v1",
        "ftp://qwen",
        "http://qwen:99999",
        "http://qwen:x",
        "http://qwen:8000/v1",
        "http://qwen/?a=1",
        "https://qwen/#a",
        "http://qwen:8000//",
    ],
)
def test_an_upstream_that_is_no_engines_root_is_refused_in_words(url: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"--upstream .* write"):
        run(Engine.VLLM, url, parameter=["cap=AnswerCap"])


@pytest.mark.parametrize("options", [{}, {"parameter": ["cap=AnswerCap"], "count_only": True}])
def test_what_is_written_into_bodies_is_said_in_one_way_or_not_at_all(options: dict[str, Any]) -> None:
    with pytest.raises(typer.BadParameter, match=r"write either --parameter .* or --count-only"):
        run(Engine.SGLANG, "http://qwen:8000", **options)


def test_what_is_right_is_taken() -> None:
    assert checked_prefix("x-other-") == "x-other-"
    for url in ("http://qwen:8000", "https://qwen/", "http://[::1]:8000"):
        assert checked_upstream(url) == url


async def test_a_refusal_says_that_its_connection_ends_too_while_the_injector_is_about_to_end() -> None:
    async with running(StubEngine()) as engine:
        upstream = Upstream(engine)
        injector = Injector(upstream, SETTINGS, CollectorRegistry())
        async with (
            listening(web.ServerRunner(injector.server()), "127.0.0.1", 0) as url,
            aiohttp.ClientSession() as session,
        ):
            for ends in (False, True):
                async with session.post(url + CHAT, json={}, headers={"Expect": "200-maybe"}) as answer:
                    assert (answer.status, answer.headers.get("Connection") == "close") == (417, ends)
                injector.leave()
        await upstream.close()
