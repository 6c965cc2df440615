"""An OpenAI-compatible API, opened in one way by whoever asks it: golden questions, and the judge of their answers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType, TracebackType
from typing import Self

from openai import DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT, AsyncOpenAI, DefaultAsyncHttpxClient, Timeout

from earlystop.evaluator.size_limit import limit_size

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class ChatApi:
    """Use as an async context manager. One connection pool for all questions.

    base_url: of the API, with its /v1. headers: sent with each request. retries: after the first try.
    timeout: of each wait for bytes, in seconds.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        headers: Mapping[str, str] = NO_HEADERS,
        retries: int = DEFAULT_MAX_RETRIES,
        timeout: float | Timeout = DEFAULT_TIMEOUT,
    ) -> None:
        self._client = AsyncOpenAI(
            api_key=api_key,
            base_url=base_url,
            max_retries=retries,
            timeout=timeout,
            # Without compression, the bytes on the wire are the bytes in memory, which `limit_size` bounds.
            default_headers={"Accept-Encoding": "identity", **headers},
            # A redirect would carry questions to a place that nobody has named.
            http_client=DefaultAsyncHttpxClient(event_hooks={"response": [limit_size]}, follow_redirects=False),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()
