"""The map from efforts to budgets holds what verdicts prove, and nothing else."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from earlystop.api.body_knobs import Engine
from earlystop.api.parameters import Parameter
from earlystop.api.policy import PolicySpec
from earlystop.cli.effort_map import effort_map, effort_of, fields_for
from earlystop.cli.main import app
from earlystop.rollout.verdict import verdict_object
from tests.unit.api.body_policies import BUDGET, body_spec, setting
from tests.unit.rollout.in_rows import object_in_rows
from tests.unit.rollout.policies import NOW, UID, started
from tests.unit.rollout.traffic import HARMFUL, SAVING, Quality, Server, decided

EFFORTS = ("low", "medium", "high")


def parameter(effort: str, path: str = "reasoning_effort") -> dict[str, Any]:
    body = {"knob": "ThinkingBudget", "apply": "IfAbsent", "where": {"path": path, "value": effort}}
    return {**BUDGET, "name": f"budget-{effort}", "body": body}


def spec_of(effort: str, budget: str, baseline: list[dict[str, str]]) -> PolicySpec:
    """A policy that tries a budget for one effort."""
    steps = [{"weight": 5, "minimumSeconds": 60}, {"weight": 25, "minimumSeconds": 60}, {"weight": 50}]
    return PolicySpec.model_validate(
        body_spec(
            parameters=[parameter(each) for each in EFFORTS],
            baseline={"values": baseline},
            candidates=[{"name": "it", "values": [setting(f"budget-{effort}", budget)]}],
            objective={"exactMatch": {"margin": "0.02"}, "tokens": {"minimumSaving": "0.10"}},
            rollout={"steps": steps, "advance": "ByTime", "settleSeconds": 30, "deadlineSeconds": 3600},
        )
    )


@cache
def _verdict(
    effort: str, budget: str, baseline: tuple[tuple[str, str], ...], later: int, answers: Quality, policy: str
) -> str:
    spec = spec_of(effort, budget, [setting(*each) for each in baseline])
    begun = started(spec, NOW + later)
    return json.dumps(verdict_object(policy, "llm", UID, decided(spec, begun, Server(), answers)))


def verdict(
    effort: str,
    budget: str,
    *baseline: tuple[str, str],
    later: int = 0,
    answers: Quality = SAVING,
    policy: str = "effort",
) -> dict[str, Any]:
    """Of a campaign that tried a budget for one effort. later: seconds after the first campaigns."""
    found: dict[str, Any] = json.loads(_verdict(effort, budget, baseline, later, answers, policy))
    return found


@pytest.mark.slow
def test_each_effort_has_the_budget_that_a_verdict_changed_and_none_that_it_only_kept() -> None:
    found = effort_map([verdict("medium", "2048", ("budget-high", "9000")), verdict("low", "512")])
    assert [(effort, each.budget) for effort, each in found.items()] == [("low", 512), ("medium", 2048)]
    assert found["low"].verdict.startswith("effort-") and found["low"].effect


@pytest.mark.slow
def test_the_latest_verdict_about_an_effort_holds() -> None:
    older, newer = verdict("low", "512"), verdict("low", "256", ("budget-low", "512"), later=90_000)
    assert effort_map([newer, older])["low"].budget == effort_map([older, newer])["low"].budget == 256


@pytest.mark.slow
def test_a_rollback_a_persons_request_and_a_verdict_that_was_changed_prove_nothing() -> None:
    forged, asked = object_in_rows(verdict("low", "512")), verdict("low", "512")
    forged["spec"]["looks"][0][6] += 1
    asked["spec"] |= {"requestedBy": "user alice"}
    assert effort_map([forged, asked, verdict("low", "512", answers=HARMFUL)]) == {}


def test_a_parameter_is_for_an_effort_only_where_it_is_its_budget() -> None:
    def effort(**body: Any) -> str | None:
        return effort_of(Parameter.model_validate({**BUDGET, "body": body}))

    where = {"path": "reasoning_effort", "value": "low"}
    assert effort(knob="ThinkingBudget", where=where) == "low"
    assert effort(knob="AnswerCap", where=where) is None
    assert effort(knob="ThinkingBudget") is None
    assert effort(knob="ThinkingBudget", where={"path": "user", "value": "low"}) is None
    assert effort(knob="ThinkingBudget", where={**where, "value": "vip"}) is None


@pytest.mark.parametrize(
    ("engine", "fields"),
    [
        (Engine.VLLM, {"thinking_token_budget": 512}),
        (Engine.SGLANG, {"custom_params": {"thinking_budget": 512}}),
        (Engine.LLAMA_CPP, {"reasoning_budget_tokens": 512}),
        (Engine.OPENAI, None),
    ],
)
def test_each_engine_takes_a_budget_in_a_field_of_its_own(engine: Engine, fields: dict[str, Any] | None) -> None:
    assert fields_for(engine, 512) == fields


@pytest.mark.slow
def test_the_map_is_printed_for_each_engine_and_as_json(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.yaml"
    path.write_text(yaml.safe_dump_all([verdict("low", "512"), verdict("high", "8192")]))
    shown = CliRunner().invoke(app, ["effort-map", "-f", str(path)], env={"COLUMNS": "300"})
    assert shown.exit_code == 0, shown.output
    assert 'low: {"custom_params": {"thinking_budget": 512}}' in shown.output and "8192" in shown.output
    told = json.loads(CliRunner().invoke(app, ["effort-map", "-f", str(path), "--json"]).output)
    assert told["VLLM"] == {"low": {"thinking_token_budget": 512}, "high": {"thinking_token_budget": 8192}}
    assert list(told) == ["VLLM", "SGLang", "LlamaCpp"]


def test_without_a_proven_budget_the_command_says_what_to_try(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.yaml"
    path.write_text(yaml.safe_dump(verdict("low", "512", answers=HARMFUL)))
    refused = CliRunner().invoke(app, ["effort-map", "-f", str(path)])
    assert refused.exit_code == 1 and "No verdict proves a budget for an effort" in str(refused.output)
    path.write_text("kind: EarlyStopVerdict\nspec: {at: x, policy: effort}\n")
    refused = CliRunner().invoke(app, ["effort-map", "-f", str(path)])
    assert refused.exit_code == 1 and "none that this release can read" in str(refused.output)


@pytest.mark.slow
def test_budgets_of_two_policies_are_never_mixed(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.yaml"
    other = verdict("low", "256", ("budget-low", "512"), later=90_000, policy="other")
    path.write_text(yaml.safe_dump_all([verdict("low", "512"), other]))
    refused = CliRunner().invoke(app, ["effort-map", "-f", str(path)])
    assert refused.exit_code == 1 and "several policies prove budgets for efforts: effort, other." in refused.output
    for policy, budget in (("effort", 512), ("other", 256)):
        told = CliRunner().invoke(app, ["effort-map", policy, "-f", str(path), "--json"])
        assert json.loads(told.output)["VLLM"] == {"low": {"thinking_token_budget": budget}}
    none = CliRunner().invoke(app, ["effort-map", "third", "-f", str(path)])
    assert none.exit_code == 1 and "No verdict of policy third proves a budget" in none.output


@pytest.mark.parametrize("text", ["kind: EarlyStopPolicy\n", "{}", "", "kind: List\nitems: []\n"])
def test_a_file_without_verdicts_is_told_as_such_also_beside_one_that_has_some(tmp_path: Path, text: str) -> None:
    (tmp_path / "good.yaml").write_text(yaml.safe_dump(verdict("low", "512")))
    path = tmp_path / "other.yaml"
    path.write_text(text)
    refused = CliRunner().invoke(app, ["effort-map", "-f", str(tmp_path / "good.yaml"), "-f", str(path)])
    assert (
        refused.exit_code == 1 and f"{path} holds no EarlyStopVerdict; save them by kubectl get esv" in refused.output
    )
