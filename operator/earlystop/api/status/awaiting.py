"""A decision that waits for people, as a policy's status says it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.values import Text128, Timestamp, Value


class AwaitedClass(Value):
    """What one query class would get."""

    query_class: Text128 = Field(description="Name of the class.")
    candidate: Text128 = Field(description="Name of the candidate.")


class AwaitingStatus(Value):
    """A favourable decision that is not carried out before somebody agrees. Looks go on, and harm drops it."""

    decision: Literal["Promote", "Recommend"] = Field(description="What would be decided.")
    reason: Text128 = Field(description="Why, in one word.")
    candidate: Text128 = Field(description="Name of the candidate that it is about, or of the foremost one.")
    digest: Text128 = Field(
        description="What an EarlyStopApproval names: it stands for the policy, the campaign, the decision and its "
        "settings, and stays the same while looks go on."
    )
    since: Timestamp = Field(description="Since when it waits.")
    expires_at: Timestamp | None = Field(
        None,
        description="Until when it waits, for an approval or for the first gate that ends the campaign. Absent: the "
        "gates may take as long as they like.",
    )
    requested_by: Annotated[str, Field(max_length=512)] | None = Field(
        None, description="Who asked for it. Absent: the evidence did."
    )
    proposed_by: Annotated[str, Field(max_length=512)] | None = Field(
        None, description="Who proposed the setting of this trial. Absent: nobody did, but the policy or its search."
    )
    class_map: tuple[AwaitedClass, ...] | None = Field(
        None, max_length=64, description="Which candidate each query class would get. Absent: all requests get one."
    )
    replaces: Annotated[str, Field(max_length=640)] | None = Field(
        None, description="Why it took the place of what waited before. Absent: nothing did."
    )
    answers_from: Timestamp | None = Field(
        None, description="Since when answers to it count, if people were asked about the very same before."
    )
