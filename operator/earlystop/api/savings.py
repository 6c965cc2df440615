"""The savings ledger in the API: what a token costs, and what a policy's status says of tokens that were saved.

`spec.savings` is live: an edit of it changes nothing of the evidence and begins no campaign anew.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.values import Count, Timestamp, Value

PRICE_PATTERN = r"^(0|[1-9][0-9]{0,8})(\.[0-9]{1,6})?$"


class Price(Value):
    """What output tokens cost. Prices are for people: nothing is decided by them."""

    per_million_tokens: Annotated[str, Field(max_length=17, pattern=PRICE_PATTERN)] = Field(
        description='What a million output tokens cost, as a decimal: "0.60".'
    )
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", max_length=3)] = Field(
        "USD", description="Code of the currency, three letters as in ISO 4217."
    )


class Savings(Value):
    """How the tokens that a policy saves are booked."""

    price: Price | None = Field(
        None, description="What tokens of this policy's model cost. Absent: the MetricSource's price, if it has one."
    )
    shadows: Literal["JudgedOnBaseline", "Generated"] = Field(
        "JudgedOnBaseline",
        description="JudgedOnBaseline: a shadow is judged on tokens that the baseline's answer took anyway, and costs "
        "none. Generated: the server generates each shadow, whose tokens are then taken off the savings.",
    )


class SavingsStatus(Value):
    """What was counted of this policy's tokens since its first campaign. Nothing else is in it: requests that no look
    counted are neither saved nor spent."""

    since: Timestamp | None = Field(
        None, description="Moment of the first look that was booked. Absent: in internal.rest."
    )
    until: Timestamp | None = Field(
        None,
        description="Moment of the last look that was booked; later requests are not in the books. Absent: in "
        "internal.rest.",
    )
    requests: Count = Field(description="Requests of users that were completed, of all variants.")
    tokens: Count = Field(description="Output tokens that were counted, with those of golden questions.")
    saved_tokens: int = Field(
        description="Tokens that users' requests would have taken more at the baseline's mean length of the same step; "
        "below 0 where candidates take more."
    )
    golden_tokens: Count | None = Field(
        None, description="Tokens of golden questions, of both variants. Absent: in internal.rest."
    )
    shadow_tokens: Count | None = Field(
        None, description="Tokens of shadows, whether or not the server generates them. Absent: in internal.rest."
    )
    lost_tokens: Count | None = Field(
        None,
        description="The baseline's mean length times the requests that failed beyond the baseline's rate. Absent: in "
        "internal.rest.",
    )
    doubtful_steps: Count = Field(
        0,
        description="Steps whose counters contradicted each other, as more golden answers than answers. Their counts "
        "were cut to what can be, so the books are wrong by what such counters added or left out.",
    )
    packed: Annotated[str, Field(max_length=640)] | None = Field(
        None, description="The sums of closed steps and the counts of the step under way, packed."
    )
