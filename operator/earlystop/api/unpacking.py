"""Bytes that were compressed become bytes again, and never more of them than any rollout has."""

from __future__ import annotations

import lzma
from typing import Any

LARGEST = 8 << 20
"""Bytes: several times the numbers of as many looks as are kept, of ten candidates in ten query classes."""


def unpacked(content: bytes, **form: Any) -> bytes:
    """What `lzma.compress` was given. form: as of `lzma.LZMADecompressor`.

    A status, and a record in a file, may come from a backup or from anybody: 100 KiB can say that they stand for a
    gibibyte. Raises LZMAError for what stands for more than LARGEST, is cut off, or was not made by that.
    """
    unpacker = lzma.LZMADecompressor(**form)
    found = unpacker.decompress(content, LARGEST)
    if not unpacker.eof:
        raise lzma.LZMAError(f"it is cut off, or stands for more than {LARGEST} bytes")
    return found
