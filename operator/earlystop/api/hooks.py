"""Hooks of a policy: what is told to whom. Live: an edit changes nothing of the evidence and starts no campaign."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from earlystop.api.values import ObjectName, SettingName, Value, rules


class OccurrenceKind(StrEnum):
    """What may happen to a policy that somebody outside wants to know."""

    PROMOTED = "Promoted"
    ROLLED_BACK = "RolledBack"
    ENDED = "Ended"
    TRIAL_ENDED = "TrialEnded"
    REPEATED_FAILURE = "RepeatedFailure"
    ALARM = "Alarm"
    AWAITING_APPROVAL = "AwaitingApproval"
    GATE = "Gate"
    LAPSED = "Lapsed"


class HookTargetReference(Value):
    """A HookTarget of the cluster, written by its admin."""

    name: ObjectName = Field(description="Name of the HookTarget.")


class JobReference(Value):
    """A CronJob of the policy's namespace whose template Jobs are made from; it may be suspended. Whoever may write it
    may run such Pods anyway, and allows it by the label `earlystop.dev/job-template: "true"`."""

    name: Annotated[str, Field(min_length=1, max_length=52, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")] = Field(
        description="Name of the CronJob."
    )


class Hook(Value):
    """What is told to one receiver, or starts one Job."""

    model_config = rules(
        {
            "rule": "has(self.targetRef) != has(self.jobRef)",
            "message": "targetRef, jobRef: write one of the two; another hook may have the other",
        },
        {
            "rule": "!has(self.jobRef) || has(self.on)",
            "message": "on: write what starts the Job, for example [RolledBack, RepeatedFailure]",
        },
    )

    name: SettingName = Field(description="Name of the hook, shown in status and events.")
    target_ref: HookTargetReference | None = Field(None, description="Who is told.")
    job_ref: JobReference | None = Field(
        None,
        description="What is run, once for each occurrence; it finds the occurrence and its verdict in /etc/earlystop. "
        "Jobs of a hook run one after the other.",
    )
    on: (
        Annotated[
            tuple[OccurrenceKind, ...],
            Field(min_length=1, max_length=16),
        ]
        | None
    ) = Field(
        None,
        description="What is told. Promoted, RolledBack: this was decided. Ended: a campaign or search ended "
        "otherwise. TrialEnded: a trial of a search. RepeatedFailure: three campaigns in a row promoted nothing "
        "that lasted. Alarm: a guard took a promotion back. AwaitingApproval: a decision waits for people. "
        "Gate: a gate is waited for, open, closed, or did not open in time. "
        "Lapsed: something has changed that the promoted setting was certified on. "
        "Absent: all.",
    )

    def wants(self, kind: OccurrenceKind) -> bool:
        """Whether an occurrence of this kind is told by this hook."""
        return self.on is None or kind in self.on


Hooks = Annotated[tuple[Hook, ...], Field(max_length=8, json_schema_extra={"x-list-map-key": "name"})]
