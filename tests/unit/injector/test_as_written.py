"""What passes is as its sender wrote it: paths, large headers, spaces around a body, streams of every kind of line end.

Written and read as bytes on sockets, since clients and servers of HTTP would tidy up what is asked here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from earlystop.api.body_knobs import Api
from earlystop.injector.event_stream import EventStream
from tests.unit.injector.stub_engine import TOKENS, completion
from tests.unit.injector.through import CHAT, HEADERS, Client, client_of

LARGE = b"a" * 20_000
"""As cookies and tokens of single sign-on may be. Uvicorn, before vLLM and SGLang, takes 64 KiB of headers."""
OURS = b"".join(f"{name}: {value}\r\n".encode() for name, value in HEADERS.items())


class RawEngine:
    """Answers each request with a completion, and these headers. received: heads and bodies, as they came."""

    def __init__(self, headers: bytes = b"") -> None:
        self.received: list[tuple[bytes, bytes]] = []
        self._headers = headers

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(each[15:]) for each in head.lower().split(b"\r\n") if each.startswith(b"content-length:")), 0
        )
        self.received.append((head, await reader.readexactly(length)))
        start = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n" + self._headers
        writer.write(start + b"Content-Length: %d\r\n\r\n" % len(completion()) + completion())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def before(engine: RawEngine) -> AsyncIterator[Client]:
    server = await asyncio.start_server(engine.serve, "127.0.0.1", 0, limit=1 << 20)
    host, port = server.sockets[0].getsockname()
    try:
        async with client_of(f"http://{host}:{port}") as asking:
            yield asking
    finally:
        server.close()


async def post(asking: Client, path: bytes = CHAT.encode(), headers: bytes = b"", body: bytes = b"{}") -> bytes:
    """The whole answer to one request."""
    host, _, port = asking.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    start = b"POST " + path + b" HTTP/1.1\r\nHost: qa\r\nConnection: close\r\n" + OURS + headers
    writer.write(start + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return answer


@pytest.mark.parametrize(
    "path", ["/v1/chat/completions?a=b%20c&d=%2F", "//v1/chat/completions", "/x/../v1/chat/completions", "/v1/a%2Fb??c"]
)
async def test_a_path_reaches_the_engine_as_the_client_wrote_it(path: str) -> None:
    engine = RawEngine()
    async with before(engine) as asking:
        assert (await post(asking, path.encode())).endswith(completion())
    assert engine.received[0][0].startswith(f"POST {path} HTTP/1.1\r\n".encode())


async def test_a_target_with_a_host_goes_on_as_its_path() -> None:
    engine = RawEngine()
    async with before(engine) as asking:
        assert (await post(asking, b"http://qa/v1/chat/completions?a=1")).endswith(completion())
    assert engine.received[0][0].startswith(b"POST /v1/chat/completions?a=1 HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (CHAT.encode(), b"Cookie: " + LARGE + b"\r\n"),
        (CHAT.encode() + b"?a=" + LARGE, b""),
        (CHAT.encode(), b"".join(b"x-%d: a\r\n" % number for number in range(300))),
    ],
    ids=["a large header", "a long address", "many headers"],
)
async def test_a_request_that_an_engine_takes_is_refused_by_no_smaller_limit(path: bytes, headers: bytes) -> None:
    engine = RawEngine()
    async with before(engine) as asking:
        assert (await post(asking, path, headers)).endswith(completion())
        assert (await asking.counts())["completed"] == 1
    head = engine.received[0][0]
    assert path in head and all(each in head for each in headers.split(b"\r\n"))


@pytest.mark.parametrize("headers", [b"x-large: " + LARGE + b"\r\n", b"".join(b"x-%d: a\r\n" % n for n in range(300))])
async def test_an_answer_with_large_headers_reaches_the_client(headers: bytes) -> None:
    async with before(RawEngine(headers)) as asking:
        answer = await post(asking)
        assert answer.endswith(completion()) and all(each in answer for each in headers.split(b"\r\n"))
        assert (await asking.counts())["tokens"] == TOKENS


async def test_spaces_around_a_body_stay() -> None:
    engine = RawEngine()
    async with before(engine) as asking:
        await post(asking, body=b' \r\n\t{ "max_tokens" : 100 } \n')
    assert engine.received[0][1] == b' \r\n\t{ "max_tokens" : 20 } \n'


async def test_headers_of_every_connection_line_stay_on_this_side() -> None:
    engine = RawEngine()
    async with before(engine) as asking:
        await post(asking, headers=b"Connection: x-one\r\nConnection: x-two\r\nx-one: 1\r\nx-two: 2\r\nx-three: 3\r\n")
    head = engine.received[0][0]
    assert b"x-one" not in head and b"x-two" not in head and b"x-three: 3" in head


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_stream_is_counted_whatever_ends_its_lines(end: bytes) -> None:
    told = b'{"choices":[{"delta":{"content":"h\xc3\xa9"},"finish_reason":"stop"}],"usage":{"completion_tokens":2}}'
    lines = [b": comment", b"retry: 10", b"id: 1", b"event: x", b"data: " + told, b"", b"data: [DONE]", b"", b""]
    stream = end.join(lines)
    events = EventStream(Api.CHAT_COMPLETIONS, hides_usage=True)
    passed = b"".join(events.feed(bytes([each])) for each in stream) + events.rest()
    assert passed == stream
    assert events.answer is not None and (events.answer.tokens, events.answer.finishes) == (2, ("stop",))
