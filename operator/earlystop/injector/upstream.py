"""The connection to the engine: short-lived when idle, and tried twice where that cannot repeat anything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
from multidict import CIMultiDict
from yarl import URL

IDLE_SECONDS = 2.0
"""Engines close idle connections after some seconds (vLLM after 5). A request that is sent into one that is just being
closed fails, all of one variant's after a pause, and that would look like harm."""
CONNECT_SECONDS = 5.0


class EngineUnreachable(Exception):
    """No byte of an answer came; says why."""


class Upstream:
    """Sends requests to one engine, or to the Service before several. Use as a context manager, in the event loop."""

    def __init__(self, url: str) -> None:
        self._base = URL(url)
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    @asynccontextmanager
    async def send(
        self, method: str, path: str, headers: CIMultiDict[str], body: bytes | aiohttp.StreamReader | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The engine's answer, whose body is not read yet. path: with its query, as the client wrote it.

        A body that is known is sent again, once, where the connection ended before the first byte of an answer: nearly
        always the engine had just closed it for being idle, and read nothing. Raises EngineUnreachable.
        """
        tries = 2 if body is None or isinstance(body, bytes) else 1
        while True:
            tries -= 1
            try:
                response = await self._session.request(
                    method,
                    URL(f"{self._base.origin()}{path}", encoded=True),
                    headers=headers,
                    data=body,
                    allow_redirects=False,
                    skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                )
                break
            except (aiohttp.ClientConnectorError, TimeoutError) as error:
                raise EngineUnreachable(f"the engine cannot be reached: {error}") from None
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                if not tries:
                    raise EngineUnreachable(f"the engine closed the connection without an answer: {error}") from None
            except aiohttp.ClientError as error:
                raise EngineUnreachable(f"the engine's answer is no HTTP: {error}") from None
        try:
            yield response
        finally:
            # A connection whose answer was not read to its end is closed, which stops the engine's generation.
            if response.content.at_eof():
                response.release()
            else:
                response.close()

    async def answers(self) -> bool:
        """Whether the engine accepts connections and answers anything."""
        try:
            async with self.send("GET", "/health", CIMultiDict(), None):
                return True
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


def passed_on(headers: Mapping[str, str], without: frozenset[str] = frozenset()) -> CIMultiDict[str]:
    """The headers that go on to the other side: all but those of the connection, and these, in lower case."""
    named = {name.strip().lower() for name in headers.get("connection", "").split(",")}
    left_out = HOP_BY_HOP | named | without
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in left_out)
