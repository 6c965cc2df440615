"""A policy that an API server would refuse is refused offline too, and one that it takes is not.

That both say the same of each is shown on a real API server in `cluster/test_offline_check.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from earlystop.cli.failure import CommandFailure
from earlystop.cli.files import crd_rules
from earlystop.cli.files.crd_rules import with_defaults
from earlystop.cli.files.offline_check import problems_of
from earlystop.cli.files.yaml_values import SAFE_LOADER
from tests.cluster.objects import Manifest, changed, policy
from tests.cluster.refused_fields import FIELDS
from tests.cluster.refused_policies import POLICIES
from tests.cluster.refused_searches import SEARCHES
from tests.unit.every_row import every_row

ACCEPTED = {
    "a whole number with a decimal point",
    "null for what may be left out",
    "null for what has a default",
    "a path twice under another name",
    "a policy that is right",
}
FORMS = {
    "a field that does not exist": "spec.rollout.stepz: there is no such field; perhaps steps is meant.",
    "a field that is missing": "spec.objective: this field is needed: What must be proven before a candidate is kept.",
    "a number where text belongs": 'numbers are written as text here; write "0.02", with the quotes.',
    "a weight of 0": "spec.rollout.steps[0].weight: 0 is too small; write 1 or more.",
    "a weight of 100": "spec.rollout.steps[2].weight: 100 is too large; write 99 or less.",
    "a look every 0 s": "spec.rollout.lookSeconds: 0 is too small; write 1 or more.",
    "a workload that has no Pods of its own": "spec.targetRef.kind: \"Service\" is not known; write 'Deployment'.",
    "two candidates of the same name": "spec.candidates[1]: another item has the name one already; write each once.",
    "a value in exponent notation": 'spec.candidates[0].values[0].value: "1e1" is no decimal and no word',
    "a header prefix without its hyphen": 'spec.delivery.gatewayHeader.headerPrefix: "xearlystop" does not match',
    "a holdback of all traffic": "spec.guard.holdbackWeight: 100 is too large; write 50 or less.",
}
"""Words for mistakes in the form of one field, where the API server's are those of a schema."""
SEARCHED = {
    "values that the parameter does not take": "spec: search.parameters: window 41 is not between 1 and 40",
    "a fraction of an Integer": "window 20.5 is no whole number",
    "a choice that is not listed": "effort none is none of high, medium, low",
    "a range beyond the bounds": "from 1 to 41 is wider than what window takes; write from and to within 1 and 40",
}
"""Mistakes in what may be tried, of which validate names the value, where an API server says that there is one."""
EXAMPLES = sorted((Path(__file__).parents[3] / "manifests" / "examples").glob("*.yaml"))


@every_row("name", POLICIES)
def test_a_wrong_policy_is_refused_with_the_sentence_of_its_rule_or_what_to_write_in_its_field(name: str) -> None:
    path, value, sentence = POLICIES[name]
    problems = problems_of(changed(policy(), path, value))
    assert any(FORMS.get(name, sentence) in problem for problem in problems), problems


@every_row("name", FIELDS)
def test_a_field_of_another_form_is_refused_where_an_api_server_refuses_it(name: str) -> None:
    problems = problems_of(changed(policy(), *FIELDS[name]))
    assert bool(problems) == (name not in ACCEPTED), problems
    assert all(each.endswith(".") and len(each) < 300 for each in problems)


@pytest.mark.parametrize(
    ("preset", "engine", "said"),
    [
        ("VLLM", "VLLM", None),
        ("VLLM", "OpenAI", None),
        ("VLLM", "SGLang", "metrics.crossCheck VLLM is another engine than requestBody.engine SGLang"),
        ("SGLang", "LlamaCpp", "remove it where the engine counts no requests"),
        ("LlamaCpp", "LlamaCpp", "there can be no preset LlamaCpp"),
    ],
)
def test_a_cross_check_is_of_the_engine_behind_the_injector(preset: str, engine: str, said: str | None) -> None:
    (path,) = (each for each in EXAMPLES if each.name == "stock-vllm.yaml")
    (written,) = (
        each for each in yaml.load_all(path.read_text(), Loader=SAFE_LOADER) if each["kind"] == "EarlyStopPolicy"
    )
    changed(written, "spec.delivery.requestBody.engine", engine)
    problems = problems_of(changed(written, "spec.metrics.crossCheck", preset))
    assert problems == [] if said is None else any(said in each for each in problems), problems


def test_a_preset_of_llama_cpp_is_refused_with_why_there_can_be_none() -> None:
    (said,) = problems_of(changed(policy(), "spec.metrics.preset", "LlamaCpp"))
    assert "llama.cpp counts no requests" in said and "write EarlyStop with delivery.mode RequestBody" in said


@every_row("path", EXAMPLES)
def test_every_example_is_accepted(path: Path) -> None:
    for manifest in yaml.load_all(path.read_text(), Loader=SAFE_LOADER):
        if manifest["kind"] == "EarlyStopPolicy":
            assert problems_of(manifest) == []


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("apiVersion", "earlystop.dev/v9", "earlystop.dev/v9 is not known; write earlystop.dev/v1alpha1"),
        ("specs", {}, "specs: there is no such field; perhaps spec is meant"),
        ("metadata.name", "", "metadata.name: write a name"),
        ("metadata", [], "metadata.name: write a name"),
        ("spec", "all", "spec: write what the policy tries"),
        ("spec.approval", {"mode": "WhenBelowFloor"}, "write objective.exactMatch.floor, or approval.mode BeforePro"),
        ("spec.metrics.preset", "VLLM", "metrics.preset VLLM cannot tell variants apart"),
    ],
)
def test_what_stands_outside_of_the_spec_or_is_not_built_is_named(path: str, value: Any, sentence: str) -> None:
    (problem,) = problems_of(changed(policy(), path, value))
    assert sentence in problem


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"shadowSeconds": 60, "steps": [{"weight": 5}]}, "nothing is judged in shadow in delivery.mode ConfigMap"),
        ({"steps": []}, "spec: rollout.steps: write at least one, for example {weight: 5}."),
    ],
)
def test_a_rule_speaks_of_the_mode_that_the_policy_has_and_of_no_other(changes: Manifest, said: str) -> None:
    manifest = changed(policy(), "spec.delivery", {"mode": "ConfigMap", "configMap": {"name": "settings"}})
    (problem,) = problems_of(changed(manifest, "spec.rollout", changes))
    assert said in problem and "GatewayHeader" not in problem and "HeaderCohort" not in problem


def test_of_several_broken_rules_the_deepest_comes_first() -> None:
    assert "is reserved for a header" in problems_of(changed(policy(), "spec.parameters.0.name", "revision"))[0]


def test_defaults_stand_where_nothing_or_null_is_written_and_nowhere_else() -> None:
    number = {"type": "integer", "default": 5}
    below = {"properties": {"c": number}}
    schema = {"properties": {"a": number, "b": below, "d": {"items": below}}}
    written: Manifest = {"a": None, "b": {"c": 2.0}, "d": [{}, {"c": 3}], "e": None}
    assert with_defaults(schema, written) == {"a": 5, "b": {"c": 2}, "d": [{"c": 5}, {"c": 3}], "e": None}


def test_an_installation_without_the_engine_of_rules_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crd_rules, "find_spec", lambda name: None)
    with pytest.raises(CommandFailure, match=r"pip install \."):
        crd_rules._engine.__wrapped__()  # a process may load the engine once only


@pytest.mark.parametrize("name", SEARCHED)
def test_a_value_that_may_not_be_tried_is_named(name: str) -> None:
    found = problems_of(SEARCHES[name][0])
    assert any(SEARCHED[name] in problem for problem in found), found


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("spec.delivery.gatewayHeader.routeRef", "qa", "name, as {name: qa}."),
        ("spec.rollout.steps", [10, 50], "as {weight: 10}."),
        ("spec.rollout", 5, "write fields, each on a line of its own: strategy, "),
        ("spec.candidates", {"name": "a"}, "write a list, each item with name"),
        ("spec.targetRef", "qa", "write fields, each on a line of its own: kind, name"),
    ],
)
def test_where_fields_or_a_list_belong_the_fields_are_named(path: str, value: Any, said: str) -> None:
    found = problems_of(changed(policy(), path, value))
    assert any(said in problem for problem in found), found


@pytest.mark.parametrize(
    ("path", "written", "meant"),
    [
        ("spec.objective", {"exact_match": {"margin": "0.02"}, "tokens": {"minimumSaving": "0.1"}}, "exactMatch"),
        ("spec.metrics", {"source_ref": {"name": "default"}}, "sourceRef"),
        ("spec.delivery", {"mode": "GatewayHeader", "gateway_header": {"routeRef": {"name": "qa"}}}, "gatewayHeader"),
    ],
)
def test_a_name_of_python_is_no_field_of_the_kind(path: str, written: dict[str, Any], meant: str) -> None:
    found = problems_of(changed(policy(), path, written))
    assert any(f"there is no such field; perhaps {meant} is meant." in problem for problem in found), found


def test_what_a_missing_baseline_may_be_is_said_to_its_end() -> None:
    found = problems_of(changed(policy(), "spec.baseline", {}))
    assert any("[] leaves the whole body alone." in problem for problem in found), found
