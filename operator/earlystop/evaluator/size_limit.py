"""Bounds what one response may hold: a server that sends without end must not fill the evaluator's memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import openai

MOST_BYTES = 4 * 1024 * 1024
MOST_COMPRESSED_BYTES = 64 * 1024
"""Compression, which is not asked for, makes text at most a thousand times smaller."""


class ResponseTooLargeError(openai.OpenAIError):
    """A response that is larger than an answer can be. It is not asked for again."""


class _Bounded(httpx2.AsyncByteStream):
    """The bytes of `stream`. Raises ResponseTooLargeError instead of the byte after the first `most`."""

    def __init__(self, stream: httpx2.AsyncByteStream, most: int) -> None:
        self._stream = stream
        self._left = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            self._left -= len(part)
            if self._left < 0:
                raise ResponseTooLargeError("the response is larger than an answer can be")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


async def limit_size(response: httpx2.Response) -> None:
    """A hook of the HTTP client, called before a response's body is read."""
    if isinstance(response.stream, httpx2.AsyncByteStream):
        plain = response.headers.get("content-encoding", "identity").strip().lower() in ("", "identity")
        response.stream = _Bounded(response.stream, MOST_BYTES if plain else MOST_COMPRESSED_BYTES)
