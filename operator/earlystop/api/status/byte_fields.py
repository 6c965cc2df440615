"""Packed bytes among fields in JSON, which stand there as text, as the earlier forms of a status's packed text had
them: apart from the other fields, one after the other."""

from __future__ import annotations

import base64
from typing import Any

from earlystop.api.packed_numbers import packed_bytes
from earlystop.api.status.row_departures import PARTS, SPANS, rows_of

LOOKS = "looks"
BYTE_FIELDS = ("checkpoint", LOOKS, "parked", "spans", "windowParts")
"""Fields of `guard` that are packed bytes by themselves, as text: they stand as bytes behind the other fields."""
ROWS = {"spans": SPANS, "windowParts": PARTS}
"""Those that are rows of counts."""
TEXT_PREFIX = ":"
"""What some of these texts begin with; it is no part of their bytes."""
MOST_NUMBERS = 1 << 16
"""Bytes of looks' numbers that stand as they are; a guard keeps some 300 bytes of them."""


def with_bytes(fields: dict[str, Any], tail: bytes) -> tuple[dict[str, Any], bytes]:
    """Fields of the sixth form with the bytes that stand behind them, and the bytes that are left.

    In their place stood how many there are, what their text begins with, and what else gives them back: looks stand as
    their numbers, rows of counts as departures. Raises ValueError for a tail that is too short.
    """
    guard = fields.get("guard") or {}
    for name in BYTE_FIELDS:
        if isinstance(guard.get(name), list):
            length, begin, *how = guard[name]
            part, tail = _cut(tail, length)
            guard[name] = begin + base64.b85encode(_long(name, part, how)).decode()
    return fields, tail


def with_plain_bytes(fields: dict[str, Any], tail: bytes) -> tuple[dict[str, Any], bytes]:
    """As `with_bytes` for the forms before it, in which all bytes stood as they are."""
    guard = fields.get("guard") or {}
    for name in BYTE_FIELDS:
        if isinstance(guard.get(name), list):
            length, begin = guard[name]
            part, tail = _cut(tail, length)
            guard[name] = begin + base64.b85encode(part).decode()
    return fields, tail


def bytes_in(text: object, begin: str) -> bytes | None:
    """The bytes of a text, None where it is not the text that these bytes give."""
    if not isinstance(text, str):
        return None
    try:
        found = base64.b85decode(text.removeprefix(begin))
    except ValueError:
        return None
    return found if begin + base64.b85encode(found).decode() == text else None


def _cut(tail: bytes, length: int) -> tuple[bytes, bytes]:
    part = tail[:length]
    if len(part) != length:
        raise ValueError("it is cut off")
    return part, tail[length:]


def _long(name: str, part: bytes, how: list[int]) -> bytes:
    """Bytes of a field from those that stood for them. Raises ValueError for bytes that do not."""
    if not how:
        return part
    if name == LOOKS:
        return packed_bytes(part, *how)
    if name not in ROWS:
        raise ValueError(f"{name} is not made of rows")
    return rows_of(part, ROWS[name])
