"""WebSockets through the injector, message by message: nothing is written into them, and nothing of them is counted."""

from __future__ import annotations

import asyncio

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from earlystop.injector.upstream import Upstream, passed_on, path_of

MAX_MESSAGE = 64 << 20
_PROTOCOL = "Sec-WebSocket-Protocol"
_OF_THE_HANDSHAKE = frozenset(
    f"sec-websocket-{name}" for name in ("key", "version", "extensions", "protocol", "accept")
)
_BODY = frozenset({"content-length", "content-type", "content-encoding"})
Socket = aiohttp.ClientWebSocketResponse | web.WebSocketResponse


def is_websocket(request: web.BaseRequest) -> bool:
    """Whether a request asks for a WebSocket (RFC 6455, 4.1)."""
    wanted = {each.strip().lower() for line in request.headers.getall("Connection", ()) for each in line.split(",")}
    return "upgrade" in wanted and request.headers.get("Upgrade", "").strip().lower() == "websocket"


async def pass_websocket(upstream: Upstream, request: web.BaseRequest, headers: CIMultiDict[str]) -> web.StreamResponse:
    """Connects both sides until one of them ends it. headers: those that the engine gets.

    An engine that refuses the handshake answers the client itself. Raises EngineUnreachable.
    """
    protocols = [each.strip() for line in request.headers.getall(_PROTOCOL, ()) for each in line.split(",")]
    onward = passed_on(headers, _OF_THE_HANDSHAKE)
    try:
        async with upstream.websocket(path_of(request), onward, protocols, MAX_MESSAGE) as engine:
            chosen = (engine.protocol,) if engine.protocol else ()
            client = web.WebSocketResponse(protocols=chosen, max_msg_size=MAX_MESSAGE, compress=False)
            await client.prepare(request)
            await _connect(client, engine)
            return client
    except aiohttp.WSServerHandshakeError as error:
        return web.Response(status=error.status, headers=passed_on(error.headers or CIMultiDict(), _BODY))


async def _connect(client: web.WebSocketResponse, engine: aiohttp.ClientWebSocketResponse) -> None:
    ways = [asyncio.ensure_future(_relay(*pair)) for pair in ((client, engine), (engine, client))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:  # also where the client's connection ended, which cancels this
        for each in ways:
            each.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        await engine.close(code=client.close_code or aiohttp.WSCloseCode.GOING_AWAY)


async def _relay(source: Socket, target: Socket) -> None:
    """Passes messages from one side to the other, and at last the code by which the first closed."""
    async for message in source:
        if message.type is aiohttp.WSMsgType.TEXT:
            await target.send_str(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            await target.send_bytes(message.data)
    await target.close(code=source.close_code or aiohttp.WSCloseCode.GOING_AWAY)
