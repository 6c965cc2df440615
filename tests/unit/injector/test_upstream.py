"""A request is sent a second time only where the first one cannot have begun a generation."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.base_protocol import BaseProtocol
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from earlystop.injector import lasting_resolver
from earlystop.injector.lasting_resolver import LastingResolver
from earlystop.injector.turns_clock import STEP_SECONDS
from earlystop.injector.upstream import (
    PAUSES_BEFORE_CONNECTING_AGAIN,
    RETRY_WITHIN_SECONDS,
    EngineUnreachable,
    Upstream,
    _Attempt,
)
from tests.unit.closed_port import bound_socket, closed_port, port_of

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
                    # In steps of the injector's clock, which sees one step however long the process was held up.
                    for _ in range(round(self._seconds / STEP_SECONDS)):
                        await asyncio.sleep(STEP_SECONDS)
                    return
                writer.write(OK)
        finally:
            writer.close()


class Elsewhere(AbstractResolver):
    """A cluster's DNS: it knows one name, and may fail or fall silent. asked: how often it was."""

    def __init__(self) -> None:
        self.asked, self.fault = 0, ""

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        self.asked += 1
        if self.fault == "silent":
            await asyncio.Event().wait()
        if self.fault == "failing":
            raise socket.gaierror("temporary failure in name resolution")
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing to close."""


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
    engine = Dropping(answers=1, seconds=0.3)
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
        assert await ask(upstream, stream_of_body()) == b"ok"
    assert engine.connections == 2


def stream_of_body() -> aiohttp.StreamReader:
    stream = aiohttp.StreamReader(BaseProtocol(asyncio.get_running_loop()), 2**16)
    stream.feed_data(BODY)
    stream.feed_eof()
    return stream


@pytest.mark.parametrize("kind", ["a body", "no body", "a stream"])
async def test_a_connection_that_does_not_come_about_is_opened_again_whatever_the_request(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a Service, one of whose Pods has just gone: another connection leads to another Pod."""
    engine, held, servers = Dropping(answers=9, seconds=0.0), bound_socket(), []

    class AnotherPod(Elsewhere):
        async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
            if self.asked == 1:
                servers.append(await asyncio.start_server(engine.serve, sock=held))
            return await super().resolve(host, port, family)

    dns = AnotherPod()
    monkeypatch.setattr(lasting_resolver, "DefaultResolver", lambda: dns)
    upstream = Upstream(f"http://qwen.llm.svc:{port_of(held)}")
    try:
        assert await ask(upstream, {"a body": BODY, "no body": None, "a stream": stream_of_body()}[kind]) == b"ok"
    finally:
        await upstream.close()
        for server in servers:
            server.close()
        held.close()
    assert engine.received == engine.connections == 1


async def test_an_engine_that_is_gone_is_told_after_as_many_tries_as_there_are_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dns = Elsewhere()
    monkeypatch.setattr(lasting_resolver, "DefaultResolver", lambda: dns)
    with closed_port() as port:
        upstream = Upstream(f"http://qwen.llm.svc:{port}")
        try:
            with pytest.raises(EngineUnreachable, match="cannot be reached"):
                await ask(upstream)
            assert dns.asked == 1 + len(PAUSES_BEFORE_CONNECTING_AGAIN)
            assert not await upstream.answers()
        finally:
            await upstream.close()


@pytest.mark.parametrize("fault", ["failing", "silent"])
async def test_an_engine_is_found_while_the_clusters_dns_is_away(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lasting_resolver, "PATIENCE_SECONDS", 0.02)
    engine = Dropping(answers=9, seconds=0.0)
    server = await asyncio.start_server(engine.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    dns = Elsewhere()
    monkeypatch.setattr(lasting_resolver, "DefaultResolver", lambda: dns)
    upstream = Upstream(f"http://qwen.llm.svc:{port}")
    try:
        assert await ask(upstream, stream_of_body()) == b"ok"
        dns.fault = fault
        for connector in upstream._connectors:
            connector.clear_dns_cache()
        assert await ask(upstream, stream_of_body()) == b"ok"
        assert dns.asked == 2
    finally:
        await upstream.close()
        server.close()


async def test_a_name_that_moved_is_followed_and_one_that_was_never_known_fails() -> None:
    addresses = {"qwen": ["10.0.0.1"]}

    class Names(Elsewhere):
        async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
            (known,) = await super().resolve(host, port, family)
            return [ResolveResult({**known, "host": each}) for each in addresses[host]]

    dns = Names()
    names = LastingResolver(dns)
    assert [each["host"] for each in await names.resolve("qwen", 80)] == ["10.0.0.1"]
    addresses["qwen"] = ["10.0.0.2"]
    assert [each["host"] for each in await names.resolve("qwen", 80)] == ["10.0.0.2"]
    dns.fault = "failing"
    assert [each["host"] for each in await names.resolve("qwen", 80)] == ["10.0.0.2"]
    with pytest.raises(OSError, match="temporary failure"):
        await names.resolve("other", 80)
    await names.close()


@given(st.booleans(), st.floats(0, 1e6), st.floats(0, 1e3))
def test_only_a_quick_end_of_an_idle_connection_tells_that_nobody_read_the_request(
    opened: bool, began: float, passed: float
) -> None:
    now = began + passed
    told = _Attempt(began, opened).met_a_closed_connection(now)
    assert told == (not opened and now - began <= RETRY_WITHIN_SECONDS)
