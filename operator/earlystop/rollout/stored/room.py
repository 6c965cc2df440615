"""Whether looks find room as text, which is asked at each look and seldom needs the text."""

from __future__ import annotations

from collections.abc import Sequence

from earlystop.api.counts import Look
from earlystop.api.packed_numbers import packed_bytes
from earlystop.rollout.stored.class_packing import pack_beside
from earlystop.rollout.stored.compressed_looks import CompressedLooks, columns_of
from earlystop.rollout.stored.records import MOST_APART

OVERHEAD = 256
"""More bytes than a compressor adds to few that cannot be compressed, with what stands before and after them."""
OVERHEAD_OF_EACH = 1024
"""It adds less than one byte to so many."""
HEAD_OF_A_RECORD = 32
"""More characters than `pack_beside` needs to say of one record where it ends."""


def fits(records: Sequence[Sequence[Look]], of_classes: Sequence[Sequence[Look]], limit: int) -> bool:
    """Whether `pack_records` of these records and `pack_beside` of those of query classes take so many
    characters at most, or fewer."""
    together = len(records) > MOST_APART
    beside = sum(_size(looks, beside=True) for looks in of_classes)
    most = sum(most_characters(_size(looks, beside=together)) for looks in records)
    if most + most_characters(beside) + HEAD_OF_A_RECORD * len(of_classes) <= limit:
        return True
    characters = len(pack_beside(records)) if together else sum(map(_characters, records))
    return characters + len(pack_beside(of_classes)) <= limit


def most_characters(size: int) -> int:
    """More characters than the text of numbers of so many bytes takes, however they are."""
    return _text_length(size + size // OVERHEAD_OF_EACH + OVERHEAD) if size else 0


def _characters(looks: Sequence[Look]) -> int:
    """How many characters `pack_looks` gives, worked out without its text."""
    if not looks:
        return 0
    columns = columns_of(looks, beside=False)
    return _text_length(len(packed_bytes(columns.numbers, columns.later)))


def _text_length(size: int) -> int:
    """Characters of so many bytes in base 85: five for each four bytes, and one more than there are bytes of a rest."""
    return size + -(-size // 4)


def _size(looks: Sequence[Look], *, beside: bool) -> int:
    if not looks:
        return 0
    known = looks.size(beside=beside) if isinstance(looks, CompressedLooks) else None
    return len(columns_of(looks, beside=beside).numbers) if known is None else known
