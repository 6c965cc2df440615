"""What a status says of a guard, and what a verdict keeps of the one that alarmed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.look_table import Row, WithLooks
from earlystop.api.status.culprit import CulpritStatus
from earlystop.api.values import Count, Text64, TimeText, Value

Claim = Annotated[str, Field(max_length=128)]
FactorsText = Annotated[str, Field(max_length=512)]
LONGEST_GUARD_TABLE = 64_000
"""Characters: of 64 looks with a thousand each, a hundred numbers of ten digits."""
PackedText = Annotated[str, Field(max_length=4096)]


class WindowArm(Value):
    """What one variant did within the window."""

    scored: Count = Field(description="Answers that were scored.")
    match: Count | None = Field(None, description="Exact matches among them. Absent: in internal.rest.")
    exact_match: Text64 = Field(description="Exact Match, in percent.")
    completed: Count | None = Field(None, description="Requests that were completed. Absent: in internal.rest.")
    tokens: Count | None = Field(None, description="Output tokens of these. Absent: in internal.rest.")
    mean_tokens: Text64 = Field(description="Output tokens of a completed request on average.")


class GuardWindow(Value):
    """What both variants did lately; it decides nothing."""

    seconds: Count = Field(description="Length of the window. It slides by an eighth of it.")
    baseline: WindowArm = Field(description="The baseline.")
    candidate: WindowArm = Field(description="The promoted setting.")
    saving: Text64 = Field(description="Share of the baseline's tokens that the promoted setting saves.")


class DetectorStatus(Value):
    """How far one detector is from an alarm."""

    name: Claim = Field(description="The claim: exact_match, floor, guardrail/NAME or class/NAME.")
    log_statistic: Text64 = Field(description="Natural log of its statistic, in seconds.")
    needed: Text64 = Field(description="Natural log of what an alarm needs.")


Four = Annotated[tuple[Count, ...], Field(min_length=4, max_length=4)]
Detectors = Annotated[tuple[DetectorStatus, ...], Field(max_length=24, json_schema_extra={"x-list-map-key": "name"})]


class GuardStatus(Value):
    """The guard that watches over the promotion, or did until its alarm. Its size does not grow. What of it nobody
    reads is in internal.rest while it watches."""

    phase: Literal["Applying", "Settling", "Observing"] = Field(
        description="Whether its weights are put in force, first answers are waited for, or it watches."
    )
    since: TimeText = Field(description="When it began.")
    evidence: Literal["Answers", "Pairs"] | None = Field(
        None, description="What Exact Match is compared on. Absent: in internal.rest."
    )
    holdback_weight: Annotated[int, Field(ge=0, le=50)] = Field(description="Percent of traffic on the baseline.")
    false_revert_seconds: Count | None = Field(
        None, description="Mean time between false reverts, as promised. Absent: in internal.rest."
    )
    window_seconds: Count | None = Field(
        None, description="Length of the window that is shown. Absent: in internal.rest."
    )
    ends: bool | None = Field(None, description="Whether it is being taken off. Absent: it is not.")
    step: Count | None = Field(None, description="Label of its counters. Absent: in internal.rest.")
    step_started_at: TimeText | None = Field(None, description="When its weights were seen in force.")
    evidence_from: TimeText | None = Field(None, description="Moment of the snapshot that its step's looks start from.")
    last_look_at: TimeText | None = Field(None, description="Moment of the last look that is stored here.")
    metrics_lost_at: TimeText | None = Field(None, description="Since when counts cannot be read.")
    suspended_at: TimeText | None = Field(None, description="Since when it stands still.")
    in_flight: Count | None = Field(None, description="As status.inFlight, of its step.")
    interrupted: bool | None = Field(None, description="As status.interrupted, of its step.")
    looks_taken: Count = Field(description="Looks that were evidence, in all.")
    window: GuardWindow | None = Field(None, description="What both variants did lately.")
    detectors: Detectors = Field(
        (), description="The detector that is nearest to an alarm, and how far; two of them once there is one."
    )
    alarm: tuple[Claim, ...] | None = Field(
        None, max_length=24, description="Claims of which harm is proven. Absent: there is no alarm."
    )
    alarm_at: TimeText | None = Field(None, description="Moment of the look that alarmed.")
    alarm_then: Claim | None = Field(
        None, description="Candidate that follows once all requests are back at the baseline. Absent: none does."
    )
    factors: FactorsText | None = Field(
        None, description="By how much evidence is divided: on answers, then of each guardrail."
    )
    mark: PackedText | None = Field(None, description="Totals of its step at its last look that was evidence, packed.")
    checkpoint: PackedText | None = Field(None, description="Detectors before the looks that are kept, packed.")
    checkpoint_at: TimeText | None = Field(None, description="Moment up to which the checkpoint has looked.")
    looks: PackedText | None = Field(None, description="Increments of the latest looks, packed. Absent: none.")
    window_parts: PackedText | None = Field(None, description="Sums of the window's parts, packed. Absent: none.")
    compared_at: TimeText | None = Field(None, description="Moment of the last look whose answers could be compared.")
    compared_looks: Count | None = Field(None, description="How many such looks there were.")
    compared_counts: Four | None = Field(
        None,
        description="Requests of the baseline and of the promoted setting, and scored answers of both, at that moment.",
    )
    not_compared: Four | None = Field(
        None, description="The same since that moment, once it is too long ago. Absent: the guard is not blind so."
    )
    spans: PackedText | None = Field(
        None, description="What both variants answered since the guard began, until its alarm, packed."
    )
    culprit: CulpritStatus | None = Field(
        None, description="What has moved, once there is an alarm. Absent: an earlier release has alarmed."
    )
    serves: Claim | None = Field(
        None, description="Candidate that serves while there is little load. Absent: the promoted one."
    )
    served_since: tuple[TimeText, ...] | None = Field(
        None, max_length=12, description="When the setting changed with the load, the last times, the last one last."
    )
    parked: PackedText | None = Field(
        None, description="Detectors of the setting that does not serve by the load, packed."
    )
    parked_looks: Count | None = Field(None, description="How many looks these had.")


class RecordedGuard(WithLooks):
    """What a guard's alarm was decided on: detectors at a checkpoint, and every look since then. In Python its looks
    are rows, whatever the stored form."""

    since: TimeText = Field(description="When the guard began.")
    evidence: Literal["Answers", "Pairs"] = Field(description="What Exact Match was compared on.")
    false_revert_seconds: Count = Field(description="Mean time between false reverts, as promised.")
    factors: FactorsText = Field(description="By how much evidence was divided: on answers, then of each guardrail.")
    alarm: tuple[Claim, ...] = Field(max_length=24, description="Claims of which harm was proven.")
    detectors: tuple[DetectorStatus, ...] = Field(max_length=24, description="The detectors at the alarm.")
    looks_taken: Count = Field(description="Looks of the guard in all; those before the checkpoint are in it alone.")
    checkpoint: PackedText = Field(description="Detectors before the looks below, packed.")
    checkpoint_at: TimeText = Field(description="Moment up to which the checkpoint has looked.")
    columns: tuple[Text64, ...] | None = Field(
        None, max_length=102, description="No record has them: they are the first line of lookTable, once that is read."
    )
    looks: tuple[Row, ...] = Field(
        default_factory=tuple,
        max_length=64,
        description="In records of earlier releases: increments of every look since the checkpoint, in order; columns "
        "as those of spec.looks.",
    )
    look_table: Annotated[str, Field(max_length=LONGEST_GUARD_TABLE)] | None = Field(
        None,
        description="Increments of every look since the checkpoint, in order, one a line with spaces between, after a "
        "line that names the columns; `column -t` aligns them.",
    )
    culprit: CulpritStatus | None = Field(
        None, description="What had moved, and what showed it. Absent: written by an earlier release."
    )
