"""What becomes of a client's body: every alias is covered, and no client gets more than it asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.body_knobs import KNOBS, Api, Apply, BodySetting, Engine, Field, Knob, ValueType, api_of
from earlystop.injector.body import Effect, edited, written_value
from earlystop.injector.json_object import MOST_VALUES
from tests.unit.injector.editing import CHAT, with_knob


@pytest.mark.parametrize(
    ("body", "expected", "effect"),
    [
        ({}, {"max_completion_tokens": 20}, Effect.SET),
        ({"max_tokens": 100}, {"max_tokens": 20}, Effect.LOWERED),
        ({"max_tokens": 10}, {"max_tokens": 10}, Effect.KEPT),
        (
            {"max_tokens": 10, "max_completion_tokens": 100},
            {"max_tokens": 10, "max_completion_tokens": 20},
            Effect.LOWERED,
        ),
        (
            {"max_tokens": 100, "max_completion_tokens": 10},
            {"max_tokens": 20, "max_completion_tokens": 10},
            Effect.LOWERED,
        ),
        ({"max_tokens": "100"}, {"max_tokens": 20}, Effect.LOWERED),
        ({"max_tokens": "10"}, {"max_tokens": "10"}, Effect.KEPT),
        ({"max_tokens": 20.0}, {"max_tokens": 20.0}, Effect.KEPT),
        ({"max_tokens": 1e300}, {"max_tokens": 20}, Effect.LOWERED),
        (
            {"max_completion_tokens": None, "max_tokens": 10},
            {"max_completion_tokens": None, "max_tokens": 10},
            Effect.KEPT,
        ),
        ({"max_tokens": None}, {"max_tokens": None, "max_completion_tokens": 20}, Effect.SET),
        ({"max_tokens": -1}, {"max_tokens": -1}, Effect.REFUSED),
        ({"max_tokens": True}, {"max_tokens": True}, Effect.KEPT),
        ({"max_tokens": [1]}, {"max_tokens": [1]}, Effect.REFUSED),
    ],
)
def test_a_cap_covers_every_alias_and_is_never_above_the_clients(
    body: dict[str, Any], expected: dict[str, Any], effect: Effect
) -> None:
    assert with_knob(body, Knob.ANSWER_CAP, "20") == (expected, effect)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"n_predict": 100}, {"n_predict": 20}),
        ({"max_tokens": 10, "n_predict": -1}, {"max_tokens": 10, "n_predict": 20}),
        ({"max_tokens": 100}, {"max_tokens": 20}),
        ({}, {"n_predict": 20}),
    ],
)
def test_the_alias_that_wins_at_llama_cpp_is_covered_and_minus_one_is_no_bound(
    body: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert with_knob(body, Knob.ANSWER_CAP, "20", engine=Engine.LLAMA_CPP)[0] == expected


def test_a_key_that_stands_twice_where_a_value_is_compared_is_refused() -> None:
    body = b'{"thinking": {"type": "enabled", "budget_tokens": 99999, "budget_tokens": 10}}'
    change = edited(body, Api.MESSAGES, {"it": (KNOBS[Engine.VLLM][Knob.THINKING_BUDGET], "1024")})
    assert (change.body, change.effects["it"]) == (body, Effect.REFUSED)


def test_fields_of_ones_own_are_all_set_or_none() -> None:
    """The second leads through something that is no object."""
    fields = (Field(("window",)), Field(("custom", "window")))
    setting = BodySetting(ValueType.INTEGER, Apply.ALWAYS, {CHAT: fields})
    body = b'{"window": 9, "custom": [{"window": 9}]}'
    change = edited(body, CHAT, {"it": (setting, "5")})
    assert (change.body, change.effects["it"]) == (body, Effect.REFUSED)


def test_an_object_that_was_only_looked_at_stays_as_it_came() -> None:
    fields = (Field(("window",)), Field(("custom", "window")))
    setting = BodySetting(ValueType.INTEGER, Apply.ALWAYS, {CHAT: fields})
    change = edited(b'{"window": 9, "custom": null}', CHAT, {"it": (setting, "5")})
    assert change.body == b'{"window": 5, "custom": null}'


@pytest.mark.parametrize("body", [b"{}", b'{"a": null}', b'{"a": {"c": 1}}'])
def test_what_one_parameter_set_stays_where_another_looks_inside_it(body: bytes) -> None:
    whole = BodySetting(ValueType.INTEGER, Apply.ALWAYS, {CHAT: (Field(("a",)),)})
    by_word = BodySetting(ValueType.INTEGER, Apply.ALWAYS, {CHAT: (Field(("cap",)),)}, where=(("a", "b"), "low"))
    change = edited(body, CHAT, {"whole": (whole, "5"), "by_word": (by_word, "9")})
    assert json.loads(change.body) == {"a": 5}
    assert change.effects == {"whole": Effect.SET, "by_word": Effect.KEPT}


def test_a_body_of_more_values_than_can_be_read_goes_on_as_it_came() -> None:
    body = b'{"x":[' + b"[]," * MOST_VALUES + b"[]]}"
    assert edited(body, CHAT, {"it": (KNOBS[Engine.VLLM][Knob.ANSWER_CAP], "20")}).body is body


@pytest.mark.slow
@given(
    st.dictionaries(st.sampled_from(["max_tokens", "max_completion_tokens"]), st.integers(0, 100) | st.none()),
    st.integers(1, 100),
)
def test_what_vllm_obeys_is_at_most_what_the_client_and_the_setting_say(body: dict[str, int | None], cap: int) -> None:
    """vLLM takes max_completion_tokens, and max_tokens only where that is absent or null."""

    def obeyed(sent: dict[str, Any]) -> int | None:
        first = sent.get("max_completion_tokens")
        return sent.get("max_tokens") if first is None else first

    after = obeyed(with_knob(body, Knob.ANSWER_CAP, str(cap))[0])
    before = obeyed(body)
    assert after is not None
    assert after <= cap or (before is not None and after <= before)
    assert before is None or after <= before


def test_a_thinking_budget_is_written_where_the_api_reads_it_and_siblings_stay() -> None:
    body = {"thinking": {"type": "enabled", "budget_tokens": 4096}}
    told = with_knob(body, Knob.THINKING_BUDGET, "1024", api=Api.MESSAGES)
    assert told == ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, Effect.LOWERED)
    assert with_knob({"thinking_token_budget": -1}, Knob.THINKING_BUDGET, "512")[0] == {"thinking_token_budget": 512}
    kwargs = {"chat_template_kwargs": {"x": 1}}
    told = with_knob(kwargs, Knob.THINKING, "false")
    assert told == ({"chat_template_kwargs": {"x": 1, "enable_thinking": False}}, Effect.SET)


@pytest.mark.parametrize(
    ("body", "knob", "value", "api"),
    [
        ({"input": "?"}, Knob.THINKING_BUDGET, "512", Api.RESPONSES),
        ({"chat_template_kwargs": 3}, Knob.THINKING, "false", CHAT),
        ({}, Knob.ANSWER_CAP, "many", CHAT),
        ({}, Knob.ANSWER_CAP, "1e3", CHAT),
        ({}, Knob.THINKING, "no", CHAT),
        ({}, Knob.REPETITION_STOP, "{", CHAT),
        ({}, Knob.REPETITION_STOP, "[" * 4000 + "]" * 4000, CHAT),
        ({}, Knob.REPETITION_STOP, '{"a": NaN}', CHAT),
        ({}, Knob.THINKING_BUDGET, "1024", Api.MESSAGES),
        ({"thinking": None}, Knob.THINKING_BUDGET, "1024", Api.MESSAGES),
        ({"thinking": {"budget_tokens": 4096}}, Knob.THINKING_BUDGET, "1024", Api.MESSAGES),
        ({"thinking": {"type": "disabled"}}, Knob.THINKING_BUDGET, "1024", Api.MESSAGES),
        ({"thinking": {"type": "adaptive", "budget_tokens": 4096}}, Knob.THINKING_BUDGET, "1024", Api.MESSAGES),
        ({"thinking": "enabled"}, Knob.THINKING_BUDGET, "1024", Api.MESSAGES),
    ],
)
def test_what_cannot_be_written_is_refused_and_the_body_goes_on_as_it_came(
    body: dict[str, Any], knob: Knob, value: str, api: Api
) -> None:
    assert with_knob(body, knob, value, api=api) == (body, Effect.REFUSED)


def test_a_body_of_any_depth_is_either_edited_or_goes_on_as_it_came() -> None:
    """How deep can be read depends on who calls, so every depth around the limit is tried."""
    knob, effects = (KNOBS[Engine.VLLM][Knob.THINKING], "false"), set()
    for depth in [*range(800, 1010), 100_000]:
        body = b'{"chat_template_kwargs": {"x": %s1%s}}' % (b"[" * depth, b"]" * depth)
        change = edited(body, CHAT, {"it": knob})
        effects.add(change.effects["it"])
        assert (change.body == body) is (change.effects["it"] is Effect.REFUSED)
    assert effects == {Effect.SET, Effect.REFUSED}


@pytest.mark.parametrize("body", [b"", b"\xff{}", b'{"a":1,"a":2}', b'{"a":NaN}', b"--x\r\nmultipart", b"\x1f\x8b\x08"])
def test_a_body_that_cannot_be_read_is_not_touched(body: bytes) -> None:
    change = edited(body, CHAT, {"cap": (KNOBS[Engine.VLLM][Knob.ANSWER_CAP], "20")})
    assert change.body == body
    assert change.effects == {"cap": Effect.REFUSED}
    assert not change.asks_usage


@pytest.mark.parametrize(
    ("body", "asks", "after"),
    [
        ({"stream": True}, True, {"include_usage": True}),
        ({"stream": True, "stream_options": None}, True, {"include_usage": True}),
        ({"stream": True, "stream_options": {"x": 1}}, True, {"x": 1, "include_usage": True}),
        ({"stream": True, "stream_options": {"include_usage": False}}, True, {"include_usage": True}),
        ({"stream": True, "stream_options": {"include_usage": True}}, False, {"include_usage": True}),
        ({"stream": True, "stream_options": "odd"}, False, "odd"),
        ({"stream": 1}, True, {"include_usage": True}),
        ({"stream": "true", "stream_options": {"include_usage": "yes"}}, False, {"include_usage": "yes"}),
        ({"stream": False}, False, None),
        ({"stream": "false"}, False, None),
        ({"stream": [1]}, False, None),
        ({}, False, None),
    ],
)
def test_usage_is_asked_for_in_streams_only_and_once(body: dict[str, Any], asks: bool, after: Any) -> None:
    change = edited(json.dumps(body).encode(), CHAT, {})
    assert change.asks_usage is asks
    assert json.loads(change.body).get("stream_options") == after


@pytest.mark.parametrize(
    ("apply", "client", "expected"),
    [
        (Apply.ALWAYS, 10, 20),
        (Apply.IF_ABSENT, 10, 10),
        (Apply.IF_LARGER, 30, 20),
        (Apply.IF_LARGER, 10, 10),
        (Apply.IF_SMALLER, 10, 20),
        (Apply.IF_SMALLER, 30, 30),
    ],
)
def test_a_value_is_applied_as_the_user_wrote(apply: Apply, client: int, expected: int) -> None:
    setting = BodySetting(ValueType.INTEGER, apply, {CHAT: (Field(("vllm_xargs", "window")),)})
    change = edited(json.dumps({"vllm_xargs": {"window": client}}).encode(), CHAT, {"w": (setting, "20")})
    assert json.loads(change.body) == {"vllm_xargs": {"window": expected}}


@pytest.mark.parametrize(
    ("kind", "text", "written"),
    [
        (ValueType.INTEGER, "512", "512"),
        (ValueType.INTEGER, "5.0", None),
        (ValueType.DECIMAL, "0.50", "0.50"),
        (ValueType.DECIMAL, "NaN", None),
        (ValueType.DECIMAL, "1_0", None),
        (ValueType.BOOLEAN, "True", None),
        (ValueType.STRING, 'low"', '"low\\""'),
        (ValueType.JSON, '{"max": 3}', '{"max": 3}'),
    ],
)
def test_a_headers_text_becomes_json_of_its_type(kind: ValueType, text: str, written: str | None) -> None:
    assert written_value(kind, text) == written


@pytest.mark.parametrize(
    ("path", "api"),
    [
        ("/v1/chat/completions", Api.CHAT_COMPLETIONS),
        ("/openai/deployments/qwen/chat/completions", Api.CHAT_COMPLETIONS),
        ("/v1/completions/", Api.COMPLETIONS),
        ("/v1/responses", Api.RESPONSES),
        ("/v1/messages", Api.MESSAGES),
        ("/v1/messages/count_tokens", None),
        ("/v1/threads/thread_1/messages", None),
        ("/v1/embeddings", None),
        ("/", None),
    ],
)
def test_an_api_is_told_by_the_end_of_its_path(path: str, api: Api | None) -> None:
    assert api_of(path) is api
