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

CHAT = Api.CHAT_COMPLETIONS


def with_knob(
    body: dict[str, Any], knob: Knob, value: str, *, engine: Engine = Engine.VLLM, api: Api = CHAT
) -> tuple[dict[str, Any], Effect]:
    change = edited(json.dumps(body).encode(), api, {"it": (KNOBS[engine][knob], value)})
    return json.loads(change.body), change.effects["it"]


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


@pytest.mark.parametrize(
    ("engine", "body", "effect"),
    [
        (Engine.SGLANG, {"max_completion_tokens": 0}, Effect.LOWERED),
        (Engine.SGLANG, {"max_completion_tokens": 0, "max_tokens": 1000}, Effect.LOWERED),
        (Engine.VLLM, {"max_tokens": 0}, Effect.KEPT),
        (Engine.VLLM, {"max_tokens": "1e3"}, Effect.LOWERED),
        (Engine.VLLM, {"max_tokens": " 30 "}, Effect.LOWERED),
        (Engine.VLLM, {"max_tokens": "many"}, Effect.REFUSED),
        (Engine.VLLM, {"max_tokens": 10, "max_completion_tokens": "nan"}, Effect.REFUSED),
        (Engine.LLAMA_CPP, {"max_tokens": "10"}, Effect.REFUSED),
        (Engine.LLAMA_CPP, {"max_tokens": 10, "n_predict": [1]}, Effect.REFUSED),
        (Engine.LLAMA_CPP, {"max_tokens": True}, Effect.REFUSED),
        (Engine.LLAMA_CPP, {"max_tokens": -2}, Effect.LOWERED),
        (Engine.LLAMA_CPP, {"n_predict": 1e400}, Effect.LOWERED),
        (Engine.LLAMA_CPP, {"n_predict": 10**400}, Effect.LOWERED),
        (Engine.OPENAI, {"max_tokens": "10"}, Effect.REFUSED),
    ],
)
def test_what_an_engine_would_read_as_no_bound_gives_way_and_what_nobody_can_say_is_refused(
    engine: Engine, body: dict[str, Any], effect: Effect
) -> None:
    """A value that llama.cpp cannot read counts there as one that was not sent."""
    sent = json.dumps(body).replace("Infinity", "1e400").encode()
    change = edited(sent, CHAT, {"it": (KNOBS[engine][Knob.ANSWER_CAP], "20")})
    assert change.effects["it"] is effect
    after = json.loads(change.body)
    assert all(value == 20 for value in after.values()) if effect is Effect.LOWERED else change.body == sent


@pytest.mark.parametrize("api", [CHAT, Api.RESPONSES])
def test_llama_cpp_obeys_its_own_names_in_responses_as_well_so_they_are_covered(api: Api) -> None:
    body = dict.fromkeys(("n_predict", "max_tokens", "max_completion_tokens"), 100)
    assert with_knob(body, Knob.ANSWER_CAP, "20", engine=Engine.LLAMA_CPP, api=api)[0] == dict.fromkeys(body, 20)


def test_a_name_that_an_api_does_not_obey_is_no_bound_there() -> None:
    """llama.cpp takes n_predict out of no message."""
    told = with_knob({"n_predict": 5}, Knob.ANSWER_CAP, "20", engine=Engine.LLAMA_CPP, api=Api.MESSAGES)
    assert told == ({"n_predict": 5, "max_tokens": 20}, Effect.SET)


@pytest.mark.parametrize(
    ("knob", "body", "value", "after", "effect"),
    [
        (Knob.REASONING_EFFORT, {"reasoning_effort": "high"}, "low", {"reasoning_effort": "low"}, Effect.LOWERED),
        (Knob.REASONING_EFFORT, {"reasoning_effort": "none"}, "low", {"reasoning_effort": "none"}, Effect.KEPT),
        (Knob.REASONING_EFFORT, {"reasoning_effort": "odd"}, "low", {"reasoning_effort": "odd"}, Effect.REFUSED),
        (Knob.REASONING_EFFORT, {"reasoning_effort": None}, "low", {"reasoning_effort": "low"}, Effect.SET),
        (Knob.REASONING_EFFORT, {}, "turbo", {}, Effect.REFUSED),
        (Knob.REPETITION_STOP, {}, "3", {"repetition_detection": {"max_pattern_size": 20, "min_count": 3}}, Effect.SET),
        (Knob.REPETITION_STOP, {}, "1", {}, Effect.REFUSED),
        (Knob.REPETITION_STOP, {}, "2.5", {}, Effect.REFUSED),
        (Knob.REPETITION_STOP, {}, "null", {}, Effect.REFUSED),
        (Knob.ANSWER_CAP, {"min_tokens": 50}, "20", {"min_tokens": 50}, Effect.REFUSED),
        (Knob.ANSWER_CAP, {"min_tokens": 50, "max_tokens": 9}, "20", {"min_tokens": 50, "max_tokens": 9}, Effect.KEPT),
        (
            Knob.ANSWER_CAP,
            {"min_tokens": 20, "max_tokens": 90},
            "20",
            {"min_tokens": 20, "max_tokens": 20},
            Effect.LOWERED,
        ),
        (Knob.REPETITION_STOP, {"repetition_detection": {}}, "3", {"repetition_detection": {}}, Effect.KEPT),
        (Knob.ANSWER_CAP, {"max_tokens": 5}, "-1", {"max_tokens": 5}, Effect.REFUSED),
        (Knob.THINKING_BUDGET, {"thinking_token_budget": 5}, "-1", {"thinking_token_budget": 5}, Effect.REFUSED),
    ],
)
def test_no_client_gets_more_than_it_asked_for_by_words_either(
    knob: Knob, body: dict[str, Any], value: str, after: dict[str, Any], effect: Effect
) -> None:
    assert with_knob(body, knob, value) == (after, effect)


@pytest.mark.parametrize(
    ("client", "own", "left"), [(False, "true", False), (True, "false", False), (True, "true", True)]
)
def test_a_client_that_switched_thinking_off_gets_none(client: bool, own: str, left: bool) -> None:
    body = {"chat_template_kwargs": {"enable_thinking": client}}
    assert with_knob(body, Knob.THINKING, own)[0] == {"chat_template_kwargs": {"enable_thinking": left}}


def test_a_key_that_stands_twice_where_a_value_is_compared_is_refused() -> None:
    body = b'{"thinking": {"type": "enabled", "budget_tokens": 99999, "budget_tokens": 10}}'
    change = edited(body, Api.MESSAGES, {"it": (KNOBS[Engine.VLLM][Knob.THINKING_BUDGET], "512")})
    assert (change.body, change.effects["it"]) == (body, Effect.REFUSED)


@pytest.mark.parametrize(
    ("body", "after", "effect"),
    [
        ({"reasoning_effort": "low"}, {"reasoning_effort": "low", "thinking_token_budget": 512}, Effect.SET),
        ({"reasoning_effort": "low", "thinking_token_budget": 9000}, None, Effect.KEPT),
        ({"reasoning_effort": "high"}, None, Effect.KEPT),
        ({"reasoning_effort": None}, None, Effect.KEPT),
        ({}, None, Effect.KEPT),
    ],
)
def test_a_budget_for_one_effort_is_for_it_alone_and_the_clients_own_wins(
    body: dict[str, Any], after: dict[str, Any] | None, effect: Effect
) -> None:
    knob = KNOBS[Engine.VLLM][Knob.THINKING_BUDGET].adjusted(Apply.IF_ABSENT, (("reasoning_effort",), "low"))
    change = edited(json.dumps(body).encode(), CHAT, {"it": (knob, "512")})
    assert (json.loads(change.body), change.effects["it"]) == (after or body, effect)


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


def test_a_body_of_more_values_than_can_be_read_goes_on_as_it_came() -> None:
    body = b'{"x":[' + b"[]," * MOST_VALUES + b"[]]}"
    assert edited(body, CHAT, {"it": (KNOBS[Engine.VLLM][Knob.ANSWER_CAP], "20")}).body is body


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
    told = with_knob(body, Knob.THINKING_BUDGET, "512", api=Api.MESSAGES)
    assert told == ({"thinking": {"type": "enabled", "budget_tokens": 512}}, Effect.LOWERED)
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
        ({}, Knob.THINKING_BUDGET, "512", Api.MESSAGES),
        ({"thinking": None}, Knob.THINKING_BUDGET, "512", Api.MESSAGES),
        ({"thinking": {"budget_tokens": 4096}}, Knob.THINKING_BUDGET, "512", Api.MESSAGES),
        ({"thinking": {"type": "disabled"}}, Knob.THINKING_BUDGET, "512", Api.MESSAGES),
        ({"thinking": {"type": "adaptive", "budget_tokens": 4096}}, Knob.THINKING_BUDGET, "512", Api.MESSAGES),
        ({"thinking": "enabled"}, Knob.THINKING_BUDGET, "512", Api.MESSAGES),
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
        ("/v1/embeddings", None),
        ("/", None),
    ],
)
def test_an_api_is_told_by_the_end_of_its_path(path: str, api: Api | None) -> None:
    assert api_of(path) is api
