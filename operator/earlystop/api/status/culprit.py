"""What a status and a verdict say of what has moved when a guard alarmed, and of what shows it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.values import Count, TimeText, Value

CulpritName = Literal["Setting", "Data", "Engine", "Scorer"]
Named = Literal["Setting", "Data", "Engine", "Scorer", "Unknown"]
FourCounts = Annotated[tuple[Count, ...], Field(min_length=4, max_length=4)]
Rate = Annotated[str, Field(pattern=r"^-?[01]\.\d{1,4}$", max_length=8)]
ThreeRates = Annotated[tuple[Rate, ...], Field(min_length=3, max_length=3)]
ByClass = Annotated[tuple[FourCounts, ...], Field(max_length=32)]


class ChangedStatus(Value):
    """Something that is not as it was when the setting was certified."""

    culprit: CulpritName = Field(description="Whose part it is.")
    at: TimeText = Field(description="When that was seen.")


class CulpritStatus(Value):
    """What has moved, and what shows it: counts of what the first claim of the alarm is about."""

    named: Annotated[tuple[Named, ...], Field(max_length=4)] = Field(
        description="What has moved: Setting, Data, Engine, Scorer, several of them, or Unknown."
    )
    possible: Annotated[tuple[CulpritName, ...], Field(max_length=4)] | None = Field(
        None, description="With Unknown: between which of them the evidence does not tell."
    )
    earliest: TimeText = Field(description="Since when the harm may have begun at the earliest.")
    onset: TimeText = Field(description="When it is most likely to have begun.")
    latest: TimeText = Field(description="Until when it may have begun at the latest.")
    before: FourCounts = Field(
        description="Before that: counts of the baseline and hits among them, and the same of the promoted setting; "
        "for Exact Match scored answers and right ones."
    )
    after: FourCounts = Field(description="The same since then.")
    by_class_before: ByClass | None = Field(
        None, description="In the trial: the same of each query class, the last one of all others."
    )
    by_class_after: ByClass | None = Field(None, description="The same since the harm began.")
    facts_known: bool = Field(description="Whether the target could be compared with what the setting was proven on.")
    questions_known: bool | None = Field(
        None, description="Whether the file of golden questions could be compared too. Absent: it could not."
    )
    changed: Annotated[tuple[ChangedStatus, ...], Field(max_length=16)] | None = Field(
        None, description="What is not as it was certified. Absent: nothing is known to be."
    )
    frozen: FourCounts | None = Field(
        None,
        description="Recorded answers on whose score the scorer agreed and disagreed, before the harm and since it "
        "began. Absent: nobody scores any again.",
    )
    trend: ThreeRates | None = Field(
        None,
        description="As differences of rates, without what they do by the hour of the day: the harm as it was at the "
        "alarm, how much the baseline's rate changed with it, and the standard error of that. Absent: without rates, "
        "and written by an earlier release, which took all harm for sudden.",
    )
