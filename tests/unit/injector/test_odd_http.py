"""HTTP as few engines and clients speak it, byte by byte on sockets: whole answers pass and count, broken ones fail."""

from __future__ import annotations

import asyncio
import logging
import random
import re
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from tests.unit.injector.stub_engine import TOKENS, StubEngine, completion, stream_of
from tests.unit.injector.through import CHAT, HEADERS, Client, client, client_of

WHOLE = completion()
EVENTS = stream_of(asks_usage=True)
PASSED = b"".join(stream_of(asks_usage=False))
JSON, SSE = b"application/json", b"text/event-stream"
OURS = b"".join(f"{name}: {value}\r\n".encode() for name, value in HEADERS.items())
BODY = b'{"max_tokens": 100}'
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: qa\r\n" + OURS


def plain(headers: bytes = b"", length: int | None = None) -> bytes:
    """A whole answer. length: as its header says, None for its own."""
    own = len(WHOLE) if length is None else length
    return b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n%sContent-Length: %d\r\n\r\n%s" % (JSON, headers, own, WHOLE)


def chunked(pieces: list[bytes], kind: bytes, extension: bytes = b"", trailers: bytes = b"") -> bytes:
    """An answer in chunks, without its end where `trailers` is no line."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n" % kind
    chunks = b"".join(b"%X%s\r\n%s\r\n" % (len(each), extension, each) for each in pieces)
    return head + chunks + (b"0\r\n" + trailers + b"\r\n" if trailers != b"none" else b"")


ANSWERS: dict[str, tuple[bytes, bytes]] = {
    "100 first": (b"HTTP/1.1 100 Continue\r\n\r\n" + plain(), WHOLE),
    "102 twice": (b"HTTP/1.1 102 Processing\r\n\r\n" * 2 + plain(), WHOLE),
    "early hints": (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + plain(), WHOLE),
    "chunks with extensions": (chunked([WHOLE[:9], WHOLE[9:]], JSON, b';name="v;x"'), WHOLE),
    "trailers": (chunked([WHOLE], JSON, trailers=b"X-Sum: 1\r\nExpires: 0\r\n"), WHOLE),
    "a stream with both": (chunked(EVENTS, SSE, b";a=b", b"X-Sum: 1\r\n"), PASSED),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + WHOLE, WHOLE),
    "a stream of HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + b"".join(EVENTS), PASSED),
    "no reason": (plain().replace(b"200 OK", b"200"), WHOLE),
    "no headers": (b"HTTP/1.1 200 OK\r\n\r\n" + WHOLE, WHOLE),
    "an empty line first": (b"\r\n" + plain(), WHOLE),
    "bytes that are no UTF-8": (plain(b"X-Name: caf\xe9\r\n"), WHOLE),
}
BROKEN: dict[str, bytes] = {
    "a length too long": plain(length=len(WHOLE) + 50),
    "a length too short": plain(length=len(WHOLE) - 5),
    "two lengths": plain(b"Content-Length: 3\r\n"),
    "chunks without an end": chunked([WHOLE], JSON, trailers=b"none"),
    "a header of 70,000 bytes": plain(b"X-Long: " + b"a" * 70_000 + b"\r\n"),
    "no HTTP": b"\x16\x03\x01\x02\x00",
    "nothing": b"",
}


@asynccontextmanager
async def before(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[Client]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, client_of(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as asking:
        yield asking


async def has_request(reader: asyncio.StreamReader) -> bool:
    """Whether one came, and not the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return False
    length = re.search(rb"content-length: (\d+)", head.lower())
    await reader.readexactly(int(length[1]) if length else 0)
    return True


def saying(
    raw: bytes, *, resets: bool = False
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """An engine that writes these bytes and ends the connection, by a reset as a process that was killed."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await has_request(reader)
        writer.write(raw)
        await writer.drain()
        if resets:
            now = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
            writer.transport.abort()
        writer.close()

    return serve


@pytest.mark.parametrize("what", ANSWERS)
async def test_an_answer_that_is_whole_by_the_rules_of_http_passes_and_counts(what: str) -> None:
    raw, passed = ANSWERS[what]
    async with before(saying(raw)) as asking:
        sent = {"stream": passed is PASSED}
        async with asking.session.post(CHAT, json=sent, headers=HEADERS) as answer:
            assert (answer.status, await answer.read()) == (200, passed)
        found = await asking.counts()
    assert (found["completed"], found["tokens"], found["failed"]) == (1, TOKENS, 0)


@pytest.mark.parametrize("what", BROKEN)
async def test_an_answer_that_is_not_has_failed_and_the_client_is_told(what: str) -> None:
    async with before(saying(BROKEN[what])) as asking:
        async with asking.session.post(CHAT, json={}, headers=HEADERS) as answer:
            assert answer.status == 502 and "early-stop injector" in (await answer.json())["error"]["message"]
        found = await asking.counts()
    assert (found["started"], found["completed"], found["failed"]) == (1, 0, 1)


@pytest.mark.parametrize("resets", [False, True], ids=["closed", "reset"])
async def test_a_stream_of_an_engine_that_restarts_breaks_off_for_the_client_and_the_next_request_is_served(
    resets: bool,
) -> None:
    answers = iter([saying(chunked(EVENTS[:2], SSE, trailers=b"none"), resets=resets), saying(chunked(EVENTS, SSE))])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next(answers)(reader, writer)

    async with before(serve) as asking:
        with pytest.raises(aiohttp.ClientError):
            async with asking.session.post(CHAT, json={"stream": True}, headers=HEADERS) as answer:
                await answer.read()
        async with asking.session.post(CHAT, json={"stream": True}, headers=HEADERS) as answer:
            assert await answer.read() == PASSED
        found = await asking.counts()
    assert (found["started"], found["completed"], found["failed"]) == (2, 1, 1)


PIECE, PIECES = b"data: " + b"x" * (1 << 20) + b"\n\n", 32


@pytest.mark.slow
async def test_a_client_that_reads_nothing_holds_the_engine_up_and_no_stream_is_gathered_in_memory() -> None:
    written, is_held_up, has_ended = 0, asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await has_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        for _ in range(PIECES):
            writer.write(PIECE)
            drained = asyncio.ensure_future(writer.drain())
            if not (await asyncio.wait([drained], timeout=1.0))[0]:
                is_held_up.set()
            await drained
            written += len(PIECE)
        writer.close()
        has_ended.set()

    async with before(serve) as asking:
        async with asking.session.post(CHAT, json={"stream": True}, headers=HEADERS) as answer:
            waits = [asyncio.ensure_future(each.wait()) for each in (is_held_up, has_ended)]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            assert not has_ended.is_set()
            # What sockets and readers hold on the way.
            assert written < 16 << 20
            assert await answer.read() == PIECE * PIECES
        for each in waits:
            each.cancel()
        assert (await asking.counts())["failed"] == 1, "it told no usage"


class Impatient:
    """An engine that closes each connection after a random, very short time without a request, as one that restarts
    its idle clock badly. received: requests that it has read."""

    def __init__(self, rng: random.Random, longest_seconds: float) -> None:
        self.received = 0
        self._rng, self._longest = rng, longest_seconds

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        patience: float | None = None  # for the first request of a connection it waits
        try:
            while await asyncio.wait_for(has_request(reader), patience):
                self.received += 1
                patience = self._rng.uniform(0, self._longest)
                writer.write(plain())
        except TimeoutError:
            pass
        finally:
            writer.close()


@pytest.mark.slow
@pytest.mark.parametrize("longest_seconds", [0.005, 0.05])
async def test_connections_that_close_while_requests_come_cost_none_and_none_is_generated_twice(
    longest_seconds: float,
) -> None:
    rng, engine, count = random.Random(5), Impatient(random.Random(6), longest_seconds), 400
    async with before(engine.serve) as asking:
        left = iter(range(count))

        async def ask() -> None:
            for _ in left:
                await asyncio.sleep(rng.uniform(0, longest_seconds))
                async with asking.session.post(CHAT, json={}, headers=HEADERS) as answer:
                    assert (answer.status, await answer.read()) == (200, WHOLE)

        await asyncio.gather(*(ask() for _ in range(48)))
        assert (await asking.counts())["completed"] == engine.received == count


ASKED: dict[str, bytes] = {
    "HTTP/1.0": HEAD.replace(b"HTTP/1.1", b"HTTP/1.0") + LENGTH + b"\r\n" + BODY,
    "chunks with extensions and trailers": HEAD
    + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n5;a=b\r\n%s\r\n%X\r\n%s\r\n0\r\nX-T: 1\r\n\r\n"
    % (BODY[:5], len(BODY) - 5, BODY[5:]),
    "waits for 100": HEAD + b"Expect: 100-continue\r\nConnection: close\r\n" + LENGTH + b"\r\n" + BODY,
    "the whole address": HEAD.replace(b" /v1", b" http://qa/v1") + b"Connection: close\r\n" + LENGTH + b"\r\n" + BODY,
    "an upgrade that nobody takes": HEAD + b"Connection: Upgrade, close\r\nUpgrade: h2c\r\n" + LENGTH + b"\r\n" + BODY,
}
MALFORMED: dict[str, bytes] = {
    "a key with a zero byte": HEAD + b"Authorization: Bearer sk-secret\x00\r\n" + LENGTH + b"\r\n" + BODY,
    "a space before the colon": HEAD + b"Authorization : Bearer sk-secret\r\n" + LENGTH + b"\r\n" + BODY,
    "a folded line": HEAD + b"Authorization: Bearer\r\n sk-secret\r\n" + LENGTH + b"\r\n" + BODY,
    "two lengths": HEAD + LENGTH + b"Content-Length: 1\r\nX-Key: sk-secret\r\n\r\n" + BODY,
    "a length and chunks": HEAD + LENGTH + b"Transfer-Encoding: chunked\r\n\r\n" + BODY,
    "no host": HEAD.replace(b"Host: qa\r\n", b"") + LENGTH + b"\r\n" + BODY,
    "an address of other bytes": HEAD.replace(b"/v1", "/sk-secret-è/v1".encode()) + LENGTH + b"\r\n" + BODY,
}


async def said(asking: Client, raw: bytes) -> bytes:
    """All that comes back on a connection for these bytes."""
    host, _, port = asking.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(raw)
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return answer


@pytest.mark.parametrize("what", ASKED)
async def test_a_request_in_any_form_that_http_allows_gets_its_setting(what: str) -> None:
    engine = StubEngine()
    async with client(engine) as asking:
        assert (await said(asking, ASKED[what])).endswith(WHOLE)
        assert [body for body, _ in engine.received] == [b'{"max_tokens": 20}']
        assert (await asking.counts())["completed"] == 1


async def test_a_client_that_sends_no_body_before_it_is_asked_for_one_is_asked() -> None:
    engine = StubEngine()
    async with client(engine) as asking:
        host, _, port = asking.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(HEAD + b"Expect: 100-continue\r\nConnection: close\r\n" + LENGTH + b"\r\n")
        asked = b"HTTP/1.1 100 Continue\r\n\r\n"
        assert await asyncio.wait_for(reader.readexactly(len(asked)), 20) == asked
        writer.write(BODY)
        assert (await asyncio.wait_for(reader.read(), 20)).endswith(WHOLE)
        writer.close()


NOT_FOR_THE_ENGINE: dict[str, tuple[bytes, bytes]] = {
    "another expectation": (HEAD + b"Expect: 200-maybe\r\nConnection: close\r\n" + LENGTH + b"\r\n" + BODY, b" 417 "),
    "the server itself": (b"OPTIONS * HTTP/1.1\r\nHost: qa\r\nConnection: close\r\n\r\n", b" 404 "),
    "a tunnel": (b"CONNECT qa:443 HTTP/1.1\r\nHost: qa:443\r\nConnection: close\r\n\r\n", b" 404 "),
}


@pytest.mark.parametrize("what", NOT_FOR_THE_ENGINE)
async def test_what_is_asked_of_a_proxy_itself_goes_to_no_engine(what: str) -> None:
    engine = StubEngine()
    async with client(engine) as asking:
        raw, status = NOT_FOR_THE_ENGINE[what]
        assert status in (await said(asking, raw))[:20]
        assert engine.received == []


@pytest.mark.parametrize("what", MALFORMED)
async def test_what_is_no_request_is_refused_and_no_byte_of_it_is_logged(
    what: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine = StubEngine()
    with caplog.at_level(logging.DEBUG):
        async with client(engine) as asking:
            assert b" 400 " in (await said(asking, MALFORMED[what]))[:20]
            assert (await asking.counts())["started"] == len(engine.received) == 0
    assert "sk-secret" not in caplog.text
