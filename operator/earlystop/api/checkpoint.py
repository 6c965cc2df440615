"""The EarlyStopCheckpoint: what is left of verdicts that retention has removed, so that their chain can be followed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.values import SettingName, Text64, Text1024, Value, rules
from earlystop.api.verdict import Digest

MOST_REMOVED = 128
"""Verdicts that one checkpoint tells of."""


class RemovedVerdict(Value):
    """A verdict that retention has removed."""

    name: Text1024 = Field(description="Name of the verdict.")
    policy_uid: Text64 = Field(description="UID of the policy that it was about.")
    at: Text64 = Field(description="When its decision was taken, RFC 3339 in UTC.")
    created: Text64 = Field(description="When the API server had stored it, as its creationTimestamp said.")
    decision: Literal["Promote", "RollBack", "Inconclusive", "Recommend"] = Field(description="What was decided.")
    candidate: SettingName = Field(description="Name of the candidate.")
    digest: Digest = Field(description="Digest of the verdict.")
    previous: Digest = Field("", description="Digest of the verdict before it; empty for the first.")


class CheckpointSpec(Value):
    """Verdicts of one policy that retention has removed at a time."""

    model_config = rules({"rule": "self == oldSelf", "message": "a checkpoint is never changed"})

    policy: Text1024 = Field(description="Name of the policy.")
    removed: Annotated[tuple[RemovedVerdict, ...], Field(min_length=1, max_length=MOST_REMOVED)] = Field(
        description="The verdicts, the oldest one first."
    )
    digest: Digest = Field(description="sha256 of this record as canonical JSON without this field.")
