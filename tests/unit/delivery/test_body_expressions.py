"""What a gateway computes for a body is what an injector would write into it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.body_knobs import KNOBS, Api, Apply, BodySetting, Engine, Field, Knob, ValueType
from earlystop.api.gateway_body import WRITABLE_APIS
from earlystop.api.gateway_fields import problem_of
from earlystop.delivery.body_expressions import expressions
from earlystop.injector.body import Effect
from earlystop.injector.body import edited as written_by_injector
from earlystop.injector.checking import checked
from tests.unit.delivery.cel_model import EvaluationError, evaluated
from tests.unit.rollout.policies import examples

LEFT_OUT = "left out"
THINKS = BodySetting(ValueType.BOOLEAN, Apply.IF_LARGER, {Api.CHAT_COMPLETIONS: (Field(("thinks",)),)})
TEMPERATURE = BodySetting(ValueType.DECIMAL, Apply.ALWAYS, {Api.CHAT_COMPLETIONS: (Field(("temperature",)),)})
KNOWN = [
    (setting, api)
    for engine in Engine
    for setting in (*KNOBS[engine].values(), THINKS, TEMPERATURE)
    for api in WRITABLE_APIS
    if setting.fields.get(api) and not problem_of(setting, api)
]


def by_gateway(body: dict[str, Any], setting: BodySetting, api: Api, text: str) -> dict[str, Any]:
    """What a gateway makes of a body: a field whose expression is null or an error is left out."""
    found = dict(body)
    for each in expressions({"it": setting}, [("it", text)], api):
        try:
            found[each["field"]] = evaluated(each["expression"], body)
        except EvaluationError:
            found[each["field"]] = None
    return without_nulls(found)


def without_nulls(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


def as_bytes(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()


@st.composite
def cases(draw: st.DrawFn) -> tuple[BodySetting, Api, str, dict[str, Any]]:
    """A setting of some engine, and a body with values of its kind in all fields that matter."""
    setting, api = draw(st.sampled_from(KNOWN))
    setting = replace(setting, apply=draw(st.sampled_from(Apply)))
    values: dict[ValueType, st.SearchStrategy[Any]] = {
        ValueType.INTEGER: st.integers(-1, 40),
        ValueType.DECIMAL: st.sampled_from([0.0, 0.5, 1.5]),
        ValueType.BOOLEAN: st.booleans(),
        ValueType.STRING: st.sampled_from([*setting.order, "other"]),
    }
    text = json.dumps(draw(values[setting.type])).strip('"')
    if setting.type is ValueType.INTEGER:
        text = str(draw(st.integers(0, 40)))
    if setting.type is ValueType.STRING:
        text = draw(st.sampled_from(setting.order))
    if draw(st.booleans()):
        setting = replace(setting, where=(("reasoning", "effort"), "low"))
    body: dict[str, Any] = {"model": "m"}
    sent = st.one_of(st.just(LEFT_OUT), st.none(), values[setting.type])
    guards = st.one_of(st.just(LEFT_OUT), st.none(), st.integers(0, 40))
    for field in setting.fields[api]:
        body[field.path[0]] = draw(sent)
    for guard in setting.guards.get(api, ()):
        body.setdefault(guard.path[0], {"budget_tokens": draw(st.integers(0, 40)), "type": "enabled"})
        if len(guard.path) == 1:
            body[guard.path[0]] = draw(guards)
    body["reasoning"] = draw(st.sampled_from([LEFT_OUT, {}, {"effort": "low"}, {"effort": "high"}]))
    return setting, api, text, {name: value for name, value in body.items() if value != LEFT_OUT}


@pytest.mark.slow
@examples
@given(cases())
def test_a_gateway_writes_what_an_injector_would(case: tuple[BodySetting, Api, str, dict[str, Any]]) -> None:
    setting, api, text, body = case
    ours = written_by_injector(as_bytes(body), api, {"it": (setting, text)})
    theirs = by_gateway(body, setting, api, text)
    assert without_nulls(json.loads(ours.body)) == theirs
    again = checked(as_bytes(theirs), api, {"it": (setting, text)})
    assert again.effects["it"] is not Effect.MISSING and json.loads(again.body) == theirs


@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        ({}, {"max_completion_tokens": 30}),
        ({"max_tokens": 99}, {"max_tokens": 30}),
        ({"max_tokens": 20, "max_completion_tokens": 99}, {"max_tokens": 20, "max_completion_tokens": 30}),
        ({"max_tokens": "20"}, {"max_tokens": 20}),
        ({"max_completion_tokens": "much"}, {"max_completion_tokens": 30}),
        ({"max_completion_tokens": {}}, {"max_completion_tokens": 30}),
        ({"max_completion_tokens": 99, "min_tokens": 40}, {"max_completion_tokens": 99, "min_tokens": 40}),
    ],
)
def test_no_client_gets_more_than_it_asked_for_nor_more_than_the_cap(
    sent: dict[str, Any], wanted: dict[str, Any]
) -> None:
    cap = KNOBS[Engine.VLLM][Knob.ANSWER_CAP]
    assert by_gateway(sent, cap, Api.CHAT_COMPLETIONS, "30") == wanted


def test_a_value_that_engines_refuse_is_not_written() -> None:
    cap = KNOBS[Engine.OPENAI][Knob.ANSWER_CAP]
    assert expressions({"cap": cap}, [("cap", "8")], Api.RESPONSES) == []
    assert expressions({"cap": cap}, [("cap", "0")], Api.CHAT_COMPLETIONS) == []


def test_a_field_that_is_always_set_needs_no_question() -> None:
    (only,) = expressions({"t": TEMPERATURE}, [("t", "2")], Api.CHAT_COMPLETIONS)
    assert only == {"field": "temperature", "expression": "2.0"}


def test_fields_that_only_stand_deeper_or_hold_objects_are_no_gateways() -> None:
    knobs = {
        (engine, knob)
        for engine in Engine
        for knob, setting in KNOBS[engine].items()
        if problem_of(setting, Api.CHAT_COMPLETIONS)
    }
    assert knobs == {
        (Engine.VLLM, Knob.THINKING),
        (Engine.VLLM, Knob.REPETITION_STOP),
        (Engine.VLLM, Knob.REASONING_EFFORT),
        (Engine.SGLANG, Knob.THINKING),
        (Engine.SGLANG, Knob.REASONING_EFFORT),
        (Engine.SGLANG, Knob.THINKING_BUDGET),
        (Engine.LLAMA_CPP, Knob.THINKING),
        (Engine.LLAMA_CPP, Knob.REASONING_EFFORT),
    }
