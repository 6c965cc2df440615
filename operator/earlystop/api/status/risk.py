"""What a policy's status says of the risk and the margin that its campaigns spend."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from earlystop.api.policy import Settings
from earlystop.api.values import Text128, Value


class RiskStatus(Value):
    """What a campaign may spend of the risks of error, where campaigns of the same candidate share them."""

    campaign: Annotated[int, Field(ge=1, le=100)] = Field(
        description="Which campaign of the same candidate this is, from 1."
    )
    campaigns: Annotated[int, Field(ge=1, le=100)] = Field(description="Over how many the policy spends its risks.")
    promote: Text128 = Field(description="This campaign's probability of promoting wrongly.")
    harm: Text128 = Field(description="This campaign's probability of rolling back wrongly.")
    promote_spent: Text128 = Field(description="What is spent of risk.promote by these campaigns, with this one.")
    harm_spent: Text128 = Field(description="What is spent of risk.harm by these campaigns, with this one.")


class MarginStatus(Value):
    """How much of the margin promotions since the pinned baseline have used, and what this campaign may use."""

    promotion: Annotated[int, Field(ge=1, le=20)] = Field(
        description="Which promotion since the pinned baseline this campaign tries, from 1."
    )
    promotions: Annotated[int, Field(ge=1, le=20)] = Field(description="Over how many the policy shares the margin.")
    spent: Text128 = Field(description="The part of exactMatch.margin that earlier certificates allow to be lost.")
    left: Text128 = Field(description="The part of exactMatch.margin that is left.")
    campaign: Text128 = Field(description="The part of exactMatch.margin that this campaign's candidate may lose.")
    spent_after: Text128 | None = Field(
        None,
        description="The part that is spent once this campaign's certificate counts too. Absent: it has none.",
    )


class ProvenLossStatus(Value):
    """A setting that was proven, and what it may have lost since a pinned baseline."""

    pinned: Text128 = Field(description="Digest of the pinned baseline's values.")
    values: Settings = Field(description="Value of each parameter.")
    lost: Text128 = Field(description="Loss of EM against the pinned baseline that the certificates allow.")
    risk: Text128 = Field(description="Probability that it lost more.")
    promotions: Annotated[int, Field(ge=1, le=20)] = Field(description="Promotions from the pinned baseline to it.")
