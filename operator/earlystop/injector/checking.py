"""What an injector does where a gateway before it writes: it checks bodies, and answers probes in the API's form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from earlystop.api.body_knobs import Api, BodySetting
from earlystop.injector.body import EditedBody, Effect, edited

_WROTE = (Effect.SET, Effect.LOWERED)
_MODEL = {"model": "early-stop"}
_ANSWERS: Mapping[Api, Mapping[str, Any]] = MappingProxyType(
    {
        Api.CHAT_COMPLETIONS: {
            "id": "chatcmpl-early-stop",
            "object": "chat.completion",
            "created": 0,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        },
        Api.RESPONSES: {
            "id": "resp_early_stop",
            "object": "response",
            "created_at": 0,
            "status": "completed",
            "output": [],
            "usage": {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0},
        },
        Api.MESSAGES: {
            "id": "msg_early_stop",
            "type": "message",
            "role": "assistant",
            "content": [],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 0, "output_tokens": 0},
        },
    }
)


def checked(
    body: bytes, api: Api, settings: Mapping[str, tuple[BodySetting, str]], *, may_ask_usage: bool = True
) -> EditedBody:
    """The body as it should be, and which settings the gateway had not written. They are written here, since a request
    without its variant's setting would be evidence for the wrong one. settings: as in `body.edited`."""
    found = edited(body, api, settings, may_ask_usage=may_ask_usage)
    effects = {name: Effect.MISSING if effect in _WROTE else effect for name, effect in found.effects.items()}
    return replace(found, effects=effects)


def answer_to_probe(api: Api | None) -> bytes | None:
    """An empty answer of an API, since a gateway that reads answers refuses any other; None where it reads none."""
    written = None if api is None else _ANSWERS.get(api)
    return None if written is None else json.dumps({**_MODEL, **written}).encode()
