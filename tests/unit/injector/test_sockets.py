"""WebSockets, as engines have them for speech, go through an injector that other requests go through as well."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from prometheus_client import CollectorRegistry

from earlystop.injector.proxy import Injector
from earlystop.injector.sockets import is_websocket
from earlystop.injector.upstream import Upstream
from tests.unit.every_row import every_row
from tests.unit.injector.through import SETTINGS, Client, client_of

REALTIME = "/v1/realtime"


class SpeakingEngine:
    """Sends back what it hears, ends a socket with a code of its own when told "end", and refuses one without a key."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.heard_code: int | None = None

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.headers = dict(request.headers)
        if request.headers.get("Authorization") != "Bearer key":
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
        socket = web.WebSocketResponse(protocols=("realtime",), max_msg_size=0)
        await socket.prepare(request)
        async for message in socket:
            if message.data == "end":
                await socket.close(code=4000, message=b"over")
            elif message.type is aiohttp.WSMsgType.TEXT:
                await socket.send_str(message.data)
            else:
                await socket.send_bytes(message.data)
        self.heard_code = socket.close_code
        return socket


@asynccontextmanager
async def served(app: web.Application | web.Server) -> AsyncIterator[str]:
    """The URL of an application or of a server while the block runs."""
    runner = web.AppRunner(app) if isinstance(app, web.Application) else web.ServerRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def application_of(engine: SpeakingEngine) -> web.Application:
    app = web.Application()
    app.router.add_get(REALTIME, engine.serve)
    return app


@asynccontextmanager
async def speaking() -> AsyncIterator[tuple[SpeakingEngine, Client]]:
    engine = SpeakingEngine()
    async with served(application_of(engine)) as url, client_of(url) as client:
        yield engine, client


KEY = {"Authorization": "Bearer key"}


async def test_messages_of_both_kinds_and_sizes_come_through_unchanged_and_are_counted_nowhere() -> None:
    async with (
        speaking() as (engine, client),
        client.session.ws_connect(
            f"{REALTIME}?model=m", protocols=["other", "realtime"], headers=KEY, max_msg_size=0
        ) as socket,
    ):
        assert socket.protocol == "realtime"
        for text in ("", "hello", "ü" * 100_000):
            await socket.send_str(text)
            assert await socket.receive_str(timeout=10) == text
        for data in (b"", bytes(range(256)) * 20_000):
            await socket.send_bytes(data)
            assert await socket.receive_bytes(timeout=10) == data
        assert not any(name.lower().startswith("x-early-stop") for name in engine.headers)
        assert "earlystop_requests_started_total{" not in await client.page()


async def test_the_side_that_ends_it_does_so_for_the_other_with_its_code() -> None:
    async with speaking() as (engine, client):
        async with client.session.ws_connect(REALTIME, headers=KEY) as socket:
            await socket.send_str("end")
            ended = await socket.receive(timeout=10)
            assert (ended.type, ended.data) == (aiohttp.WSMsgType.CLOSE, 4000)
        async with client.session.ws_connect(REALTIME, headers=KEY) as socket:
            await socket.close(code=4001)
    assert engine.heard_code == 4001


async def test_an_engine_that_refuses_a_socket_refuses_the_client() -> None:
    async with speaking() as (_, client):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.session.ws_connect(REALTIME)
        headers = refused.value.headers
        assert refused.value.status == 401 and headers is not None and headers["WWW-Authenticate"] == "Bearer"


@every_row(
    ("connection", "upgrade", "asks"),
    [
        ("Upgrade", "websocket", True),
        ("keep-alive, Upgrade", "WebSocket", True),
        ("keep-alive,upgrade", "websocket", True),
        ("keep-alive", "websocket", False),
        ("upgrade-insecure-requests", "websocket", False),
        ("Upgrade", "h2c", False),
        ("Upgrade", "", False),
    ],
)
def test_a_request_asks_for_a_socket_by_the_token_that_stands_for_it(connection: str, upgrade: str, asks: bool) -> None:
    request = make_mocked_request("GET", REALTIME, headers={"Connection": connection, "Upgrade": upgrade})
    assert is_websocket(request) is asks


async def test_an_engine_that_is_not_there_is_told_to_a_socket_as_to_any_request() -> None:
    async with client_of("http://127.0.0.1:9") as client:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.session.ws_connect(REALTIME)
        assert refused.value.status == 502


async def test_a_socket_that_begins_while_the_injector_is_about_to_end_still_begins() -> None:
    async with served(application_of(SpeakingEngine())) as url:
        upstream = Upstream(url)
        injector = Injector(upstream, SETTINGS, CollectorRegistry())
        injector.leave()
        async with (
            served(injector.server()) as own,
            aiohttp.ClientSession(own) as session,
            session.ws_connect(REALTIME, headers=KEY) as socket,
        ):
            await socket.send_str("hello")
            assert await socket.receive_str(timeout=10) == "hello"
        await upstream.close()
