"""What waits to be told by a policy's hooks, as its status keeps it until it is told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.hooks import OccurrenceKind
from earlystop.api.values import Value

Count = Annotated[int, Field(ge=0)]
Word = Annotated[str, Field(max_length=128)]
Sentence = Annotated[str, Field(max_length=512)]
Time = Annotated[str, Field(max_length=40, json_schema_extra={"format": "date-time"})]


class VerdictFactsStatus(Value):
    """The verdict that an occurrence is about."""

    name: Annotated[str, Field(max_length=253)] = Field(description="Name of the EarlyStopVerdict.")
    digest: Word = Field(description="Its digest.")
    decision: Word = Field(description="What it decides.")
    candidate: Word = Field(description="Name of the candidate.")
    effect: Word = Field(description="EM of the candidate minus the baseline's, with its interval.")
    saving: Word = Field(description="Share of the tokens saved, with its interval.")
    requested_by: Sentence | None = Field(None, description="Who asked for it. Absent: nobody did.")
    culprit: Word | None = Field(None, description="What has moved, of a guard's alarm. Absent: it is none.")


class OccurrenceStatus(Value):
    """One thing that happened, and is not told to every hook yet."""

    number: Count = Field(description="Counts the occurrences of the policy.")
    kind: OccurrenceKind = Field(description="What happened.")
    at: Time = Field(description="When.")
    campaign: Count = Field(description="In which campaign.")
    revision: Word = Field(description="Revision of the campaign.")
    reason: Word = Field(description="Why, in one word.")
    sentence: Sentence = Field(description="What happened, for a person.")
    gate: Word | None = Field(None, description="The gate that it is about. Absent: none.")
    verdict: VerdictFactsStatus | None = Field(None, description="The verdict that it is about. Absent: none.")


class HookJobStatus(Value):
    """The latest Job of a hook."""

    number: Count = Field(description="Number of the occurrence that it was made for.")
    name: Annotated[str, Field(max_length=253)] = Field(description="Name of the Job.")
    result: Literal["Running", "Succeeded", "Failed"] = Field(description="How it has ended, if it has.")
    message: Sentence | None = Field(None, description="Why it failed. Absent: it did not.")


class HookCursorStatus(Value):
    """How far one hook has been told."""

    name: Word = Field(description="Name of the hook.")
    told_to: Count = Field(description="Number of the last occurrence that was told, or given up.")
    given_up: Count | None = Field(None, description="How many occurrences could not be told. Absent: none.")
    problem: Sentence | None = Field(None, description="Why the last one was given up. Absent: it was told.")
    job: HookJobStatus | None = Field(None, description="The latest Job of the hook. Absent: it ran none.")


class HooksStatus(Value):
    """What there is to tell."""

    last: Count = Field(description="Number of the latest occurrence.")
    failures: Count | None = Field(None, description="Campaigns in a row that promoted nothing. Absent: none.")
    waiting: (
        Annotated[tuple[OccurrenceStatus, ...], Field(max_length=8, json_schema_extra={"x-list-map-key": "number"})]
        | None
    ) = Field(None, description="Occurrences that wait for a hook. Absent: all are told.")
    cursors: (
        Annotated[tuple[HookCursorStatus, ...], Field(max_length=8, json_schema_extra={"x-list-map-key": "name"})]
        | None
    ) = Field(None, description="How far each hook has been told.")
