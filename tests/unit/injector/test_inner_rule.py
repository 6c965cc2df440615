"""An injector before a gateway, whose inner rule leads to the engine: real HTTP, and a gateway that is a stub."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest
import typer
from aiohttp import web

from earlystop.api.wire import INNER_HEADER
from earlystop.injector.main import InnerRule, run, serving
from tests.unit.injector.stub_engine import StubEngine, running
from tests.unit.injector.through import CHAT, HEADERS, SETTINGS, Client

MARK, HOST = "0123456789abcdef0123456789abcdef", "qa.example"


@dataclass
class StubGateway(StubEngine):
    """A gateway that leads requests with the mark to its engine, once it serves that rule, and marks their answers."""

    serves_inner_rule: bool = True

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if not self.serves_inner_rule or request.headers.get(INNER_HEADER) != MARK:
            return web.Response(status=404)
        answer = await super().serve(request)
        if isinstance(answer, web.Response):
            answer.headers[INNER_HEADER] = MARK
        return answer


@asynccontextmanager
async def before(gateway: StubGateway) -> AsyncIterator[Client]:
    rule = InnerRule(HOST, MARK)
    async with (
        running(gateway) as upstream,
        serving(upstream, SETTINGS, "127.0.0.1", 0, 0, inner=rule) as (url, admin),
        aiohttp.ClientSession(url) as session,
    ):
        yield Client(session, url, admin)


async def test_a_request_goes_on_with_the_mark_and_the_routes_host_and_no_client_sees_the_mark() -> None:
    gateway = StubGateway()
    async with before(gateway) as asking:
        async with asking.session.post(CHAT, json={"max_tokens": 100}, headers=HEADERS) as answer:
            assert answer.status == 200 and INNER_HEADER not in answer.headers
        counts = await asking.counts()
    ((body, headers),) = gateway.received
    assert headers["Host"] == HOST and headers[INNER_HEADER] == MARK and body == b'{"max_tokens": 20}'
    assert (counts["started"], counts["completed"]) == (1, 1)


async def test_it_is_ready_once_the_inner_rule_is_served_and_no_sooner() -> None:
    gateway = StubGateway(serves_inner_rule=False)
    async with before(gateway) as asking:
        assert await asking.ready() == 503
        gateway.serves_inner_rule = True
        assert await asking.ready() == 200


async def test_a_request_that_comes_back_goes_round_no_further_and_is_counted_nowhere() -> None:
    gateway = StubGateway()
    async with before(gateway) as asking:
        for mark in (MARK, "another"):
            async with asking.session.post(CHAT, json={}, headers={**HEADERS, INNER_HEADER: mark}) as answer:
                assert answer.status == 508
        assert (await asking.counts())["started"] == 0
    assert gateway.received == []


def test_a_host_without_a_mark_is_refused_with_what_to_write() -> None:
    with pytest.raises(typer.BadParameter, match="write --inner-mark"):
        run("VLLM", "http://10.1.2.3:80", upstream_host=HOST)  # type: ignore[arg-type]
