"""Hooks of a policy: what is told to whom. Live: an edit changes nothing of the evidence and starts no campaign."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from earlystop.api.values import ObjectName, SettingName, Value


class OccurrenceKind(StrEnum):
    """What may happen to a policy that somebody outside wants to know."""

    PROMOTED = "Promoted"
    ROLLED_BACK = "RolledBack"
    ENDED = "Ended"
    TRIAL_ENDED = "TrialEnded"
    REPEATED_FAILURE = "RepeatedFailure"
    AWAITING_APPROVAL = "AwaitingApproval"


class HookTargetReference(Value):
    """A HookTarget of the cluster, written by its admin."""

    name: ObjectName = Field(description="Name of the HookTarget.")


class Hook(Value):
    """What is told to one receiver."""

    name: SettingName = Field(description="Name of the hook, shown in status and events.")
    target_ref: HookTargetReference = Field(description="Who is told.")
    on: (
        Annotated[
            tuple[OccurrenceKind, ...],
            Field(min_length=1, max_length=16),
        ]
        | None
    ) = Field(
        None,
        description="What is told. Promoted, RolledBack: this was decided. Ended: a campaign or search ended "
        "otherwise. TrialEnded: a trial of a search. RepeatedFailure: three campaigns in a row promoted nothing. "
        "AwaitingApproval: a decision waits for people. "
        "Absent: all.",
    )

    def wants(self, kind: OccurrenceKind) -> bool:
        """Whether an occurrence of this kind is told by this hook."""
        return self.on is None or kind in self.on


Hooks = Annotated[tuple[Hook, ...], Field(max_length=8, json_schema_extra={"x-list-map-key": "name"})]
