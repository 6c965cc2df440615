"""Moments and digests among fields in JSON, in less room: each moment as its distance from the one before it, and the
bytes of digests apart, since hexadecimal digits cannot be compressed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from earlystop.api.times import from_rfc3339, rfc3339

MARK = "~"
"""What a text begins with that stands for another one; a text that begins so by itself has one more of it."""
DIGEST_BYTES = (16, 32)
"""Bytes of the digests that a status has."""
BARE, NAMED = "X", "S"
"""What stands before the length of a digest without and with `PREFIX`."""
PREFIX = "sha256:"
_KINDS = {f"{MARK}{kind}{size}": (kind == NAMED, size) for kind in (BARE, NAMED) for size in DIGEST_BYTES}
_HEX = re.compile(r"[0-9a-f]+")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(slots=True)
class _Memory:
    """at: the moment that was met last, Unix seconds. digests: bytes of those that were met, or are to come."""

    at: int = 0
    digests: bytearray = field(default_factory=bytearray)


def shortened(fields: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Fields in JSON with short texts in place of moments and digests, and the bytes of the digests."""
    memory = _Memory()
    found = {name: _shortened(fields[name], memory) for name in sorted(fields)}
    return found, bytes(memory.digests)


def lengthened(fields: Mapping[str, Any], digests: bytes) -> dict[str, Any]:
    """Inverse of `shortened`. Raises ValueError for fields and bytes that are not of it."""
    memory = _Memory(digests=bytearray(digests))
    found = {name: _lengthened(fields[name], memory) for name in sorted(fields)}
    if memory.digests:
        raise ValueError("it has more digests than fields")
    return found


def _shortened(value: Any, memory: _Memory) -> Any:
    if isinstance(value, dict):
        return {name: _shortened(value[name], memory) for name in sorted(value)}
    if isinstance(value, list):
        return [_shortened(each, memory) for each in value]
    return _short(value, memory) if isinstance(value, str) else value


def _lengthened(value: Any, memory: _Memory) -> Any:
    if isinstance(value, dict):
        return {name: _lengthened(value[name], memory) for name in sorted(value)}
    if isinstance(value, list):
        return [_lengthened(each, memory) for each in value]
    return _long(value, memory) if isinstance(value, str) and value.startswith(MARK) else value


def _short(text: str, memory: _Memory) -> str:
    try:
        at = from_rfc3339(text)
    except ValueError:
        return _short_digest(text, memory)
    if rfc3339(at) != text:
        return text
    memory.at, later = at, at - memory.at
    return MARK + _base36(later)


def _short_digest(text: str, memory: _Memory) -> str:
    bare = text.removeprefix(PREFIX)
    kind, size = BARE if bare == text else NAMED, len(bare) // 2
    if len(bare) % 2 == 0 and size in DIGEST_BYTES and _HEX.fullmatch(bare):
        memory.digests += bytes.fromhex(bare)
        return f"{MARK}{kind}{size}"
    return MARK + text if text.startswith(MARK) else text


def _long(text: str, memory: _Memory) -> str:
    """Inverse of `_short` for a text that begins with the mark."""
    if text.startswith(MARK + MARK):
        return text.removeprefix(MARK)
    if text in _KINDS:
        is_named, size = _KINDS[text]
        digest, memory.digests = memory.digests[:size], memory.digests[size:]
        if len(digest) != size:
            raise ValueError("it has fewer digests than fields")
        return (PREFIX if is_named else "") + digest.hex()
    try:
        memory.at += int(text.removeprefix(MARK), len(_DIGITS))
        return rfc3339(memory.at)
    except (OverflowError, OSError):
        raise ValueError(f"{text[:16]!r} stands for no moment") from None


def _base36(number: int) -> str:
    rest, digits = abs(number), ""
    while rest or not digits:
        rest, digit = divmod(rest, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return ("-" if number < 0 else "") + digits
