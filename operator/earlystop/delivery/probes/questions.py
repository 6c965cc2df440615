"""Whole requests of the operator's own, for an engine that answers them or a gateway that reads their bodies."""

from __future__ import annotations

import json
from typing import Any

from yarl import URL

from earlystop.api.body_knobs import Api, api_of

PROBE_MODEL = "early-stop"
"""The model that a probe names: no engine gets to see it."""
LARGE_CAP = 8192
_HELLO = {"messages": [{"role": "user", "content": "Hello"}]}


def question_of(api: Api, model: str | None) -> dict[str, Any]:
    """The shortest request of an API. model: as the engine names it, None to leave that to the engine."""
    named = {} if model is None else {"model": model}
    match api:
        case Api.COMPLETIONS:
            return {**named, "prompt": "Hello", "max_tokens": 1}
        case Api.RESPONSES:
            return {**named, "input": "Hello", "max_output_tokens": 16}
        case Api.MESSAGES | Api.CHAT_COMPLETIONS:
            return {**named, **_HELLO, "max_tokens": 1}


def open_question_of(api: Api, model: str | None) -> dict[str, Any]:
    """The shortest request without a cap, or with a large one where the API demands one: a setting has something to
    bound. It is answered by a stream, of which nobody needs more than the beginning."""
    question = question_of(api, model)
    for cap in ("max_tokens", "max_output_tokens"):
        question.pop(cap, None)
    demanded = {"max_tokens": LARGE_CAP} if api is Api.MESSAGES else {}
    return {**question, **demanded, "stream": True}


def probe_body(url: str, *, reads_bodies: bool) -> bytes:
    """The body of a probe to this address: nothing, or a request that a gateway which reads bodies can read."""
    api = api_of(URL(url).path) if reads_bodies else None
    return b"{}" if api is None else json.dumps(question_of(api, PROBE_MODEL)).encode()
