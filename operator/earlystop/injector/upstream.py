"""The connection to the engine: short-lived when idle, and tried again where that cannot repeat a generation."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, MultiMapping
from yarl import URL

from earlystop.api.wire import ENGINE_PAGES, INNER_HEADER
from earlystop.injector.lasting_resolver import LastingResolver
from earlystop.injector.turns_clock import TurnsClock

HEALTH = ENGINE_PAGES[0]

Answer = TypeVar("Answer")

IDLE_SECONDS = 2.0
"""Engines close idle connections after some seconds (vLLM after 5). A request that is sent into one that is just being
closed fails, all of one variant's after a pause, and that would look like harm."""
CONNECT_SECONDS = 5.0
PAUSES_BEFORE_CONNECTING_AGAIN = (0.025, 0.1, 0.4)
"""Seconds. A connection that did not come about has carried nothing, so another one may be opened for any request.
Where a Pod behind the engine's Service has just gone, that leads to another one; gateways and meshes do the same with
an engine's Pods, and see nothing of them while an injector stands between."""
LONGEST_CONNECTING_SECONDS = 6.0
"""After so long no connection is opened again: a client has waited for two that were not answered."""
MAX_LINE = 64 << 10
MAX_HEADERS = 1024
"""Bytes of the first line and of each header, and number of headers, of requests and of answers: as engines take them.
Uvicorn, before vLLM and SGLang, takes 64 KiB of headers; a smaller limit here would refuse what an engine serves."""
RETRY_WITHIN_SECONDS = 1.0
"""An engine that closed an idle connection says so within a round trip. What ends later was at work, and a second try
would have it generate the whole answer again. Counted are the turns of this process: while it is held up, as on a node
that is short of processors, it reads nothing, and what came at once would look late."""


_NOT_BY_ITSELF = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
"""Headers that aiohttp would write where a client has none."""
_NEVER_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


class EngineUnreachable(Exception):
    """No byte of an answer came; says why."""


@dataclass(slots=True)
class _Attempt:
    """began: in seconds by the clock of turns; an idle connection, where there is one, is taken at once.
    opened: whether a connection was opened for it."""

    began: float
    opened: bool = False

    def met_a_closed_connection(self, now: float) -> bool:
        """Whether an attempt that failed now most likely found its connection closed, so that nobody read it."""
        return not self.opened and now - self.began <= RETRY_WITHIN_SECONDS


_ATTEMPT: ContextVar[_Attempt] = ContextVar("attempt")
"""The attempt under way in this task, and in those that it begins in order to connect."""


def _noted_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket for a new connection, noted at its attempt."""
    family, kind, protocol, _, _ = address
    _ATTEMPT.get().opened = True
    return socket.socket(family, kind, protocol)


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        skip_auto_headers=_NOT_BY_ITSELF,
        max_line_size=MAX_LINE,
        max_field_size=MAX_LINE,
        max_headers=MAX_HEADERS,
    )


class Upstream:
    """Sends requests to one engine, or to the Service before several. Use as a context manager, in the event loop."""

    def __init__(self, url: str, host: str = "", mark: str = "") -> None:
        """host: the Host header, "" for that of the URL. mark: of a gateway's inner rule, which leads to the engine:
        requests carry it and answers by that rule do, "" where nothing stands between."""
        self._origin = str(URL(url).origin())
        self.mark = mark
        self._own = {**({"Host": host} if host else {}), **({INNER_HEADER: mark} if mark else {})}
        self._clock = TurnsClock()
        self._resolver = LastingResolver()
        # Which attempt opens a connection is noted where its socket is made: a trace of aiohttp's, which says so too,
        # has every step of every request reported, which took a tenth of a request's time.
        lasting = aiohttp.TCPConnector(
            limit=0, keepalive_timeout=IDLE_SECONDS, resolver=self._resolver, socket_factory=_noted_socket
        )
        fresh = aiohttp.TCPConnector(limit=0, force_close=True, resolver=self._resolver, socket_factory=_noted_socket)
        self._connectors = lasting, fresh
        self._lasting, self._fresh = _session(lasting), _session(fresh)

    async def close(self) -> None:
        """Close all connections."""
        self._clock.stop()
        await self._lasting.close()
        await self._fresh.close()
        await self._resolver.close()

    @asynccontextmanager
    async def send(
        self, method: str, path: str, headers: CIMultiDict[str], body: bytes | aiohttp.StreamReader | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The engine's answer, whose body is not read yet. path: with its query, as the client wrote it.

        body: None for a request without one. A stream can be read but once, and goes into a new connection. Any other
        request is sent again, once, if it went into a connection that had been idle and this ended without a byte of
        an answer within RETRY_WITHIN_SECONDS: nearly always the engine had just closed it, and read nothing. It is
        sent into a new connection then, since an engine that closes one idle connection has often closed others. A
        connection that does not come about is opened again, after PAUSES_BEFORE_CONNECTING_AGAIN. Any other failure
        stands, since the engine may have generated. Raises EngineUnreachable.
        """
        session = self._fresh if isinstance(body, aiohttp.StreamReader) else self._lasting
        response = await self._answered(
            session,
            lambda session: session.request(
                method,
                self._url(path),
                headers=self._with_own(headers),
                data=body,
                allow_redirects=False,
            ),
        )
        try:
            yield response
        finally:
            # A connection whose answer was not read to its end is closed, which stops the engine's generation.
            if response.content.at_eof():
                response.release()
            else:
                response.close()

    @asynccontextmanager
    async def websocket(
        self, path: str, headers: CIMultiDict[str], protocols: Sequence[str], max_message: int
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A WebSocket to the engine. max_message: bytes of one message.

        Raises EngineUnreachable, and aiohttp.WSServerHandshakeError where the engine wants none.
        """
        socket = await self._answered(
            self._fresh,
            lambda session: session.ws_connect(
                self._url(path), headers=self._with_own(headers), protocols=protocols, max_msg_size=max_message
            ),
        )
        async with socket:
            yield socket

    async def _answered(
        self,
        session: aiohttp.ClientSession,
        ask: Callable[[aiohttp.ClientSession], Awaitable[Answer]],
    ) -> Answer:
        """What the engine answers to `ask`, which is tried again where that cannot repeat a generation.

        session: of the first attempt. Raises EngineUnreachable, and aiohttp.WSServerHandshakeError as `ask` does.
        """
        began, pauses = asyncio.get_running_loop().time(), iter(PAUSES_BEFORE_CONNECTING_AGAIN)
        while True:
            attempt = _Attempt(self._clock.seconds())
            _ATTEMPT.set(attempt)
            try:
                return await ask(session)
            except aiohttp.WSServerHandshakeError:
                raise
            except _NEVER_CONNECTED as error:
                if not await self._may_connect_again(next(pauses, None), began):
                    raise EngineUnreachable(f"the engine cannot be reached: {error}") from None
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                if not attempt.met_a_closed_connection(self._clock.seconds()):
                    raise EngineUnreachable(f"the engine closed the connection without an answer: {error}") from None
                session = self._fresh
            except (aiohttp.ClientError, TimeoutError) as error:
                raise EngineUnreachable(f"the engine's answer is no HTTP: {error}") from None

    async def _may_connect_again(self, pause: float | None, began: float) -> bool:
        """Waits, and says whether a connection may be opened again, to where the name leads by then.

        pause: seconds, None after the last one. began: when the first was tried, by the loop's clock in seconds.
        """
        if pause is None or asyncio.get_running_loop().time() + pause > began + LONGEST_CONNECTING_SECONDS:
            return False
        await asyncio.sleep(pause)
        for each in self._connectors:
            each.clear_dns_cache()
        return True

    def _url(self, path: str) -> URL:
        """path: with its query, as the client wrote it."""
        return URL(f"{self._origin}{path}", encoded=True)

    def _with_own(self, headers: CIMultiDict[str]) -> CIMultiDict[str]:
        if not self._own:
            return headers
        onward = headers.copy()
        onward.update(self._own)
        return onward

    async def answers(self) -> bool:
        """Whether the engine accepts connections and answers anything; by an inner rule, whether that is served."""
        try:
            async with self.send("GET", HEALTH, CIMultiDict(), None) as answer:
                return not self.mark or answer.headers.get(INNER_HEADER) == self.mark
        except EngineUnreachable:
            return False


HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that belong to one connection (RFC 9110, 7.6.1)."""
_NEVER_PASSED = HOP_BY_HOP | {INNER_HEADER}


def passed_on(
    headers: MultiMapping[str], without: frozenset[str] = frozenset(), prefixes: tuple[str, ...] = ()
) -> CIMultiDict[str]:
    """The headers that go on to the other side: all but those of the connection, the mark of an inner rule,
    these, and all that begin with one of these prefixes; both in lower case."""
    left_out = without
    if written := headers.getall("connection", ()):
        left_out = without.union(name.strip().lower() for each in written for name in each.split(","))
    return CIMultiDict(
        [
            each
            for each in headers.items()
            if (name := each[0].lower()) not in _NEVER_PASSED and name not in left_out and not name.startswith(prefixes)
        ]
    )


def path_of(request: web.BaseRequest) -> str:
    """Path and query as the client wrote them, of whichever form of a target (RFC 9112, 3.2)."""
    written = request.raw_path.partition("#")[0]
    return written if written.startswith("/") else request.path_qs


async def beginning_of(stream: aiohttp.StreamReader, most: int) -> bytes:
    """The bytes of an answer, cut after so many."""
    found = bytearray()
    async for piece in stream.iter_any():
        found += piece
        if len(found) >= most:
            break
    return bytes(found[:most])
