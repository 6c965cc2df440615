"""A request is sent a second time only where the first one cannot have begun a generation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from earlystop.injector.upstream import RETRY_WITHIN_SECONDS, EngineUnreachable, Upstream, _Attempt

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BODY = b'{"prompt": "?"}'


class Dropping:
    """An engine that answers its first `answers` requests, and reads and drops each later one after a while."""

    def __init__(self, answers: int, seconds: float) -> None:
        self.received = 0
        self._answers, self._seconds = answers, seconds

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._read(reader):
                self.received += 1
                if self.received > self._answers:
                    await asyncio.sleep(self._seconds)
                    return
                writer.write(OK)
        finally:
            writer.close()

    @staticmethod
    async def _read(reader: asyncio.StreamReader) -> bool:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return False
        if b"content-length: 0" not in head.lower():
            await reader.readexactly(len(BODY))
        return True


@asynccontextmanager
async def before(engine: Dropping) -> AsyncIterator[Upstream]:
    server = await asyncio.start_server(engine.serve, "127.0.0.1", 0)
    upstream = Upstream(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        yield upstream
    finally:
        await upstream.close()
        server.close()


async def ask(upstream: Upstream, body: bytes | aiohttp.StreamReader | None = BODY) -> bytes:
    headers = CIMultiDict({"Content-Length": str(len(BODY))} if body else {})
    async with upstream.send("POST", "/v1/completions", headers, body) as answer:
        return await answer.read()


async def test_a_request_that_is_dropped_on_a_new_connection_is_not_sent_again() -> None:
    engine = Dropping(answers=0, seconds=0.0)
    async with before(engine) as upstream:
        with pytest.raises(EngineUnreachable, match="without an answer"):
            await ask(upstream)
    assert engine.received == 1


async def test_a_request_that_is_dropped_at_once_on_an_idle_connection_is_sent_again_but_once() -> None:
    engine = Dropping(answers=1, seconds=0.0)
    async with before(engine) as upstream:
        assert await ask(upstream) == b"ok"
        with pytest.raises(EngineUnreachable, match="without an answer"):
            await ask(upstream)
    assert engine.received == 3


async def test_a_request_that_the_engine_worked_on_before_it_dropped_it_is_not_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("earlystop.injector.upstream.RETRY_WITHIN_SECONDS", 0.05)
    engine = Dropping(answers=1, seconds=0.2)
    async with before(engine) as upstream:
        assert await ask(upstream) == b"ok"
        with pytest.raises(EngineUnreachable, match="without an answer"):
            await ask(upstream)
    assert engine.received == 2


async def test_a_request_without_a_body_is_not_sent_again() -> None:
    engine = Dropping(answers=1, seconds=0.0)
    async with before(engine) as upstream:
        assert await ask(upstream) == b"ok"
        with pytest.raises(EngineUnreachable, match="without an answer"):
            await ask(upstream, None)
    assert engine.received == 2


@given(st.none() | st.floats(0, 1e6), st.floats(0, 1e3))
def test_only_a_quick_end_of_an_idle_connection_tells_that_nobody_read_the_request(
    reused_at: float | None, passed: float
) -> None:
    now = (reused_at or 0.0) + passed
    told = _Attempt(reused_at).met_a_closed_connection(now)
    assert told == (reused_at is not None and now - reused_at <= RETRY_WITHIN_SECONDS)
