"""A request is sent a second time only where the first one cannot have begun a generation."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp.base_protocol import BaseProtocol
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from earlystop.injector.upstream import RETRY_WITHIN_SECONDS, EngineUnreachable, Upstream, _Attempt

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BODY = b'{"prompt": "?"}'


class Dropping:
    """An engine that answers its first `answers` requests, and reads and drops each later one after a while."""

    def __init__(self, answers: int, seconds: float) -> None:
        self.received = self.connections = 0
        self._answers, self._seconds = answers, seconds

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await read_request(reader):
                self.received += 1
                if self.received > self._answers:
                    await asyncio.sleep(self._seconds)
                    return
                writer.write(OK)
        finally:
            writer.close()


class ClosingTogether:
    """An engine that answers its first requests once it has so many open, and, once it closes, closes each connection
    that is used a second time."""

    def __init__(self, together: int) -> None:
        self.closes = False
        self.has_closed = asyncio.Event()
        self._together, self._open = together, 0
        self._may_answer = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        was_used = False
        try:
            while await read_request(reader):
                if was_used and self.closes:
                    self.has_closed.set()
                    return
                self._open += 1
                if self._open == self._together:
                    self._may_answer.set()
                await self._may_answer.wait()
                writer.write(OK)
                was_used = True
        finally:
            writer.close()


async def read_request(reader: asyncio.StreamReader) -> bool:
    """Whether there was one."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return False
    length = re.search(rb"content-length: (\d+)", head.lower())
    await reader.readexactly(int(length[1]) if length else 0)
    return True


@asynccontextmanager
async def before(engine: Dropping | ClosingTogether) -> AsyncIterator[Upstream]:
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


async def test_a_process_that_is_held_up_finds_a_closed_connection_late_and_sends_again_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A node that is short of processors stops the whole process, longer than an engine is waited for."""
    monkeypatch.setattr("earlystop.injector.upstream.RETRY_WITHIN_SECONDS", 0.2)
    engine = ClosingTogether(1)
    async with before(engine) as upstream:
        assert await ask(upstream) == b"ok"
        engine.closes = True
        asked = asyncio.ensure_future(ask(upstream))
        await engine.has_closed.wait()
        time.sleep(0.6)  # noqa: ASYNC251 - all of the process stands still, so neither side has a turn
        assert await asked == b"ok"


@pytest.mark.parametrize("body", [BODY, None], ids=["with a body", "without a body"])
@pytest.mark.parametrize("idle", [1, 2, 16])
async def test_an_engine_that_closed_all_its_idle_connections_at_once_costs_no_request(
    idle: int, body: bytes | None
) -> None:
    """The second try does not take another of the closed connections. All are closed while the request is on its way,
    as when an engine's time for idle connections ends, so that none is known to be closed before."""
    engine = ClosingTogether(idle)
    async with before(engine) as upstream:
        async with asyncio.TaskGroup() as together:
            for _ in range(idle):
                together.create_task(ask(upstream))
        engine.closes = True
        assert await ask(upstream, body) == b"ok"


async def test_a_body_that_can_be_read_but_once_never_goes_into_an_idle_connection() -> None:
    engine = Dropping(answers=2, seconds=0.0)
    async with before(engine) as upstream:
        assert await ask(upstream) == b"ok"
        stream = aiohttp.StreamReader(BaseProtocol(asyncio.get_running_loop()), 2**16)
        stream.feed_data(BODY)
        stream.feed_eof()
        assert await ask(upstream, stream) == b"ok"
    assert engine.connections == 2


@given(st.none() | st.floats(0, 1e6), st.floats(0, 1e3))
def test_only_a_quick_end_of_an_idle_connection_tells_that_nobody_read_the_request(
    reused_at: float | None, passed: float
) -> None:
    now = (reused_at or 0.0) + passed
    told = _Attempt(reused_at).met_a_closed_connection(now)
    assert told == (reused_at is not None and now - reused_at <= RETRY_WITHIN_SECONDS)
