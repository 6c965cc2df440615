"""Gates of a policy: what else must agree before a promotion, or before a step.

Live: an edit changes nothing of the evidence, and starts no campaign. A gate only holds: none is ever a reason to
promote.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.gate_kinds import GateKind
from earlystop.api.hooks import HookTargetReference, JobReference
from earlystop.api.values import ObjectName, Percent, SettingName, Value, rules


class ObjectCondition(Value):
    """A condition of an object in the policy's namespace."""

    kind: GateKind = Field(
        description="Kind of the object. Deployment, Job where Jobs are allowed, or what the chart's gates.kinds names "
        "of Workflow (Argo), PipelineRun (Tekton), Kustomization and HelmRelease (Flux)."
    )
    name: ObjectName = Field(description="Name of the object.")
    type: Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9]+$")] = Field(
        description="Type of the condition, for example Available or Complete."
    )
    status: Literal["True", "False"] = Field("True", description="Status at which the gate is open. Absent: True.")


class Gate(Value):
    """One thing that a promotion, or a step, waits for, while looks and harm go on."""

    model_config = rules(
        {
            "rule": "[has(self.jobRef), has(self.targetRef), has(self.condition)].filter(each, each).size() == 1",
            "message": "jobRef, targetRef, condition: write one of the three for each gate",
        },
        {
            "rule": "!has(self.weights) || (has(self.before) && self.before == 'Step')",
            "message": "gates.weights names steps; write before: Step beside it, or remove it",
        },
    )

    name: SettingName = Field(description="Name of the gate, shown in status and events.")
    before: Literal["Promotion", "Step"] = Field(
        "Promotion",
        description="What it holds. Absent: Promotion. Step: each step of rollout.steps, the first one too, is "
        "begun once it is open; it is asked anew for each. A rollback waits for none.",
    )
    job_ref: JobReference | None = Field(
        None, description="A Job that is run for the proposed setting: open once it has succeeded, closed if it failed."
    )
    target_ref: HookTargetReference | None = Field(
        None,
        description='A receiver that is asked: it answers 200 with {"gate": "Open"} or {"gate": "Closed"}, anything '
        "else while it does not know yet. Its HookTarget's template is CloudEvents.",
    )
    condition: ObjectCondition | None = Field(None, description="A condition that must hold.")
    timeout_seconds: int = Field(
        3600, ge=1, le=2_592_000, description="How long the gate may take to open. Absent: 3600, an hour."
    )
    on_timeout: Literal["End", "Wait"] = Field(
        "End",
        description="What follows then. Absent: End. End: the campaign ends without a promotion, as "
        "rollout.onInconclusive says. Wait: it goes on to wait, and says so.",
    )
    weights: Annotated[tuple[Percent, ...], Field(min_length=1, max_length=10)] | None = Field(
        None, description="With before: Step, weights of the steps that it holds. Absent: each step."
    )


Gates = Annotated[tuple[Gate, ...], Field(max_length=4, json_schema_extra={"x-list-map-key": "name"})]
