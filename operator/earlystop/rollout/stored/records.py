"""The looks of all candidates of a campaign as one text: apart where they are few, together where they are many."""

from __future__ import annotations

from collections.abc import Sequence

from earlystop.api.counts import Look
from earlystop.rollout.stored.class_packing import pack_beside, unpack_beside
from earlystop.rollout.stored.compressed_looks import CompressedLooks
from earlystop.rollout.stored.packing import pack_looks, unpack_looks

BETWEEN = ","
MOST_APART = 64
"""Candidates whose looks are texts of their own. Of more, which no earlier release could judge beside each other, looks
are compressed together: most of a look is the baseline's, and of 200 candidates it is stored once."""


def pack_records(records: Sequence[Sequence[Look]], *, beside: bool = False) -> str:
    """The looks of each candidate, in order; those of several, and of one beside an incumbent (`beside`), have a column
    for the baseline's weight, and those in which users are counted have columns for them."""
    if len(records) > MOST_APART:
        return pack_beside(records)
    beside = beside or len(records) > 1
    return BETWEEN.join(
        looks.packed(beside=beside) if isinstance(looks, CompressedLooks) else pack_looks(looks, beside)
        for looks in records
    )


def unpack_records(
    text: str, classes: Sequence[int], by_users: Sequence[bool] = (), *, beside: bool = False
) -> list[tuple[Look, ...]]:
    """Inverse of `pack_records`. classes: how many query classes the looks of each candidate have; by_users: whether
    users are counted in them, never by default. "" is no look of any candidate. Raises ValueError for text not made by
    it."""
    number = len(classes)
    if not text or number > MOST_APART:
        return unpack_beside(text, number, classes, by_users, field="looks")
    parts = text.split(BETWEEN)
    if len(parts) != number:
        raise ValueError(f"status.internal.looks holds the looks of {len(parts)} candidates, the plan has {number}")
    rows = zip(parts, classes, by_users or [False] * number, strict=True)
    return [unpack_looks(part, named, beside or number > 1, counted) for part, named, counted in rows]
