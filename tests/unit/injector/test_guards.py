"""No setting makes a request fail: a value that an engine takes alone, and refuses beside another field of the client,
is not written, and is counted as refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from earlystop.api.body_knobs import KNOBS, Api, Apply, Engine, Knob
from earlystop.injector.body import Effect, edited
from tests.unit.injector.editing import CHAT, with_knob

COMPLETIONS, RESPONSES, MESSAGES = Api.COMPLETIONS, Api.RESPONSES, Api.MESSAGES
BODIES = 300
OF_MESSAGES = {Knob.ANSWER_CAP: ("1000", "1500", "2048"), Knob.THINKING_BUDGET: ("512", "1024", "2000")}
Body = dict[str, Any]


def thinking(budget: Any, cap: int = 4096) -> Body:
    return {"max_tokens": cap, "thinking": {"type": "enabled", "budget_tokens": budget}}


@pytest.mark.parametrize(
    ("engine", "api", "knob", "value", "body"),
    [
        (Engine.VLLM, CHAT, Knob.THINKING_BUDGET, "512", {"include_reasoning": False}),
        (Engine.VLLM, CHAT, Knob.THINKING_BUDGET, "0", {"include_reasoning": False, "thinking_token_budget": 900}),
        (Engine.VLLM, CHAT, Knob.SAMPLES, "4", {"temperature": 0}),
        (Engine.VLLM, CHAT, Knob.SAMPLES, "4", {"temperature": 0.0, "n": 8}),
        (Engine.VLLM, CHAT, Knob.SAMPLES, "4", {"temperature": "0"}),
        (Engine.VLLM, CHAT, Knob.SAMPLES, "4", {"temperature": False}),
        (Engine.VLLM, CHAT, Knob.SAMPLES, "4", {"temperature": [1]}),
        (Engine.VLLM, COMPLETIONS, Knob.SAMPLES, "2", {"temperature": 1e-7}),
        (Engine.VLLM, CHAT, Knob.ANSWER_CAP, "100", {"min_tokens": "200", "max_tokens": 400}),
        (Engine.VLLM, COMPLETIONS, Knob.ANSWER_CAP, "100", {"min_tokens": 200.0}),
        (Engine.SGLANG, CHAT, Knob.ANSWER_CAP, "100", {"min_tokens": "200", "max_tokens": 400}),
        (Engine.SGLANG, CHAT, Knob.ANSWER_CAP, "100", {"min_tokens": "many"}),
        (Engine.VLLM, MESSAGES, Knob.ANSWER_CAP, "1500", thinking(2048)),
        (Engine.VLLM, MESSAGES, Knob.THINKING_BUDGET, "512", thinking(2048)),
        (Engine.VLLM, MESSAGES, Knob.THINKING_BUDGET, "1500", thinking(2048, cap=1500)),
        (Engine.OPENAI, MESSAGES, Knob.ANSWER_CAP, "1500", thinking(2048)),
        (Engine.OPENAI, MESSAGES, Knob.ANSWER_CAP, "2048", thinking(2048)),
        (Engine.OPENAI, MESSAGES, Knob.THINKING_BUDGET, "512", thinking(2048)),
        (Engine.OPENAI, MESSAGES, Knob.THINKING_BUDGET, "2000", {"max_tokens": 1500, "thinking": {"type": "enabled"}}),
        (Engine.OPENAI, RESPONSES, Knob.ANSWER_CAP, "15", {"max_output_tokens": 400}),
        (Engine.OPENAI, COMPLETIONS, Knob.SAMPLES, "4", {"best_of": 2}),
    ],
)
def test_a_value_that_the_engine_refuses_beside_the_clients_own_fields_is_not_written(
    engine: Engine, api: Api, knob: Knob, value: str, body: Body
) -> None:
    assert with_knob(body, knob, value, engine=engine, api=api) == (body, Effect.REFUSED)


@pytest.mark.parametrize(
    ("engine", "api", "knob", "value", "body"),
    [
        (Engine.VLLM, CHAT, Knob.THINKING_BUDGET, "512", {"include_reasoning": True}),
        (Engine.VLLM, CHAT, Knob.THINKING_BUDGET, "512", {"include_reasoning": None}),
        (Engine.VLLM, CHAT, Knob.SAMPLES, "4", {}),
        (Engine.VLLM, CHAT, Knob.SAMPLES, "4", {"temperature": None}),
        (Engine.VLLM, CHAT, Knob.SAMPLES, "4", {"temperature": "0.7"}),
        (Engine.VLLM, CHAT, Knob.SAMPLES, "1", {"temperature": 0, "n": 8}),
        (Engine.SGLANG, CHAT, Knob.SAMPLES, "4", {"temperature": 0}),
        (Engine.LLAMA_CPP, CHAT, Knob.SAMPLES, "4", {"temperature": 0}),
        (Engine.VLLM, CHAT, Knob.ANSWER_CAP, "100", {"min_tokens": "100"}),
        (Engine.VLLM, MESSAGES, Knob.ANSWER_CAP, "100", {"min_tokens": 200, "max_tokens": 400}),
        (Engine.VLLM, MESSAGES, Knob.ANSWER_CAP, "2049", thinking(2048)),
        (Engine.VLLM, MESSAGES, Knob.THINKING_BUDGET, "1024", thinking(2048)),
        (Engine.LLAMA_CPP, MESSAGES, Knob.ANSWER_CAP, "1500", thinking(2048)),
        (Engine.LLAMA_CPP, MESSAGES, Knob.THINKING_BUDGET, "512", thinking(2048)),
        (Engine.LLAMA_CPP, CHAT, Knob.ANSWER_CAP, "100", {"min_tokens": 200}),
        (Engine.OPENAI, MESSAGES, Knob.ANSWER_CAP, "2049", thinking(2048)),
        (
            Engine.OPENAI,
            MESSAGES,
            Knob.ANSWER_CAP,
            "1500",
            {"max_tokens": 4096, "thinking": {"type": "disabled", "budget_tokens": 2048}},
        ),
        (Engine.OPENAI, MESSAGES, Knob.THINKING_BUDGET, "1024", thinking(2048)),
        (Engine.OPENAI, RESPONSES, Knob.ANSWER_CAP, "16", {"max_output_tokens": 400}),
        (Engine.OPENAI, CHAT, Knob.ANSWER_CAP, "15", {"max_tokens": 400}),
    ],
)
def test_a_value_that_the_engine_takes_is_written(engine: Engine, api: Api, knob: Knob, value: str, body: Body) -> None:
    assert with_knob(body, knob, value, engine=engine, api=api)[1] in (Effect.SET, Effect.LOWERED)


def number(value: Any, least: float) -> float:
    return least if value is None else float(value)


def vllm_takes(body: Body) -> bool:
    """The checks of vLLM's sampling parameters, as its source says them."""
    caps = [body.get("max_completion_tokens"), body.get("max_tokens")]
    cap = next((float(each) for each in caps if each is not None), None)
    if cap is not None and number(body.get("min_tokens"), 0) > cap:
        return False
    return not (number(body.get("temperature"), 1) < 1e-5 and number(body.get("n"), 1) > 1)


def anthropic_takes(body: Body) -> bool:
    """What Anthropic's documentation says of thinking, and what vLLM 0.32.0 took as it ran."""
    if body["thinking"]["type"] != "enabled":
        return True
    budget = body["thinking"].get("budget_tokens")
    return budget is not None and 1024 <= budget < body["max_tokens"]


def any_chat(draw: Random) -> Body:
    likely: dict[str, list[Any]] = {
        "temperature": [0, 0.0, "0", 1e-6, 0.5, 1, "1.5", None],
        "n": [1, 2, 8, "3", None],
        "min_tokens": [0, 5, "50", 50.0, 500],
        "max_tokens": [50, 500, "600", None],
        "max_completion_tokens": [60, 700, None],
    }
    return {name: draw.choice(values) for name, values in likely.items() if draw.random() < 0.5}


def any_message(draw: Random) -> Body:
    told: Body = {"type": draw.choice(["enabled", "enabled", "disabled"])}
    if draw.random() < 0.8:
        told["budget_tokens"] = draw.choice([1024, 1500, 2048, 8000])
    return {"max_tokens": draw.choice([1025, 2000, 2049, 9000]), "thinking": told}


@pytest.mark.parametrize(
    ("engine", "api", "any_body", "takes", "values"),
    [
        (Engine.VLLM, CHAT, any_chat, vllm_takes, {Knob.SAMPLES: ("1", "4"), Knob.ANSWER_CAP: ("5", "55", "400")}),
        (Engine.OPENAI, MESSAGES, any_message, anthropic_takes, OF_MESSAGES),
        (Engine.VLLM, MESSAGES, any_message, anthropic_takes, OF_MESSAGES),
    ],
)
@pytest.mark.parametrize("apply", [None, *Apply])
def test_whatever_an_engine_takes_it_takes_with_all_settings_as_well_in_either_order(
    engine: Engine,
    api: Api,
    any_body: Callable[[Random], Body],
    takes: Callable[[Body], bool],
    values: dict[Knob, tuple[str, ...]],
    apply: Apply | None,
) -> None:
    draw, effects, taken = Random(17), set(), 0
    for _ in range(BODIES):
        body = any_body(draw)
        if not takes(body):
            continue
        taken += 1
        knobs = draw.sample(list(values), len(values))
        settings = {
            knob.value: (KNOBS[engine][knob].adjusted(apply, None), draw.choice(values[knob])) for knob in knobs
        }
        change = edited(json.dumps(body).encode(), api, settings)
        assert takes(json.loads(change.body)), (body, settings, change)
        effects |= set(change.effects.values())
    assert taken > BODIES / 5 and Effect.REFUSED in effects and len(effects) > 1
