"""Asks one question over an OpenAI-compatible API. Retries happen below this line, so nothing is counted twice."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from openai import APIStatusError, RateLimitError, Timeout

from earlystop.evaluator.address import shown_url
from earlystop.evaluator.chat_api import ChatApi
from earlystop.evaluator.completion import read_completion
from earlystop.evaluator.grading import Answer, Attribution
from earlystop.evaluator.notices import Notices, kind_of, reason_of, what_to_check
from earlystop.evaluator.pin import Pin

MOST_SECONDS_TO_CONNECT = 60.0


@dataclass(frozen=True, slots=True)
class AskSettings:
    """Where and how to ask.

    base_url: of the API, with its /v1; headers: sent with each request, `Host` where a gateway routes by it;
    max_tokens: asked of the server, None for its default; retries: after the first try, on 408, 409, 429, 5xx and lost
    connections; timeout_seconds: of each wait for bytes, so of a whole answer that is not streamed, and no shorter than
    users wait, as a later one counts as none; deadline_seconds: of all tries of one question together, which also ends
    an answer that drips; system: a system message, such as how to phrase the answer;
    stream: whether answers are asked for as streams, as users do.
    """

    base_url: str
    model: str
    api_key: str = "none"
    headers: Mapping[str, str] = field(default_factory=dict)
    max_tokens: int | None = None
    temperature: float | None = None
    system: str | None = None
    stream: bool = False
    retries: int = 3
    timeout_seconds: float = 300.0
    deadline_seconds: float = 600.0


class Asker(ChatApi):
    """Use as an async context manager."""

    def __init__(self, settings: AskSettings, pin: Pin) -> None:
        self._settings = settings
        self._pin = pin
        self._notices = Notices()
        super().__init__(
            settings.base_url,
            settings.api_key,
            headers=settings.headers,
            retries=settings.retries,
            timeout=Timeout(settings.timeout_seconds, connect=min(settings.timeout_seconds, MOST_SECONDS_TO_CONNECT)),
        )

    async def ask(self, question: str, variant: str, body: str = "") -> Answer:
        """The answer of one variant; without text when every try failed, whatever the reason was. Never raises.

        body: fields of the request besides, as a JSON object, such as its tools; "" for none.
        """
        try:
            async with asyncio.timeout(self._settings.deadline_seconds):
                response = await self._client.chat.completions.with_raw_response.create(
                    model=self._settings.model,
                    messages=self._messages(question),
                    extra_headers=dict(self._pin.request(variant)),
                    **self._options(body),
                )
                completion = read_completion(response.content)
        except Exception as error:  # a stranger's server can do anything, and must not end the service
            self._log_failure(variant, kind_of(error), reason_of(error) + what_to_check(error))
            return Answer(
                None,
                tokens=0 if _made_no_tokens(error) else None,
                attribution=self._attribution(error.response.headers) if isinstance(error, APIStatusError) else None,
                is_rate_limited=isinstance(error, RateLimitError),
            )
        if completion is None:
            self._log_failure(
                variant, "unreadable", "what came is no chat completion; check --url, which ends with /v1"
            )
            return Answer(None, attribution=self._attribution(response.headers))
        return Answer(
            text=completion.text,
            arguments=completion.arguments,
            finish_reason=completion.finish_reason,
            tokens=completion.tokens,
            attribution=self._attribution(response.headers),
        )

    def _attribution(self, headers: Mapping[str, str]) -> Attribution | None:
        return self._pin.attribution({name.lower(): value for name, value in headers.items()})

    def _log_failure(self, variant: str, kind: str, why: str) -> None:
        where = shown_url(self._settings.base_url)
        self._notices.warn(
            f"{variant} {kind}",
            f"no answer from {where}, asked of variant {variant}: {why}. Where the other variant answers, it counts as "
            "a wrong one, but not for status 429, nor before this variant's first answer of a step.",
        )

    def _messages(self, question: str) -> Any:
        system = [] if self._settings.system is None else [{"role": "system", "content": self._settings.system}]
        return [*system, {"role": "user", "content": question}]

    def _options(self, body: str) -> dict[str, Any]:
        wanted = {"max_tokens": self._settings.max_tokens, "temperature": self._settings.temperature}
        # Not as the library's own argument: so the answer is read whole, as bytes, whatever it is.
        streamed = {"stream": True, "stream_options": {"include_usage": True}} if self._settings.stream else {}
        more = {**streamed, **(json.loads(body) if body else {})}
        return {name: value for name, value in wanted.items() if value is not None} | (
            {"extra_body": more} if more else {}
        )


def _made_no_tokens(error: BaseException | None) -> bool:
    """Whether the last try cannot have cost an output token: an error's status, or nobody who could be reached."""
    if isinstance(error, APIStatusError):
        return True
    while error is not None:
        if isinstance(error, (ConnectionRefusedError, socket.gaierror)):
            return True
        error = error.__cause__ or error.__context__
    return False
