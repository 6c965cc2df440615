"""What a tenant's server answers to a probe takes no memory, no time and no request of the operator's elsewhere."""

from __future__ import annotations

import asyncio
import gzip
import os
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest

from earlystop.api.wire import ECHO_HEADER, IN_FORCE_MARK
from earlystop.delivery.probes import engine_check, sending
from earlystop.delivery.probes.engine_check import ask_engine
from earlystop.delivery.probes.sending import ask
from earlystop.delivery.proof import ProbeResult, ProbeTarget, Proof
from tests.cluster.slowed import CoreWaits

SECONDS = 0.4
"""That an answer may take in these tests."""
MOST_BYTES = 24 << 20
GIBIBYTE = gzip.compress(b"\0" * (64 << 20)) * 16
"""One that stands for a gibibyte in a mebibyte."""
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
ECHO = f"n1{IN_FORCE_MARK};r1;candidate"
OK = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{ECHO_HEADER}: {ECHO}\r\n".encode()
"""The head of an answer that seems to have come by the overlay, so that the body is read."""


async def bomb(to: asyncio.StreamWriter) -> None:
    to.write(OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(GIBIBYTE) + GIBIBYTE)
    await to.drain()


async def drips_its_head(to: asyncio.StreamWriter) -> None:
    await drip(to, OK, b"x-%d: y\r\n")


async def drips_its_body(to: asyncio.StreamWriter) -> None:
    await drip(to, OK + b"content-length: 1000000\r\n\r\n", b"%d ")


async def is_always_about_to_answer(to: asyncio.StreamWriter) -> None:
    await drip(to, b"", b"HTTP/1.1 103 Early Hints\r\nlink: %d\r\n\r\n")


async def sends_a_line_without_end(to: asyncio.StreamWriter) -> None:
    await flood(to, OK + b"x: ", b"y" * 65_536)


async def sends_headers_without_end(to: asyncio.StreamWriter) -> None:
    await flood(to, OK, b"x: y\r\n" * 1000)


async def sends_a_body_without_end(to: asyncio.StreamWriter) -> None:
    await flood(to, OK + b"transfer-encoding: chunked\r\n\r\n", b"10000\r\n" + b"y" * 65_536 + b"\r\n")


async def is_no_http(to: asyncio.StreamWriter) -> None:
    await flood(to, b"\x16\x03\x01", b"\0" * 65_536)


async def lies_about_its_length(to: asyncio.StreamWriter) -> None:
    to.write(OK + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello!")
    await to.drain()


async def drip(to: asyncio.StreamWriter, begin: bytes, piece: bytes) -> None:
    to.write(begin)
    for number in range(10_000):
        to.write(piece % number)
        await to.drain()
        await asyncio.sleep(0.01)


async def flood(to: asyncio.StreamWriter, begin: bytes, piece: bytes) -> None:
    to.write(begin)
    for _ in range(100_000):
        to.write(piece)
        await to.drain()


HOSTILE: dict[str, Answer] = {
    each.__name__: each
    for each in (
        bomb,
        drips_its_head,
        drips_its_body,
        is_always_about_to_answer,
        sends_a_line_without_end,
        sends_headers_without_end,
        sends_a_body_without_end,
        is_no_http,
        lies_about_its_length,
    )
}


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[str]:
    """A server that reads a request's head, and answers so."""

    async def serve(request: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await request.readuntil(b"\r\n\r\n")
            await answer(to)
        to.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/chat/completions"
    finally:
        server.close()


def target(url: str) -> ProbeTarget:
    return ProbeTarget(url, "qa.example.com", "n1", (), "r1", (("candidate", 100),))


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = aiohttp.ClientTimeout(total=SECONDS, connect=SECONDS)
    monkeypatch.setattr(sending, "TIMEOUT", limit)
    monkeypatch.setattr(engine_check, "_TIMEOUT", limit)


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
async def test_a_probe_and_a_question_to_the_engine_end_in_time_and_within_little_memory(name: str) -> None:
    with CoreWaits(lambda: [os.getpid()]) as waits:
        async with answering(HOSTILE[name]) as url, aiohttp.ClientSession() as session:
            tracemalloc.start()
            began = time.monotonic()
            answered = await ask(session, target(url))
            assert answered == ECHO or (isinstance(answered, ProbeResult) and answered.proof is not Proof.IN_FORCE)
            assert await ask_engine(session, [target(url)]) is None
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        waits.assert_within(8 * SECONDS, began, "a probe and the questions for a model had ended")
    assert peak < MOST_BYTES + len(GIBIBYTE), f"{peak:,} bytes"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 300])
async def test_no_answer_leads_a_probe_or_a_question_to_another_address(status: int) -> None:
    met: list[bytes] = []

    async def elsewhere(to: asyncio.StreamWriter) -> None:
        met.append(b"met")
        to.write(OK + f"{ECHO_HEADER}: x\r\n".encode() + b"content-length: 2\r\n\r\n{}")
        await to.drain()

    async with answering(elsewhere) as other:

        async def leads(to: asyncio.StreamWriter) -> None:
            head = f"HTTP/1.1 {status} Elsewhere\r\nlocation: {other}\r\nrefresh: 0; url={other}\r\n"
            to.write(f"{head}content-length: 0\r\n\r\n".encode())
            await to.drain()

        async with answering(leads) as url, aiohttp.ClientSession() as session:
            answered = await ask(session, target(url))
            assert isinstance(answered, ProbeResult) and answered.proof is Proof.UNSUPPORTED
            assert await ask_engine(session, [target(url)]) is None
    assert met == []
