"""Fields in JSON as one text of few characters, and back: what a guarded status keeps for the operator alone.

What follows from other fields is left out (`window_parts`, `count_columns`, `arm_columns`), moments and digests are
short (`short_texts`), words are compressed by a dictionary of those that statuses are made of, and all numbers stand
apart from them as columns of bits (`bit_columns`).
"""

from __future__ import annotations

import json
import lzma
import re
import struct
import zlib
from typing import Any

from earlystop.api.json_once import read_any_json
from earlystop.api.status.arm_columns import with_arms, without_arms
from earlystop.api.status.base89 import decoded, encoded
from earlystop.api.status.bit_columns import BitReader, bits_of
from earlystop.api.status.byte_columns import with_bytes, without_bytes
from earlystop.api.status.count_columns import with_counts, without_counts
from earlystop.api.status.dictionary import GUARDS_WORDS
from earlystop.api.status.earlier_forms import (
    EARLIER_FORMS,
    LARGEST,
    RAW_DEFLATE,
    check_of,
    checked,
    ensure_whole,
    fields_of_earlier,
)
from earlystop.api.status.short_texts import lengthened, shortened
from earlystop.api.status.window_parts import with_window, without_window

FORM = "7:"
"""What a text begins with that is made in the present way; those of `earlier_forms` are read too."""


def packed_fields(fields: dict[str, Any]) -> str:
    """Fields in JSON as one text."""
    found, arms = without_arms(without_window(fields))
    found, columns = without_bytes(found)
    found, counts = without_counts(found)
    found, digests = shortened(found)
    content = json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    packer = zlib.compressobj(9, zlib.DEFLATED, RAW_DEFLATE, 9, zlib.Z_DEFAULT_STRATEGY, GUARDS_WORDS)
    packed = packer.compress(content) + packer.flush() + bits_of([*columns, *counts, *arms]) + digests
    return FORM + encoded(check_of(packed) + packed)


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
        return _fields_in(checked(decoded(text.removeprefix(FORM))))
    except (ValueError, TypeError, AttributeError, zlib.error, lzma.LZMAError, RecursionError, struct.error) as error:
        raise ValueError(f"status.internal.rest was not written by this operator: {error}") from None


def _refusal_of(text: str) -> str:
    """What is said of a text in no known form. One of a later form was written before a release was taken back."""
    later = re.match("([1-9][0-9]{0,3}):", text)
    if later and int(later[1]) > int(FORM[:-1]):
        return f"a later release has, in form {later[1]}, and this one knows 1 to {FORM[:-1]}; install that one again"
    return f"it begins with {text[:2]!r}, expected {FORM!r}"


def _fields_in(packed: bytes) -> dict[str, Any]:
    unpacker = zlib.decompressobj(RAW_DEFLATE, GUARDS_WORDS)
    words = unpacker.decompress(packed, LARGEST)
    ensure_whole(unpacker)
    fields = read_any_json(words)
    if not isinstance(fields, dict):
        raise ValueError("it holds no fields")
    reader = BitReader(unpacker.unused_data)
    fields = with_arms(with_counts(with_bytes(fields, reader), reader), reader)
    return with_window(lengthened(fields, reader.rest()))
