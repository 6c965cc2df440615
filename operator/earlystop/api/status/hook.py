"""What waits to be told by a policy's hooks, as its status keeps it until it is told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.hooks import OccurrenceKind
from earlystop.api.values import Count, Timestamp, Value

Word = Annotated[str, Field(max_length=128)]
Sentence = Annotated[str, Field(max_length=512)]
Line = Annotated[str, Field(max_length=512)]


class VerdictFactsStatus(Value):
    """The verdict that an occurrence is about."""

    name: Annotated[str, Field(max_length=253)] = Field(description="Name of the EarlyStopVerdict.")
    digest: Word = Field(description="Its digest.")
    decision: Word = Field(description="What it decides.")
    candidate: Word = Field(description="Name of the candidate.")
    effect: Word = Field(description="EM of the candidate minus the baseline's, with its interval.")
    saving: Word = Field(description="Share of the tokens saved, with its interval.")
    requested_by: Sentence | None = Field(None, description="Who asked for it. Absent: nobody did.")


class OccurrenceStatus(Value):
    """One thing that happened, as an earlier release kept it until every hook was told."""

    number: Count = Field(description="Counts the occurrences of the policy.")
    kind: OccurrenceKind = Field(description="What happened.")
    at: Timestamp = Field(description="When.")
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
    result: Literal["Running", "Succeeded", "Failed"] = Field(description="Whether it still runs, or how it has ended.")
    message: Sentence | None = Field(None, description="Why it failed. Absent: it did not.")
    uid: Word | None = Field(None, description="UID of the Job: no other one of its name counts.")


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
    failures: Count | None = Field(
        None, description="Campaigns in a row that promoted nothing that lasted. Absent: none."
    )
    failures_before: Count | None = Field(
        None, description="As many as there were before the latest promotion, should an alarm take it back."
    )
    waiting: (
        Annotated[tuple[OccurrenceStatus, ...], Field(max_length=8, json_schema_extra={"x-list-map-key": "number"})]
        | None
    ) = Field(None, description="Where an earlier release kept what waits, with its words; read once.")
    queue: Annotated[tuple[Line, ...], Field(max_length=8)] | None = Field(
        None,
        description="Occurrences that wait for a hook, one a text: its number, kind, moment, campaign, revision and "
        "reason, which decision of the campaign it is about (0: none), and its gate if it has one. Absent: all are "
        "told. Their words follow from the status and the verdict when they are told.",
    )
    cursors: (
        Annotated[tuple[HookCursorStatus, ...], Field(max_length=8, json_schema_extra={"x-list-map-key": "name"})]
        | None
    ) = Field(None, description="How far each hook has been told.")
