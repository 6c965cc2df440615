"""Fields in JSON as one text of few characters, and back: what a guarded status keeps for the operator alone.

What follows from other fields is left out (`departures`), moments and digests are short (`short_texts`), words are
compressed by a dictionary of those that statuses are made of, and all bytes stand apart from them.
"""

from __future__ import annotations

import base64
import json
import lzma
import re
import struct
import zlib
from collections.abc import Mapping
from typing import Any

from earlystop.api.json_once import read_any_json
from earlystop.api.status.base89 import decoded, encoded
from earlystop.api.status.byte_fields import TEXT_PREFIX, with_bytes, without_bytes
from earlystop.api.status.departures import window_of, with_counts, without_counts
from earlystop.api.status.dictionary import NEWEST_WORDS
from earlystop.api.status.earlier_forms import (
    BARE_LZMA,
    EARLIER_FORMS,
    LARGEST,
    RAW_DEFLATE,
    bytes_behind,
    ensure_whole,
    fields_of_earlier,
)
from earlystop.api.status.short_texts import lengthened, shortened

FORM = "6:"
"""What a text begins with that is made in the present way; those of `earlier_forms` are read too."""
CHECK_BYTES = 4
"""Of the checksum, CRC-32, before all other bytes."""
FROM_PARTS = "="
"""What stands for a guard's window whose sums are those of its parts; a text in its place has one more of it."""


def packed_fields(fields: dict[str, Any]) -> str:
    """Fields in JSON as one text."""
    found, parts = without_bytes(_without_window(fields))
    found, counts = without_counts(found)
    found, digests = shortened(found)
    content = json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    packer = zlib.compressobj(9, zlib.DEFLATED, RAW_DEFLATE, 9, zlib.Z_DEFAULT_STRATEGY, NEWEST_WORDS)
    packed = packer.compress(content) + packer.flush()
    octets = b"".join((*parts, counts, digests))
    packed += lzma.compress(octets, **BARE_LZMA) if octets else b""
    return FORM + encoded(_check_of(packed) + packed)


def unpacked_fields(text: object) -> dict[str, Any]:
    """Inverse of `packed_fields`, also for texts of earlier releases. Raises ValueError for anything that was not made
    by it."""
    try:
        if not isinstance(text, str):
            raise ValueError("it is no text")
        if text.startswith(EARLIER_FORMS):
            return fields_of_earlier(text)
        if not text.startswith(FORM):
            raise ValueError(_refusal_of(text))
        return _fields_in(decoded(text.removeprefix(FORM)))
    except (ValueError, TypeError, AttributeError, zlib.error, lzma.LZMAError, RecursionError, struct.error) as error:
        raise ValueError(f"status.internal.rest was not written by this operator: {error}") from None


def _refusal_of(text: str) -> str:
    """What is said of a text in no known form. One of a later form was written before a release was taken back."""
    later = re.match("([1-9][0-9]{0,3}):", text)
    if later and int(later[1]) > int(FORM[:-1]):
        return f"a later release has, in form {later[1]}, and this one knows 1 to {FORM[:-1]}; install that one again"
    return f"it begins with {text[:2]!r}, expected {FORM!r}"


def _fields_in(content: bytes) -> dict[str, Any]:
    check, packed = content[:CHECK_BYTES], content[CHECK_BYTES:]
    if check != _check_of(packed):
        raise ValueError("its checksum is another, so it was altered or cut off")
    unpacker = zlib.decompressobj(RAW_DEFLATE, NEWEST_WORDS)
    words = unpacker.decompress(packed, LARGEST)
    ensure_whole(unpacker)
    fields = read_any_json(words)
    if not isinstance(fields, dict):
        raise ValueError("it holds no fields")
    fields, octets = with_bytes(fields, bytes_behind(unpacker.unused_data))
    fields, octets = with_counts(fields, octets)
    return _with_window(lengthened(fields, octets))


def _check_of(packed: bytes) -> bytes:
    return zlib.crc32(packed).to_bytes(CHECK_BYTES)


def _without_window(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields without the sums of a guard's window that its parts give."""
    guard = fields.get("guard")
    if not isinstance(guard, dict):
        return dict(fields)
    window = guard.get("window")
    if isinstance(window, str):
        return {**fields, "guard": {**guard, "window": FROM_PARTS + window}}
    if window and window == _sums_of(guard):
        return {**fields, "guard": {**guard, "window": FROM_PARTS}}
    return dict(fields)


def _with_window(fields: dict[str, Any]) -> dict[str, Any]:
    """Inverse of `_without_window`. Raises ValueError where there are no parts."""
    guard = fields.get("guard")
    if not isinstance(guard, dict) or not isinstance(guard.get("window"), str):
        return fields
    window: Any = guard["window"].removeprefix(FROM_PARTS) or _sums_of(guard)
    if window is None or not guard["window"].startswith(FROM_PARTS):
        raise ValueError("it lacks the parts of its window")
    return {**fields, "guard": {**guard, "window": window}}


def _sums_of(guard: Mapping[str, Any]) -> dict[str, Any] | None:
    parts = guard.get("windowParts")
    if not isinstance(parts, str) or not parts.startswith(TEXT_PREFIX):
        return None
    try:
        return window_of(base64.b85decode(parts.removeprefix(TEXT_PREFIX)))
    except ValueError:
        return None
