"""What a status says of the certified setting, of what it was proven on, and of what has changed of that."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.policy import Settings
from earlystop.api.values import ObjectName, Text64, Text128, Timestamp, Value

Part = Literal["Model", "Images", "Template", "Parameters", "Scorer", "Questions"]
"""What a certificate is bound to, the most informative first."""


class BindingStatus(Value):
    """What a setting was certified on. Its size does not grow."""

    at: Timestamp = Field(description="When it was read.")
    target: ObjectName = Field(description="Name of the target's Deployment.")
    template: Text64 = Field(description="Digest of its Pod template, without images and model label.")
    images: Text64 = Field(description="Digest of its containers' images.")
    model: Annotated[str, Field(max_length=63)] = Field("", description="Its Pods' label earlystop.dev/model.")
    parameters: Text64 = Field(description="Digest of where the parameters stand in requests, and what they mean.")
    scorer: Text64 = Field("", description="Digest of how the evaluator scores. Absent: nobody has read it.")
    questions: Text64 = Field("", description="Digest of its golden questions. Absent: nobody has read it.")


class LapseStatus(Value):
    """What is not as it was certified, and since when."""

    changed: tuple[Part, ...] = Field(
        min_length=1, max_length=6, description="What differs from what it was certified on, or differed last."
    )
    at: Timestamp = Field(description="When that was seen first.")
    since: Timestamp = Field(description="Since when it is as it is now.")
    is_back: bool | None = Field(
        None, description="Whether all is as it was certified again, for less than a minute. Absent: it is not."
    )
    moments: Annotated[tuple[Timestamp, ...], Field(max_length=6)] | None = Field(
        None,
        description="Since when each item of changed differs, in its order. Absent: an earlier release wrote this.",
    )


class CertifiedClass(Value):
    """What is proven for one query class."""

    name: Text128 = Field(description="Name of the class.")
    candidate: Text128 = Field(description="Name of the candidate whose setting it is.")
    values: Settings = Field(description="Value of each parameter.")


class CertifiedSetting(Value):
    """The setting that was proven last; what a GitOps user commits."""

    values: Settings = Field(description="Value of each parameter; with classes, of all other requests.")
    at: Timestamp = Field(description="When it was proven.")
    classes: (
        Annotated[tuple[CertifiedClass, ...], Field(max_length=10, json_schema_extra={"x-list-map-key": "name"})] | None
    ) = Field(
        None,
        description="Settings of query classes, with objective.perClass. A class that is not named keeps `values`.",
    )
    bound: BindingStatus | None = Field(None, description="What it was proven on. Absent: nobody has read that yet.")
    lapse: LapseStatus | None = Field(None, description="What has changed of that. Absent: nothing has.")
