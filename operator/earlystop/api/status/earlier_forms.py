"""The forms that earlier releases gave to a status's packed text: they are read, and never written."""

from __future__ import annotations

import base64
import lzma
import zlib
from typing import Any

from earlystop.api.json_once import read_any_json
from earlystop.api.status.base89 import decoded
from earlystop.api.status.byte_fields import with_bytes, with_plain_bytes
from earlystop.api.status.departures import with_counts
from earlystop.api.status.dictionary import LATER_WORDS, NEWEST_WORDS, WORDS
from earlystop.api.status.numerals import with_numerals
from earlystop.api.status.short_texts import lengthened
from earlystop.api.status.window_parts import with_window

SIXTH_FORM, FIFTH_FORM, FOURTH_FORM, THIRD_FORM, SECOND_FORM, FIRST_FORM = "6:", "5:", "4:", "3:", "2:", "1:"
"""What a text of each begins with. In the sixth form all numbers stood as whole bytes, which were compressed once more,
and a ledger's lines one by one (`departures`). In the fifth form counts stood as they are, without a checksum, and all
of it was base 85 without what the API server escapes. In the fourth form counts stood among the fields (`numerals`),
the bytes behind these were deflated, and all of it was plain base 85 (`LONG`). The third one had the first dictionary
of words, since another dictionary needs another form. In the second one moments and digests stood among the fields as
they are (`short_texts`), in the first one the bytes too (`byte_fields`)."""
EARLIER_FORMS = (SIXTH_FORM, FIFTH_FORM, FOURTH_FORM, THIRD_FORM, SECOND_FORM, FIRST_FORM)
CHECK_BYTES = 4
LARGEST = 1 << 20
"""Bytes that a text may have unpacked: a status of 256 KiB of packed fields has no more."""

RAW_DEFLATE = -zlib.MAX_WBITS
"""Window of zlib for a stream without header and checksum."""
BARE_LZMA: dict[str, Any] = {
    "format": lzma.FORMAT_RAW,
    "filters": [{"id": lzma.FILTER_LZMA1, "preset": 9, "mf": lzma.MF_HC3, "dict_size": 1 << 12, "lc": 0, "pb": 0}],
}
"""LZMA without a container, for bytes: deflate needs a table of codes first, it learns from byte to byte."""

LONG, SHORT = "&<>", "[]/"
"""Characters of base 85 that the API server stores as six bytes each, as Go's JSON does, and what stands in place of
them since the fifth form."""
_LONGER = str.maketrans(SHORT, LONG)


def fields_of_earlier(text: str) -> dict[str, Any]:
    """The fields of a text in one of the earlier forms. Raises ValueError, TypeError, AttributeError, RecursionError,
    zlib.error or LZMAError for anything else."""
    if text.startswith(SIXTH_FORM):
        return _fields_of_sixth(checked(decoded(text.removeprefix(SIXTH_FORM))))
    has_later_words = text.startswith((FIFTH_FORM, FOURTH_FORM))
    unpacker = zlib.decompressobj(zlib.MAX_WBITS, LATER_WORDS if has_later_words else WORDS)
    content = unpacker.decompress(base64.b85decode(text[len(FIFTH_FORM) :].translate(_LONGER)), LARGEST)
    ensure_whole(unpacker)
    fields = read_any_json(content)
    if not isinstance(fields, dict):
        raise ValueError("it holds no fields")
    if text.startswith(FIRST_FORM):
        return fields
    octets = bytes_behind(unpacker.unused_data, is_deflated=not text.startswith(FIFTH_FORM))
    fields, octets = with_plain_bytes(fields, octets)
    if text.startswith(FIFTH_FORM):
        fields, octets = with_numerals(fields, octets)
    if text.startswith((FIFTH_FORM, FOURTH_FORM, THIRD_FORM)):
        return lengthened(fields, octets)
    if octets:
        raise ValueError("it has more bytes than fields")
    return fields


def _fields_of_sixth(packed: bytes) -> dict[str, Any]:
    unpacker = zlib.decompressobj(RAW_DEFLATE, NEWEST_WORDS)
    fields = read_any_json(unpacker.decompress(packed, LARGEST))
    ensure_whole(unpacker)
    if not isinstance(fields, dict):
        raise ValueError("it holds no fields")
    fields, octets = with_bytes(fields, bytes_behind(unpacker.unused_data))
    fields, octets = with_counts(fields, octets)
    return with_window(lengthened(fields, octets))


def check_of(packed: bytes) -> bytes:
    """The checksum, CRC-32, which stands before all other bytes since the sixth form."""
    return zlib.crc32(packed).to_bytes(CHECK_BYTES)


def checked(content: bytes) -> bytes:
    """The bytes behind their checksum. Raises ValueError where that is another one."""
    check, packed = content[:CHECK_BYTES], content[CHECK_BYTES:]
    if check != check_of(packed):
        raise ValueError("its checksum is another, so it was altered or cut off")
    return packed


def bytes_behind(tail: bytes, *, is_deflated: bool = False) -> bytes:
    """The bytes that stand behind the fields. Raises ValueError, zlib.error or LZMAError for others."""
    if not tail:
        return b""
    unpacker: Any = zlib.decompressobj(RAW_DEFLATE) if is_deflated else lzma.LZMADecompressor(**BARE_LZMA)
    octets: bytes = unpacker.decompress(tail, LARGEST)
    ensure_whole(unpacker)
    if unpacker.unused_data:
        raise ValueError("it has more bytes than it says")
    return octets


def ensure_whole(unpacker: Any) -> None:
    """Raises ValueError where a stream has no end within `LARGEST`. unpacker: of zlib or lzma."""
    if not unpacker.eof:
        raise ValueError("it is cut off, or larger than any status")
