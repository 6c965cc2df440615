"""An engine that answers as recorded engines do, and keeps what it was sent: real HTTP, and no model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TOKENS = 7


@dataclass
class StubEngine:
    """answer: what a request gets, by its body; None for an ordinary answer. received: the requests, as they came.
    refuses: what it says, with status 422, to bodies that hold these bytes."""

    received: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)
    pieces: list[bytes] | None = None
    status: int = 200
    plain: bytes | None = None
    hangs: bool = False
    cancelled: int = 0
    breaks_off: bool = False
    stream_type: str = "text/event-stream; charset=utf-8"
    refuses: Mapping[bytes, bytes] = field(default_factory=dict)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.received.append((body, dict(request.headers)))
        if self.hangs:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        for part, words in self.refuses.items():
            if part in body:
                return web.Response(body=words, status=422, content_type="application/json")
        if self.pieces is None and (self.status != 200 or not _streams(body)):
            return web.Response(body=self.plain or completion(), status=self.status, content_type="application/json")
        response = web.StreamResponse(headers={"Content-Type": self.stream_type})
        await response.prepare(request)
        for piece in self.pieces if self.pieces is not None else stream_of(asks_usage=b"include_usage" in body):
            await response.write(piece)
            await asyncio.sleep(0)
        if self.breaks_off:
            assert request.transport is not None
            request.transport.abort()
            return response
        await response.write_eof()
        return response


def _streams(body: bytes) -> bool:
    try:
        return json.loads(body).get("stream") is True
    except (ValueError, AttributeError, RecursionError):
        return False


def completion(**changes: Any) -> bytes:
    """A chat completion as vLLM writes it."""
    message: dict[str, Any] = {"role": "assistant", "content": "4", "reasoning": None, "tool_calls": []}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "stop_reason": None}
    usage = {"prompt_tokens": 3, "total_tokens": 3 + TOKENS, "completion_tokens": TOKENS}
    answer = {"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice], "usage": usage}
    return json.dumps(answer | changes).encode()


def event(told: Any) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(told).encode() + b"\n\n"


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    """One event of a chat completion's stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return event({"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice], **more})


USAGE_EVENT = event(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "choices": [],
        "usage": {"prompt_tokens": 3, "total_tokens": 3 + TOKENS, "completion_tokens": TOKENS},
    }
)
DONE = b"data: [DONE]\n\n"


def stream_of(*, asks_usage: bool) -> list[bytes]:
    """A whole stream, event by event."""
    words = [chunk({"role": "assistant", "content": ""}), chunk({"content": "fo"}), chunk({"content": "ur"}, "length")]
    return [*words, *([USAGE_EVENT] if asks_usage else []), DONE]


@asynccontextmanager
async def running(engine: StubEngine) -> AsyncIterator[str]:
    """Serves while the block runs; gives the URL."""
    app = web.Application(client_max_size=80 << 20)
    app.router.add_route("*", "/{path:.*}", engine.serve)
    runner = web.AppRunner(app, handler_cancellation=True, auto_decompress=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
