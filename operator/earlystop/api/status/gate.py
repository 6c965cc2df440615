"""How the gates before a promotion or a step stand, as a policy's status keeps it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.values import Timestamp, Value


class GateStatus(Value):
    """One gate."""

    name: Annotated[str, Field(max_length=32)] = Field(description="Name of the gate.")
    state: Literal["Waiting", "Open", "Closed", "TimedOut"] = Field(description="How it stands.")
    at: Timestamp = Field(description="Since when.")
    message: Annotated[str, Field(max_length=512)] | None = Field(None, description="What it said. Absent: nothing.")
    job_uid: Annotated[str, Field(max_length=128)] | None = Field(
        None, description="UID of its Job: no other one of that name counts. Absent: it has none."
    )
    asks: Annotated[str, Field(max_length=16)] | None = Field(
        None,
        description="Digest of the Job, receiver or condition that it asked: where the policy names another one since, "
        "it is asked anew. Absent: an earlier release asked.",
    )


class GatesStatus(Value):
    """The gates of the decision that waits, or of the latest one that did."""

    since: Timestamp = Field(description="Since when the decision waits.")
    for_people: bool = Field(False, description="Whether it waits for people as well.")
    proof_from: Timestamp | None = Field(
        None,
        description="After a suspension while all gates were open: since when lost proof may be shown again. Absent: "
        "since the last gate opened.",
    )
    gates: (
        Annotated[tuple[GateStatus, ...], Field(max_length=4, json_schema_extra={"x-list-map-key": "name"})] | None
    ) = Field(None, description="Each gate.")


class StepGatesStatus(Value):
    """The gates before the step that waits, or before the latest one that did."""

    step: Annotated[int, Field(ge=0)] = Field(description="Number of the step, from 0.")
    since: Timestamp = Field(description="Since when it waits.")
    entered: bool | None = Field(None, description="Whether it has begun. Absent: it waits.")
    gates: (
        Annotated[tuple[GateStatus, ...], Field(max_length=4, json_schema_extra={"x-list-map-key": "name"})] | None
    ) = Field(None, description="Each gate.")
