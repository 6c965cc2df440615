"""What becomes of a vote or a label: one table of words, HTTP statuses and sentences."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class Outcome(StrEnum):
    """What became of one request, as the label `outcome` of the endpoint's own counter says it."""

    COUNTED = "counted"
    HELD = "held"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    UNKNOWN = "unknown"
    FOREIGN = "foreign"
    UNAUTHORIZED = "unauthorized"
    SCORED = "scored"
    EXPIRED = "expired"
    LATE = "late"
    REPEATED = "repeated"
    NO_ROOM = "no_room"
    TOO_MANY = "too_many"
    UNSTORED = "unstored"


class Reply(NamedTuple):
    """status: of HTTP. message: what the client is told; it says nothing of a variant."""

    status: int
    message: str


REPLIES: Mapping[Outcome, Reply] = MappingProxyType(
    {
        Outcome.COUNTED: Reply(200, "the vote is counted"),
        Outcome.HELD: Reply(202, "the label is kept, and counted when its response is old enough"),
        Outcome.MALFORMED: Reply(
            400,
            'the body is none that can be read; write {"responseId": ID, "sentiment": "up" or "down"} or '
            '{"responseId": ID, "match": true or false}',
        ),
        Outcome.TOO_LARGE: Reply(413, "the body is larger than 4096 bytes; write one response's vote and nothing else"),
        Outcome.TOO_SLOW: Reply(408, "the body did not come within 10 s; send it at once"),
        Outcome.UNKNOWN: Reply(
            404, "this responseId is none; write the header x-early-stop-response of the response, as it came"
        ),
        Outcome.FOREIGN: Reply(403, "the response is of a policy that is not counted here; ask its own endpoint"),
        Outcome.UNAUTHORIZED: Reply(
            401, "a label counts only from who knows the label key; send it as Authorization: Bearer KEY"
        ),
        Outcome.SCORED: Reply(409, "the server has scored this response itself, so it takes no label"),
        Outcome.EXPIRED: Reply(410, "the response is too old to be voted on, or older than the file of votes"),
        Outcome.LATE: Reply(
            410, "the label came later than --label-seconds after its request, when others were counted; it is left out"
        ),
        Outcome.REPEATED: Reply(409, "this response has such a vote already, which cannot be changed"),
        Outcome.NO_ROOM: Reply(
            503, "the response's campaign has no place among those that are counted here; it is over, or try later"
        ),
        Outcome.TOO_MANY: Reply(429, "too many votes come at once; send this one again after a second"),
        Outcome.UNSTORED: Reply(503, "the vote cannot be stored, so it is not counted; send it again later"),
    }
)
