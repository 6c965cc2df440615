"""A client's value is read as its engine reads it: none escapes a setting, and none gets more than it asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from earlystop.api.body_knobs import EFFORTS, KNOBS, Api, Apply, Engine, Knob
from earlystop.injector.body import Effect, edited
from tests.unit.every_row import every_row
from tests.unit.injector.editing import CHAT, with_knob


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


def llama_effort(body: dict[str, Any]) -> str | None:
    """The effort that b11434 gives to the template, as its server-common.cpp and server-chat.cpp say it."""
    own: str | None = body.get("chat_template_kwargs", {}).get("reasoning_effort")
    above: str | None = body.get("reasoning", {}).get("effort") or body.get("reasoning_effort")
    return above or own


def llama_samples(body: dict[str, Any]) -> int:
    """How many answers b11434 gives: n is read where n_cmpl is not there."""
    return int(body.get("n_cmpl", body.get("n", 1)))


@pytest.mark.parametrize(
    "body",
    [
        {"n_cmpl": 8},
        {"n": 8},
        {"n": 1, "n_cmpl": 8},
        {"n": 8, "n_cmpl": 1},
        {"n": 8, "n_cmpl": 4},
        {},
    ],
)
@pytest.mark.parametrize("api", [CHAT, Api.COMPLETIONS])
def test_llama_cpp_gives_no_more_samples_than_set_by_any_alias(body: dict[str, Any], api: Api) -> None:
    after, effect = with_knob(body, Knob.SAMPLES, "2", engine=Engine.LLAMA_CPP, api=api)
    asked = llama_samples(body)
    assert llama_samples(after) == (min(2, asked) if body else 2)
    assert effect is not Effect.KEPT or after == body


EFFORTS_SENT = (None, "none", "low", "medium", "high")


@every_row("inner", EFFORTS_SENT)
@every_row("above", EFFORTS_SENT)
@every_row("api", [CHAT, Api.RESPONSES])
def test_llama_cpp_thinks_with_no_more_effort_than_set_by_any_alias(
    api: Api, above: str | None, inner: str | None
) -> None:
    by_api = {"reasoning_effort": above} if api is CHAT else {"reasoning": {"effort": above}}
    body: dict[str, Any] = by_api if above else {}
    if inner:
        body = {**body, "chat_template_kwargs": {"reasoning_effort": inner}}
    after, effect = with_knob(body, Knob.REASONING_EFFORT, "low", engine=Engine.LLAMA_CPP, api=api)
    asked = llama_effort(body)
    assert llama_effort(after) == ("none" if asked == "none" else "low")
    assert (effect is Effect.KEPT) == (after == body)


def vllm_effort(body: dict[str, Any]) -> str | None:
    """The effort that vLLM 0.32.0 gives to the template, as it ran: what stands outside of the template's arguments."""
    above: str | None = body.get("reasoning", {}).get("effort") or body.get("reasoning_effort")
    return above or body.get("chat_template_kwargs", {}).get("reasoning_effort")


def sglang_effort(body: dict[str, Any]) -> str | None:
    """The effort that SGLang 0.5.23 gives to the template, as its serving_chat.py says it: the template's argument."""
    return body.get("chat_template_kwargs", {}).get("reasoning_effort") or body.get("reasoning_effort")


@every_row("inner", EFFORTS_SENT)
@every_row("above", EFFORTS_SENT)
@every_row(
    ("engine", "api", "obeyed"),
    [
        (Engine.VLLM, CHAT, vllm_effort),
        (Engine.VLLM, Api.RESPONSES, vllm_effort),
        (Engine.SGLANG, CHAT, sglang_effort),
    ],
)
def test_vllm_and_sglang_think_with_no_more_effort_than_a_client_asked_for_by_any_alias(
    engine: Engine, api: Api, obeyed: Callable[[dict[str, Any]], str | None], above: str | None, inner: str | None
) -> None:
    by_api = {"reasoning_effort": above} if api is CHAT else {"reasoning": {"effort": above}}
    body: dict[str, Any] = by_api if above else {}
    if inner:
        body = {**body, "chat_template_kwargs": {"reasoning_effort": inner}}
    asked = obeyed(body)
    for value in ("low", "medium"):
        after, _ = with_knob(body, Knob.REASONING_EFFORT, value, engine=engine, api=api)
        expected = value if asked is None or EFFORTS.index(asked) > EFFORTS.index(value) else asked
        assert obeyed(after) == expected, value


@pytest.mark.parametrize("engine", [Engine.VLLM, Engine.SGLANG, Engine.LLAMA_CPP])
@pytest.mark.parametrize("value", ["true", "false"])
def test_thinking_that_a_client_switched_off_by_its_effort_stays_off(engine: Engine, value: str) -> None:
    """A template's own argument would win over that word, and switch it on again."""
    body = {"reasoning_effort": "none"}
    assert with_knob(body, Knob.THINKING, value, engine=engine) == (body, Effect.KEPT)
    both = {**body, "chat_template_kwargs": {"enable_thinking": True}}
    off = {**body, "chat_template_kwargs": {"enable_thinking": False}}
    assert with_knob(both, Knob.THINKING, "false", engine=engine) == (off, Effect.LOWERED)


def vllm_effort_of_messages(body: dict[str, Any]) -> str | None:
    """The effort that vLLM 0.32.0 gives to the template, as it ran: thinking that is disabled wins over any."""
    if body.get("thinking", {}).get("type") == "disabled":
        return "none"
    above: str | None = body.get("output_config", {}).get("effort")
    return above or body.get("chat_template_kwargs", {}).get("reasoning_effort")


@every_row("inner", EFFORTS_SENT)
@every_row("above", [each for each in EFFORTS_SENT if each != "none"])
@every_row("thinks", [None, "disabled", "enabled", "adaptive"])
def test_messages_of_vllm_think_with_no_more_effort_than_a_client_asked_for(
    thinks: str | None, above: str | None, inner: str | None
) -> None:
    body: dict[str, Any] = {"thinking": {"type": thinks}} if thinks else {}
    if above:
        body["output_config"] = {"format": {"type": "json_schema"}, "effort": above}
    if inner:
        body["chat_template_kwargs"] = {"reasoning_effort": inner}
    asked = vllm_effort_of_messages(body)
    for value in ("low", "medium"):
        after, effect = with_knob(body, Knob.REASONING_EFFORT, value, api=Api.MESSAGES)
        expected = value if asked is None or EFFORTS.index(asked) > EFFORTS.index(value) else asked
        assert vllm_effort_of_messages(after) == expected, value
        assert (effect is Effect.KEPT) == (after == body)
        assert after.get("output_config", {}).get("format") == body.get("output_config", {}).get("format")


@pytest.mark.parametrize("value", ["none", "minimal"])
def test_an_effort_that_messages_of_vllm_refuse_is_not_written_there(value: str) -> None:
    for body in ({}, {"output_config": {"effort": "high"}}):
        assert with_knob(body, Knob.REASONING_EFFORT, value, api=Api.MESSAGES) == (body, Effect.REFUSED)
    of_template = {"chat_template_kwargs": {"reasoning_effort": "high"}}
    lowered = {"chat_template_kwargs": {"reasoning_effort": value}}
    assert with_knob(of_template, Knob.REASONING_EFFORT, value, api=Api.MESSAGES) == (lowered, Effect.LOWERED)


@every_row(
    ("engine", "api", "off"),
    [
        (Engine.VLLM, Api.RESPONSES, {"reasoning": {"effort": "none"}}),
        (Engine.VLLM, Api.MESSAGES, {"thinking": {"type": "disabled"}}),
        (Engine.LLAMA_CPP, Api.RESPONSES, {"reasoning": {"effort": "none"}}),
        (Engine.LLAMA_CPP, Api.RESPONSES, {"reasoning_effort": "none"}),
        (Engine.LLAMA_CPP, Api.MESSAGES, {"chat_template_kwargs": {"enable_thinking": False}}),
    ],
)
def test_responses_and_messages_think_only_where_variant_and_client_do(
    engine: Engine, api: Api, off: dict[str, Any]
) -> None:
    def told(body: dict[str, Any], value: str) -> tuple[dict[str, Any], Effect]:
        return with_knob(body, Knob.THINKING, value, engine=engine, api=api)

    for value in ("true", "false"):
        assert told(off, value) == (off, Effect.KEPT)
    not_thinking = {"chat_template_kwargs": {"enable_thinking": False}}
    assert told({}, "false") == (not_thinking, Effect.SET)
    for other in ("enable_thinking", "thinking"):
        after, effect = told({"chat_template_kwargs": {other: True}}, "false")
        assert effect is Effect.LOWERED
        assert set(after["chat_template_kwargs"].values()) == {False}


def test_a_message_that_says_it_does_not_think_is_told_so_in_the_words_that_llama_cpp_looks_at() -> None:
    body: dict[str, Any] = {"thinking": {"type": "disabled"}}
    after, effect = with_knob(body, Knob.THINKING, "false", engine=Engine.LLAMA_CPP, api=Api.MESSAGES)
    assert (after, effect) == ({**body, "chat_template_kwargs": {"enable_thinking": False}}, Effect.SET)


@every_row("asked", EFFORTS_SENT)
def test_messages_of_llama_cpp_think_with_no_more_effort_than_their_template_was_asked_for(asked: str | None) -> None:
    """Efforts elsewhere in a message are not looked at, as b11434 ran."""
    ignored = {"output_config": {"effort": "max"}, "reasoning_effort": "max"}
    body = {**ignored, **({"chat_template_kwargs": {"reasoning_effort": asked}} if asked else {})}
    after, _ = with_knob(body, Knob.REASONING_EFFORT, "low", engine=Engine.LLAMA_CPP, api=Api.MESSAGES)
    assert after == {**ignored, "chat_template_kwargs": {"reasoning_effort": "none" if asked == "none" else "low"}}


def test_an_effort_beside_responses_own_is_covered_at_llama_cpp_as_well() -> None:
    body = {"reasoning_effort": "high"}
    told = with_knob(body, Knob.REASONING_EFFORT, "low", engine=Engine.LLAMA_CPP, api=Api.RESPONSES)
    assert told == ({"reasoning_effort": "low"}, Effect.LOWERED)


def test_a_budget_that_sglang_would_ignore_is_refused() -> None:
    for odd in (20.0, "20", [20]):
        told = with_knob({"custom_params": {"thinking_budget": odd}}, Knob.THINKING_BUDGET, "512", engine=Engine.SGLANG)
        assert told == ({"custom_params": {"thinking_budget": odd}}, Effect.REFUSED)
    told = with_knob({"custom_params": {"thinking_budget": 20}}, Knob.THINKING_BUDGET, "512", engine=Engine.SGLANG)
    assert told == ({"custom_params": {"thinking_budget": 20}}, Effect.KEPT)


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
