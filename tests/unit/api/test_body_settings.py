"""Parameters that stand in bodies: what a policy may write, and what an injector is told."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from earlystop.api.body_knobs import KNOBS, Api, Apply, Engine, Knob, ValueType
from earlystop.api.body_settings import body_refusal, body_settings, written_settings
from earlystop.api.parameters import Parameter
from tests.unit.api.body_policies import BUDGET, EFFORT, THINKING, WINDOW

PARAMETERS = TypeAdapter(tuple[Parameter, ...])


def parameters(*written: dict[str, Any]) -> tuple[Parameter, ...]:
    return PARAMETERS.validate_python(written)


def own(name: str, *paths: str, api: str = "ChatCompletions", **more: Any) -> dict[str, Any]:
    return {**BUDGET, "name": name, "body": {"paths": [{"api": api, "path": path} for path in paths], **more}}


def test_an_injector_is_told_each_parameter_of_a_policy_that_stands_in_bodies() -> None:
    without = {key: each for key, each in BUDGET.items() if key != "body"} | {"name": "patience"}
    found = body_settings(written_settings(parameters(BUDGET, EFFORT, THINKING, WINDOW, without), Engine.VLLM))
    assert list(found) == ["budget", "effort", "thinking", "window"]
    assert found["budget"] is KNOBS[Engine.VLLM][Knob.THINKING_BUDGET]
    assert found["window"].type is ValueType.STRING and found["window"].apply is Apply.ALWAYS
    assert found["window"].fields[Api.CHAT_COMPLETIONS][0].path == ("vllm_xargs", "window")


@pytest.mark.parametrize(("direction", "order"), [("WhenLower", ("small", "large")), (None, ())])
def test_choices_have_an_order_where_the_policy_says_in_which_direction_they_stop_sooner(
    direction: str | None, order: tuple[str, ...]
) -> None:
    written = WINDOW | ({"stopsSooner": direction} if direction else {})
    assert body_settings(written_settings(parameters(written), Engine.VLLM))["window"].order == order


@pytest.mark.parametrize("engine", list(Engine))
@pytest.mark.parametrize("knob", list(Knob))
def test_a_knob_that_an_engine_does_not_have_is_refused_by_name_and_every_other_is_taken(
    engine: Engine, knob: Knob
) -> None:
    refusal = body_refusal(parameters({**BUDGET, "body": {"knob": knob.value}}), engine)
    if knob in KNOBS[engine]:
        assert refusal is None
    else:
        assert refusal is not None and refusal.reason == "UnknownKnob"
        assert f"parameter budget: {engine} has no field for {knob}; write one of" in refusal.message


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ((BUDGET, {**BUDGET, "name": "more"}), "parameters budget and more both write thinking_token_budget"),
        ((BUDGET, own("more", "thinking_token_budget")), "budget and more both write thinking_token_budget"),
        ((own("a", "x.y"), own("b", "x")), "parameters a and b both write x of ChatCompletions"),
        ((own("a", "x"), own("b", "x.y.z")), "parameters a and b both write x of ChatCompletions"),
        ((own("a", "x.y", "x.y.z"),), "parameter a writes x.y of ChatCompletions twice"),
    ],
)
def test_a_field_that_would_be_written_twice_is_refused(written: tuple[dict[str, Any], ...], said: str) -> None:
    refusal = body_refusal(parameters(*written), Engine.VLLM)
    assert refusal is not None and refusal.reason == "FieldWrittenTwice" and said in refusal.message


def test_the_same_field_of_two_apis_and_siblings_are_written_by_several() -> None:
    several = (own("a", "x.y"), own("b", "x.z"), own("c", "x.y", api="Completions"), own("d", "x_y"))
    assert body_refusal(parameters(*several), Engine.VLLM) is None


def for_effort(effort: str, path: str = "reasoning_effort") -> dict[str, Any]:
    body = {"knob": "ThinkingBudget", "apply": "IfAbsent", "where": {"path": path, "value": effort}}
    return {**BUDGET, "name": f"budget-{effort}", "body": body}


def test_one_field_is_written_by_several_parameters_where_no_body_gets_both() -> None:
    found = body_settings(written_settings(parameters(for_effort("low"), for_effort("high")), Engine.VLLM))
    assert found["budget-low"].where == (("reasoning_effort",), "low")
    assert found["budget-high"].apply is Apply.IF_ABSENT
    for other in (for_effort("low") | {"name": "again"}, for_effort("high", "other"), BUDGET):
        refusal = body_refusal(parameters(for_effort("low"), other), Engine.VLLM)
        assert refusal is not None and refusal.reason == "FieldWrittenTwice"


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (BUDGET, ["128", "512", "16384"], ["127", "16385", "512.5", "low", "true", "nan"]),
        ({**BUDGET, "type": "Decimal"}, ["128.5"], ["127.9", "low"]),
        (EFFORT, ["low", "medium", "high"], ["none", "LOW", "1", "true"]),
        (THINKING, ["true", "false"], ["True", "1", "0", "on"]),
    ],
)
def test_each_type_says_which_values_are_its_own(kind: dict[str, Any], right: list[str], wrong: list[str]) -> None:
    (parameter,) = parameters(kind)
    assert [parameter.problem_of(value) for value in right] == [None] * len(right)
    assert all(parameter.problem_of(value) for value in wrong)
