"""What objects of common kinds say to a gate, as their controllers write them: open, closed, or not yet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.gate_kinds import KINDS
from earlystop.api.gates import ObjectCondition
from earlystop.api.times import rfc3339
from earlystop.controller.hooks.gated_object import answer_of
from earlystop.rollout.waiting.gates import GateState
from tests.unit.every_row import every_row
from tests.unit.rollout.policies import NOW, examples

BEFORE, SINCE = rfc3339(NOW - 60), rfc3339(NOW + 60)


def workflow(phase: str, at: str | None = None, **conditions: str) -> dict[str, Any]:
    rows = [{"type": name, "status": value} for name, value in conditions.items()]
    ended = {"finishedAt": at} if at else {}
    return {"metadata": {"generation": 7}, "status": {"phase": phase, "conditions": rows, **ended}}


def run(succeeded: str, reason: str, at: str | None = None) -> dict[str, Any]:
    row = {"type": "Succeeded", "status": succeeded, "reason": reason, "lastTransitionTime": SINCE}
    ended = {"completionTime": at} if at else {}
    return {"metadata": {"generation": 1}, "status": {"conditions": [row], **ended}}


def applied(ready: str, observed: int = 3, **spec: Any) -> dict[str, Any]:
    rows = [{"type": "Ready", "status": ready, "observedGeneration": observed}, {"type": "Healthy", "status": ready}]
    return {"metadata": {"generation": 3}, "spec": spec, "status": {"observedGeneration": observed, "conditions": rows}}


OPEN, CLOSED, WAITING = GateState.OPEN, GateState.CLOSED, GateState.WAITING
SAID: dict[str, tuple[str, str, dict[str, Any], GateState, str]] = {
    "a Workflow that runs": ("Workflow", "Completed", workflow("Running", PodRunning="True"), WAITING, "=nothing"),
    "one that has succeeded": ("Workflow", "Completed", workflow("Succeeded", SINCE, Completed="True"), OPEN, "=True"),
    "one that has failed": ("Workflow", "Completed", workflow("Failed", SINCE, Completed="True"), CLOSED, "has failed"),
    "one that broke": ("Workflow", "Completed", workflow("Error", SINCE, Completed="True"), CLOSED, "has failed"),
    "one that failed before": ("Workflow", "Completed", workflow("Failed", BEFORE, Completed="True"), WAITING, "anew"),
    "one that has not begun": ("Workflow", "Completed", {"metadata": {}}, WAITING, "=nothing"),
    "one that is suspended": ("Workflow", "Completed", {"spec": {"suspend": True}}, WAITING, "is suspended"),
    "a PipelineRun that runs": ("PipelineRun", "Succeeded", run("Unknown", "Running"), WAITING, "Succeeded=Unknown"),
    "one that succeeded": ("PipelineRun", "Succeeded", run("True", "Completed", SINCE), OPEN, "Succeeded=True"),
    "one with failed tasks": ("PipelineRun", "Succeeded", run("False", "Failed", SINCE), CLOSED, "has failed"),
    "one that was cancelled": ("PipelineRun", "Succeeded", run("False", "Cancelled", SINCE), CLOSED, "has failed"),
    "one of yesterday": ("PipelineRun", "Succeeded", run("False", "Failed", BEFORE), WAITING, "run it anew"),
    "one without a time": ("PipelineRun", "Succeeded", run("False", "CouldntGetTask"), CLOSED, "has failed"),
    "a Kustomization": ("Kustomization", "Ready", applied("True"), OPEN, "Ready=True"),
    "one that heals": ("Kustomization", "Ready", applied("False"), WAITING, "Ready=False"),
    "one whose edit is not seen": ("Kustomization", "Ready", applied("True", 2), WAITING, "does not know of that yet"),
    "one that was never seen": ("Kustomization", "Ready", applied("Unknown", -1), WAITING, "does not know of that"),
    "one at rest": ("Kustomization", "Ready", applied("False", suspend=True), WAITING, "is suspended"),
    "a HelmRelease": ("HelmRelease", "Ready", applied("True"), OPEN, "HelmRelease x says Ready=True"),
    "a HelmRelease that failed": ("HelmRelease", "Ready", applied("False"), WAITING, "Ready=False"),
}


@every_row("what", SAID)
def test_an_object_says_what_its_controller_means_by_it(what: str) -> None:
    kind, type_, found, state, words = SAID[what]
    condition = ObjectCondition.model_validate({"kind": kind, "name": "x", "type": type_})
    answer, said = answer_of(condition, found, NOW)
    assert answer is state and words in said, said


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["True", "Failed", SINCE]),
    lambda each: (
        st.lists(each, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "status", "conditions", "phase", "metadata", "x"]), each, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("kind", KINDS)
@examples
@given(status=json_values, spec=json_values, metadata=json_values)
def test_no_status_of_anybodys_makes_the_asker_fail(kind: str, status: Any, spec: Any, metadata: Any) -> None:
    condition = ObjectCondition.model_validate({"kind": kind, "name": "x", "type": "Ready"})
    state, said = answer_of(condition, {"status": status, "spec": spec, "metadata": metadata}, NOW)
    assert state in (OPEN, CLOSED, WAITING) and said.startswith(f"{kind} x ")


CHART = Path(__file__).parents[4] / "charts" / "earlystop"
READ_ANYWAY = ("Deployment", "Job")


def test_the_chart_lets_the_operator_read_each_kind_that_a_gate_may_name_once_an_admin_names_it() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())["properties"]["gates"]["properties"]["kinds"]
    named = {kind: of for kind, of in KINDS.items() if kind not in READ_ANYWAY}
    assert schema["items"]["enum"] == list(named)
    rules = (CHART / "templates" / "rbac.yaml").read_text()
    for kind, of in named.items():
        rule = f"- apiGroups: [{of.group}]\n  resources: [{of.plural}]\n  verbs: [get]\n"
        assert f'{{{{- if has "{kind}" . }}}}\n{rule}' in rules, kind
