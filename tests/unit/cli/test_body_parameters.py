"""Policies whose parameters stand in bodies are checked by the rules of the API server, offline as well."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.api.policy import PolicySpec
from earlystop.api.wire import API_VERSION
from earlystop.cli.files.offline_check import problems_of
from earlystop.rollout.unsupported import refusal_of_spec
from tests.unit.api.body_policies import BUDGET, EFFORT, THINKING, WINDOW, body_spec, setting
from tests.unit.every_row import every_row

OWN_PATHS = {"paths": [{"api": "ChatCompletions", "path": "x"}]}


def problems(**changes: Any) -> list[str]:
    """All that is wrong with the spec."""
    manifest = {
        "apiVersion": API_VERSION,
        "kind": "EarlyStopPolicy",
        "metadata": {"name": "qa", "namespace": "llm"},
        "spec": body_spec(**changes),
    }
    return list(problems_of(manifest))


def candidate(*values: dict[str, str]) -> dict[str, Any]:
    return {"candidates": [{"name": "it", "values": list(values)}]}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"baseline": {"values": [setting("effort", "high")]}},
        {"baseline": {"values": [], "pinned": {"values": []}}},
        candidate(setting("effort", "low"), setting("thinking", "false")),
        candidate(setting("window", "small")),
        {"parameters": [{**BUDGET, "body": {"knob": "ThinkingBudget", "apply": "IfAbsent"}}]},
        {"parameters": [BUDGET, {**WINDOW, "stopsSooner": "WhenLower", "body": {**OWN_PATHS, "apply": "IfSmaller"}}]},
    ],
)
def test_a_policy_that_leaves_the_body_alone_or_sets_words_is_right(changes: dict[str, Any]) -> None:
    assert problems(**changes) == []


@every_row(
    ("changes", "said"),
    [
        (candidate(setting("effort", "max")), "effort max is none of its choices; write one of low, medium, high"),
        (candidate(setting("effort", "40")), "candidates: it: effort 40 is none of its choices"),
        (candidate(setting("thinking", "True")), "candidates: it: thinking True is neither true nor false"),
        (candidate(setting("budget", "low")), "candidates: it: budget low is no number from 128 to 16384"),
        (candidate(setting("budget", "nan")), "budget nan is no number from 128 to 16384"),
        (candidate(setting("budget", "127")), "budget 127 is no number from 128 to 16384"),
        (candidate(setting("other", "low")), "candidates: it: there is no parameter other; write the name of one"),
        (
            {"baseline": {"values": [setting("thinking", "no")]}},
            "baseline.values: thinking no is neither true nor false",
        ),
        ({"baseline": {"values": [setting("budget", "512.0")]}}, "a candidate equals the baseline"),
        (
            {"baseline": {"values": [], "pinned": {"values": [setting("effort", "max")]}}},
            "baseline.pinned: effort max is none of its choices",
        ),
        ({"parameters": [{**BUDGET, "type": "Choice"}]}, "minimum and maximum are bounds of numbers"),
        ({"parameters": [{**EFFORT, "type": "Boolean"}]}, "choices belong to type Choice"),
        ({"parameters": [{**THINKING, "type": "Integer"}]}, "type Integer needs minimum, maximum and stopsSooner"),
        ({"parameters": [{**THINKING, "type": "Choice"}]}, "choices belong to type Choice"),
        ({"parameters": [{**EFFORT, "choices": ["low", "low"]}]}, "parameter effort: write each choice once"),
        ({"parameters": [{**EFFORT, "choices": ["low", "turbo"]}]}, "choices of the knob ReasoningEffort are none,"),
        ({"parameters": [{**EFFORT, "body": {"knob": "Thinking"}}]}, "knob Thinking is of type Boolean"),
        ({"parameters": [{**BUDGET, "body": {"knob": "RepetitionStop"}, "minimum": "1"}]}, "below 2"),
        ({"parameters": [{**BUDGET, "minimum": "-1"}]}, "engines take no ThinkingBudget below 0"),
        (
            {"parameters": [{**WINDOW, "body": {**OWN_PATHS, "apply": "IfLarger"}}]},
            "apply IfLarger compares values, and these have no order",
        ),
        (
            {"parameters": [{**BUDGET, "body": {"knob": "RepetitionStop", "apply": "IfLarger"}}]},
            "apply IfLarger compares values, and these have no order",
        ),
        ({"parameters": [{**BUDGET, "body": {}}]}, "body: write exactly one of knob and paths"),
        ({"parameters": [{**BUDGET, "body": {"knob": "Samples", **OWN_PATHS}}]}, "exactly one of knob and paths"),
        (
            {"parameters": [{**BUDGET, "body": {"paths": OWN_PATHS["paths"] * 2}}]},
            "body.paths: write each field of an API once",
        ),
        (
            {"parameters": [{**BUDGET, "body": {"paths": [{"api": "Completions", "path": "stream_options.x"}]}}]},
            "stream and stream_options say how an answer is sent",
        ),
        (
            {"parameters": [{key: each for key, each in BUDGET.items() if key != "body"}]},
            "writes settings into bodies and nowhere else; write body for every parameter",
        ),
        (
            {"delivery": {"mode": "GatewayHeader", "gatewayHeader": {"routeRef": {"name": "qa"}}}},
            "delivery.mode GatewayHeader writes nothing into bodies; remove body",
        ),
    ],
)
def test_what_is_no_setting_of_a_body_is_refused_with_what_to_write(changes: dict[str, Any], said: str) -> None:
    found = problems(**changes)
    assert any(said in each for each in found), found
    assert not any("breaks the rule" in each for each in found)


def test_a_parameter_that_still_needs_body_is_not_said_to_need_a_value_of_the_baseline() -> None:
    plain = {key: each for key, each in BUDGET.items() if key != "body"}
    (found,) = problems(parameters=[plain])
    assert "write body for every parameter, as body: {knob: AnswerCap}" in found


def own_path(path: str) -> dict[str, Any]:
    return {"parameters": [{**WINDOW, "body": {"paths": [{"api": "ChatCompletions", "path": path}]}}]}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"parameters": [{**BUDGET, "body": {"knob": "answercap"}}]},
            'knob: "answercap" is not known; perhaps AnswerCap',
        ),
        ({"parameters": [{**BUDGET, "body": {"knob": "max_tokens"}}]}, "for a field's name write paths: [{api:"),
        (
            {"parameters": [{**BUDGET, "body": {"paths": [{"path": "x"}]}}]},
            "this field is needed; write one of Chat",
        ),
        (own_path("$.max_tokens"), "does not match; write keys joined by dots, as custom_params.window."),
        (
            {"parameters": [{**EFFORT, "choices": ["1", "low"]}]},
            "write a word that begins with a letter",
        ),
    ],
)
def test_a_word_that_does_not_fit_is_answered_with_what_to_write(changes: dict[str, Any], said: str) -> None:
    (found,) = problems(**changes)
    assert said in found


def test_an_engine_in_other_capitals_is_recognised_and_a_missing_one_is_told_with_all_there_are() -> None:
    (found,) = problems(delivery=on("vLLM"))
    assert found == 'spec.delivery.requestBody.engine: "vLLM" is not known; perhaps VLLM is meant.'
    (found,) = problems(delivery={"mode": "RequestBody", "requestBody": {"routeRef": {"name": "qwen"}}})
    assert found.endswith("engine: this field is needed; write one of VLLM, SGLang, LlamaCpp, OpenAI.")


def on(engine: str, **delivery: Any) -> dict[str, Any]:
    """A delivery to an engine."""
    return {"mode": "RequestBody", "requestBody": {"routeRef": {"name": "qwen"}, "engine": engine}, **delivery}


def for_low_effort(name: str) -> dict[str, Any]:
    return {**BUDGET, "name": name, "body": {**BUDGET["body"], "where": {"path": "reasoning_effort", "value": "low"}}}


CAP = {**BUDGET, "name": "cap", "body": {"knob": "AnswerCap"}}
OF_COMPLETIONS = {**CAP, "body": {"paths": [{"api": "Completions", "path": "max_tokens"}]}}


@pytest.mark.parametrize(
    ("parameters", "delivery", "said"),
    [
        ([THINKING], on("OpenAI"), "parameter thinking: OpenAI has no field for Thinking; write one of"),
        ([{**BUDGET, "body": {"knob": "RepetitionStop"}}], on("SGLang"), "SGLang has no field for RepetitionStop"),
        ([CAP, {**CAP, "name": "limit"}], on("VLLM"), "parameters cap and limit both write max_completion_tokens"),
        ([CAP, {**OF_COMPLETIONS, "name": "own"}], on("VLLM"), "parameters cap and own both write max_tokens"),
        ([for_low_effort("a"), for_low_effort("b")], on("VLLM"), "parameters a and b both write thinking_token_budget"),
        ([BUDGET], on("OpenAI"), "have no field for it at engine OpenAI. Write /v1/messages in delivery.paths"),
        ([OF_COMPLETIONS], on("VLLM", paths=["/v1/responses"]), "Write /v1/completions in delivery.paths"),
    ],
)
def test_what_the_operator_refuses_of_a_body_is_refused_offline_with_its_own_sentence(
    parameters: list[dict[str, Any]], delivery: dict[str, Any], said: str
) -> None:
    name = parameters[0]["name"]
    value = "true" if name == "thinking" else "512"
    changes = {"parameters": parameters, "delivery": delivery, **candidate(setting(name, value))}
    (found,) = problems(**changes)
    refusal = refusal_of_spec(PolicySpec.model_validate(body_spec(**changes)))
    assert refusal is not None and found == refusal.message and said in found


def test_answers_that_nobody_scores_are_refused_offline_and_by_the_operator_in_the_same_words() -> None:
    live = {"objective": {"exactMatch": {"margin": "0.02"}}}
    (found,) = problems(**live)
    refusal = refusal_of_spec(PolicySpec.model_validate(body_spec(**live)))
    assert refusal is not None and refusal.reason == "AnswersNotScored" and found == f"spec: {refusal.message}"
    assert "write evidence: Pairs and ask golden questions" in found


def test_answers_that_the_templates_of_a_source_count_may_be_compared_behind_an_injector() -> None:
    custom = {"metrics": {"sourceRef": {"name": "default"}, "preset": "Custom"}}
    assert problems(objective={"exactMatch": {"margin": "0.02"}}, **custom) == []


@pytest.mark.parametrize("paths", [["/v1/messages"], ["/qa/v1/messages", "/v1/completions"], ["/ask"]])
def test_a_parameter_is_taken_where_some_request_may_have_its_field(paths: list[str]) -> None:
    assert problems(parameters=[BUDGET], delivery=on("OpenAI", paths=paths)) == []


def test_a_baseline_may_leave_to_clients_only_what_stands_in_bodies() -> None:
    plain = {key: each for key, each in BUDGET.items() if key != "body"}
    found = problems(
        parameters=[plain], delivery={"mode": "GatewayHeader", "gatewayHeader": {"routeRef": {"name": "qa"}}}
    )
    assert found == ["spec: baseline.values: write a value for every parameter; there is none for budget."]
