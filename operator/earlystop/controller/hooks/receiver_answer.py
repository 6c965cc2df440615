"""What a receiver's answer says besides its status: how long to wait, and that a chat took no message."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from earlystop.api.json_once import read_any_json

LONGEST_WAIT_SECONDS = 900.0
"""Of what a receiver asks for: whatever it says, it is tried again within a quarter of an hour."""
ASKS_TO_WAIT = (429, 503)
"""Statuses with which Retry-After is followed (RFC 6585, 4; RFC 9110, 15.6.4)."""
NOT_TAKEN_BY_TEAMS = b"Webhook message delivery failed"
"""What connectors of Teams answer with status 200 to a message that Teams has refused, as over its limit of rate."""


class ReceiverAnswer(NamedTuple):
    """status: of HTTP. body: its first bytes. wait_seconds: how long the receiver asks to be left alone."""

    status: int
    body: bytes = b""
    wait_seconds: float = 0.0


def wait_asked_for(status: int, retry_after: str, now: int) -> float:
    """Seconds that a receiver asks to wait: a number of them, or a date (RFC 9110, 10.2.3); 0 where it asks for none,
    or writes neither. now: Unix seconds."""
    if status not in ASKS_TO_WAIT:
        return 0.0
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:9]), LONGEST_WAIT_SECONDS)
    try:
        date = parsedate_to_datetime(text)
        until = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(until - now, 0.0), LONGEST_WAIT_SECONDS)


def is_taken_by_chat(body: bytes) -> bool:
    """Whether a chat that answers with a status of success has taken the message. The API of Slack says `"ok": false`
    with status 200. body: first bytes of the answer."""
    if NOT_TAKEN_BY_TEAMS in body:
        return False
    try:
        said = read_any_json(body)
    except ValueError:
        return True
    return not (isinstance(said, dict) and said.get("ok") is False)
