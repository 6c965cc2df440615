"""One knob written into one body, for the tests."""

from __future__ import annotations

import json
from typing import Any

from earlystop.api.body_knobs import KNOBS, Api, Engine, Knob
from earlystop.injector.body import Effect, edited

CHAT = Api.CHAT_COMPLETIONS


def with_knob(
    body: dict[str, Any], knob: Knob, value: str, *, engine: Engine = Engine.VLLM, api: Api = CHAT
) -> tuple[dict[str, Any], Effect]:
    """The body that the engine gets, and what was done to it."""
    change = edited(json.dumps(body).encode(), api, {"it": (KNOBS[engine][knob], value)})
    return json.loads(change.body), change.effects["it"]
