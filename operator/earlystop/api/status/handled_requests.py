"""The requests of people that the operator has dealt with, as a policy's status keeps them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.values import Text128, Value

MOST_SPENT = 8
"""So many values of a verb are remembered besides the latest one."""

Digest = Annotated[str, Field(max_length=16)]


class HandledRequestStatus(Value):
    """A request that the operator has dealt with: it is not looked at again until its text changes to a new one."""

    verb: Literal["abort", "promote", "retry", "suspend"] = Field(description="What was requested.")
    text: Text128 = Field("", description="The value of the request.")
    signature: Text128 = Field("", description="Digest of the signature beside it, which vouches for no other request.")
    by: Annotated[str, Field(max_length=512)] = Field("", description="Who asked for it.")
    spent: Annotated[tuple[Digest, ...], Field(max_length=MOST_SPENT)] | None = Field(
        None, description="Digests of the values that were dealt with before it: none of them is dealt with again."
    )


HandledRequests = Annotated[
    tuple[HandledRequestStatus, ...], Field(max_length=4, json_schema_extra={"x-list-map-key": "verb"})
]
