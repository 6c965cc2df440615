"""Packed bytes among fields in JSON, which stand there as text: they are taken out, and put back."""

from __future__ import annotations

import base64
import lzma
import struct
from collections.abc import Mapping
from typing import Any

from earlystop.api.packed_numbers import bare_numbers, packed_bytes
from earlystop.api.status.row_departures import PARTS, SPANS, departures_of, rows_of

LOOKS = "looks"
BYTE_FIELDS = ("checkpoint", LOOKS, "parked", "spans", "windowParts")
"""Fields of `guard` that are packed bytes by themselves, as text: they stand as bytes behind the other fields."""
ROWS = {"spans": SPANS, "windowParts": PARTS}
"""Those that are rows of counts."""
TEXT_PREFIX = ":"
"""What some of these texts begin with; it is no part of their bytes."""
MOST_NUMBERS = 1 << 16
"""Bytes of looks' numbers that stand as they are; a guard keeps some 300 bytes of them."""


def without_bytes(fields: Mapping[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    """Fields without the bytes that stand behind them, and these.

    In their place stand how many there are, what their text begins with, and what else gives them back. Looks are
    compressed by themselves; their numbers stand here as they are, to be compressed with all else.
    """
    guard, parts = dict(fields.get("guard") or {}), []
    for name in BYTE_FIELDS:
        text = guard.get(name)
        begin = TEXT_PREFIX if isinstance(text, str) and text.startswith(TEXT_PREFIX) else ""
        found = _bytes_of(text, begin)
        if found is not None:
            part, how = _short(name, found)
            guard[name] = [len(part), begin, *how]
            parts.append(part)
    return ({**fields, "guard": guard} if parts else dict(fields)), parts


def with_bytes(fields: dict[str, Any], tail: bytes) -> tuple[dict[str, Any], bytes]:
    """Inverse of `without_bytes`, and the bytes that are left. Raises ValueError for a tail that is too short."""
    guard = fields.get("guard") or {}
    for name in BYTE_FIELDS:
        if isinstance(guard.get(name), list):
            length, begin, *how = guard[name]
            part, tail = _cut(tail, length)
            guard[name] = begin + base64.b85encode(_long(name, part, how)).decode()
    return fields, tail


def with_plain_bytes(fields: dict[str, Any], tail: bytes) -> tuple[dict[str, Any], bytes]:
    """As `with_bytes` for earlier forms, in which all bytes stood as they are."""
    guard = fields.get("guard") or {}
    for name in BYTE_FIELDS:
        if isinstance(guard.get(name), list):
            length, begin = guard[name]
            part, tail = _cut(tail, length)
            guard[name] = begin + base64.b85encode(part).decode()
    return fields, tail


def _cut(tail: bytes, length: int) -> tuple[bytes, bytes]:
    part = tail[:length]
    if len(part) != length:
        raise ValueError("it is cut off")
    return part, tail[length:]


def _short(name: str, content: bytes) -> tuple[bytes, list[int]]:
    """The bytes of a field in a form that is compressed well with others, and what else gives them back."""
    if name == LOOKS:
        return _numbers_of_looks(content)
    departures = departures_of(content, ROWS[name]) if name in ROWS else None
    return (content, []) if departures is None else (departures, [0])


def _long(name: str, part: bytes, how: list[int]) -> bytes:
    """Inverse of `_short`. Raises ValueError for bytes that are not of it."""
    if not how:
        return part
    if name == LOOKS:
        return packed_bytes(part, *how)
    if name not in ROWS:
        raise ValueError(f"{name} is not made of rows")
    return rows_of(part, ROWS[name])


def _numbers_of_looks(content: bytes) -> tuple[bytes, list[int]]:
    """The numbers of looks and how many later counts they have; the same bytes where these are not packed so."""
    try:
        later, numbers = bare_numbers(content)
    except (ValueError, lzma.LZMAError, struct.error):
        return content, []
    fits = len(numbers) <= MOST_NUMBERS and packed_bytes(numbers, later) == content
    return (numbers, [later]) if fits else (content, [])


def _bytes_of(text: object, begin: str) -> bytes | None:
    """The bytes of a text, None where it is not the text that these bytes give."""
    if not isinstance(text, str):
        return None
    try:
        found = base64.b85decode(text.removeprefix(begin))
    except ValueError:
        return None
    return found if begin + base64.b85encode(found).decode() == text else None
