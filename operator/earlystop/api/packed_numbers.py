"""Whole numbers, one after the other, as compressed bytes with a checksum."""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Mapping, Sequence

from earlystop.api.unpacking import unpacked

SMALLEST_DICTIONARY, LARGEST_DICTIONARY = 1 << 12, 1 << 17


def compression(size: int) -> Sequence[Mapping[str, int]]:
    """Filters of LZMA for so many bytes. Numbers have no text's context to learn from.

    A dictionary as large as the content finds all that a larger one does. Its tables are set to nothing beforehand,
    which for the largest takes several times as long as to compress the looks of a few hours, and up to 2 MiB.
    """
    dictionary = min(max(SMALLEST_DICTIONARY, 1 << max(0, size - 1).bit_length()), LARGEST_DICTIONARY)
    return [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": dictionary, "lc": 0, "lp": 0, "pb": 0}]


DECOMPRESSION = compression(LARGEST_DICTIONARY)
"""Filters that read what any of the others wrote."""


BARE = 0x7F
"""First byte of looks that are compressed without a container, which takes 60 bytes of its own."""
_HEAD = struct.Struct(">BBI")  # that byte, later counts of a tally, checksum of the numbers


def packed_bytes(content: bytes, later: int) -> bytes:
    """The bytes of numbers, compressed. later: how many later counts each tally of these has, kept beside them."""
    compressed = lzma.compress(content, format=lzma.FORMAT_RAW, filters=compression(len(content)))
    return _HEAD.pack(BARE, later, zlib.crc32(content)) + compressed


def numbers_of(packed: bytes) -> bytes:
    """The numbers that `packed_bytes` was given."""
    return bare_numbers(packed)[1]


def bare_numbers(content: bytes) -> tuple[int, bytes]:
    """How many later counts there are, and the bytes of all numbers. Raises LZMAError, ValueError or struct.error."""
    _, later, check = _HEAD.unpack_from(content)
    numbers = unpacked(content[_HEAD.size :], format=lzma.FORMAT_RAW, filters=DECOMPRESSION)
    if zlib.crc32(numbers) != check:
        raise ValueError("its checksum is another")
    return later, numbers
