"""Policies whose parameters stand in bodies are checked by the rules of the API server, offline as well."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.api.wire import API_VERSION
from earlystop.cli.offline_check import problems_of
from tests.unit.api.body_policies import BUDGET, EFFORT, THINKING, WINDOW, body_spec, setting

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


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (candidate(setting("effort", "max")), "Choice takes one of its choices"),
        (candidate(setting("effort", "40")), "Choice takes one of its choices"),
        (candidate(setting("thinking", "True")), '"true" or "false", in quotes'),
        (candidate(setting("budget", "low")), "must lie between its minimum and maximum"),
        (candidate(setting("budget", "nan")), "must lie between its minimum and maximum"),
        (candidate(setting("budget", "127")), "must lie between its minimum and maximum"),
        (candidate(setting("other", "low")), "each value needs a parameter of that name"),
        ({"baseline": {"values": [setting("thinking", "no")]}}, "baseline.values: a parameter of type Choice"),
        ({"baseline": {"values": [setting("budget", "512.0")]}}, "a candidate equals the baseline"),
        (
            {"baseline": {"values": [], "pinned": {"values": [setting("effort", "max")]}}},
            "baseline.pinned: a parameter of type Choice takes one of its choices",
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


def test_a_baseline_may_leave_to_clients_only_what_stands_in_bodies() -> None:
    plain = {key: each for key, each in BUDGET.items() if key != "body"}
    found = problems(
        parameters=[plain], delivery={"mode": "GatewayHeader", "gatewayHeader": {"routeRef": {"name": "qa"}}}
    )
    assert found == ["spec: baseline.values: write a value for every parameter."]
