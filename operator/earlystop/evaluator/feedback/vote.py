"""The body of a request, as a vote or a label: pure, and wary, since anybody may send one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from earlystop.api.json_once import read_json
from earlystop.api.wire import MATCH, MISMATCH
from earlystop.exporter.receipts import MOST_CHARACTERS

MOST_BYTES = 4096
"""Of a body."""


class Kind(StrEnum):
    """What is said of a response; of each kind once."""

    SENTIMENT = "sentiment"
    LABEL = "label"


@dataclass(frozen=True, slots=True)
class Vote:
    """receipt: the text that names the response. said: up or down of a sentiment, match or mismatch of a label."""

    receipt: str
    kind: Kind
    said: str


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    response_id: str = Field(alias="responseId", min_length=1, max_length=MOST_CHARACTERS)
    sentiment: Literal["up", "down"] | None = None
    match: bool | None = None


def read_vote(body: bytes) -> Vote | None:
    """The vote in a body of JSON; None for any that does not say just one thing of one response."""
    try:
        read = _Body.model_validate(read_json(body.decode()))
    except (ValidationError, ValueError, RecursionError):
        return None
    match read.sentiment, read.match:
        case str() as sentiment, None:
            return Vote(read.response_id, Kind.SENTIMENT, sentiment)
        case None, bool() as is_match:
            return Vote(read.response_id, Kind.LABEL, MATCH if is_match else MISMATCH)
    return None
