"""A long text that is written piece by piece and read once: packed meanwhile, since the lines of a page are alike."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

PART = 16 * 1024
"""Bytes that are packed together: a page has some 40 texts open at a time."""


class PackedText:
    """Bytes that are added at the end. Iterated, it gives them in parts, each unpacked when it is asked for.

    Metrics of policies take a fifteenth of their bytes so, in a hundredth of a second for a MiB.
    """

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._open = bytearray()
        self._size = 0

    def __len__(self) -> int:
        """Bytes of the text."""
        return self._size

    def __iadd__(self, text: bytes) -> PackedText:
        self._open += text
        self._size += len(text)
        if len(self._open) >= PART:
            self._pack()
        return self

    def move_to(self, other: PackedText) -> None:
        """Append all of this to another text; this one is empty then."""
        self._pack()
        other._pack()
        other._packed += self._packed
        other._size += self._size
        self._packed, self._size = [], 0

    def _pack(self) -> None:
        if self._open:
            self._packed.append(zlib.compress(self._open, zlib.Z_BEST_SPEED))
            self._open = bytearray()

    def __iter__(self) -> Iterator[bytes]:
        """The text in parts of some `PART` bytes, at least one where there is any."""
        yield from map(zlib.decompress, self._packed)
        if self._open:
            yield bytes(self._open)

    def __bytes__(self) -> bytes:
        return b"".join(self)
