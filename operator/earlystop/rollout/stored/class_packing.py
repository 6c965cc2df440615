"""Looks of many records as short text: of candidates in query classes, or of more candidates than are packed apart. All
are compared with the same baseline, so their looks are compressed together: what they have in common is stored once."""

from __future__ import annotations

import base64
import lzma
from collections.abc import Sequence

from earlystop.api.counts import Look
from earlystop.api.packed_numbers import compression
from earlystop.api.unpacking import unpacked
from earlystop.rollout.stored.compressed_looks import columns_of
from earlystop.rollout.stored.packing import looks_in

BETWEEN, WITHIN = ",", "."


def pack_beside(records: Sequence[Sequence[Look]]) -> str:
    """Looks of several records, in order, with a column for the baseline's weight; "" where no record has any.

    The text says of each record how many bytes it takes and how many later counts it has, before all their bytes.
    """
    columns = [columns_of(looks, beside=True) if looks else None for looks in records]
    parts = [(b"", 0) if each is None else (each.numbers, each.later) for each in columns]
    if not any(content for content, _ in parts):
        return ""
    content = b"".join(content for content, _ in parts)
    compressed = lzma.compress(content, check=lzma.CHECK_CRC32, filters=compression(len(content)))
    head = BETWEEN.join(f"{len(content)}{WITHIN}{later}" for content, later in parts)
    return f"{head}{BETWEEN}{base64.b85encode(compressed).decode()}"


def unpack_beside(
    text: str, number: int, classes: Sequence[int] = (), by_users: Sequence[bool] = (), field: str = "classLooks"
) -> list[tuple[Look, ...]]:
    """Inverse of `pack_beside` for so many records. classes: how many query classes the looks of each have, none by
    default; by_users: whether users are counted in them, never by default. Raises ValueError for text not made by it,
    with the field of the status that held it."""
    if not text:
        return [()] * number
    *heads, packed = text.split(BETWEEN)
    try:
        sizes = [(int(length), int(later)) for length, later in (head.split(WITHIN) for head in heads)]
        content = unpacked(base64.b85decode(packed))
    except (ValueError, lzma.LZMAError) as error:
        raise ValueError(f"status.internal.{field} is not a packed list of looks: {error}") from None
    if len(sizes) != number or sum(length for length, _ in sizes) != len(content):
        raise ValueError(
            f"status.internal.{field} has {len(sizes)} records, where the plan has {number}, or not all of them"
        )
    records, begin = [], 0
    shapes = zip(sizes, classes or [0] * number, by_users or [False] * number, strict=True)
    for (length, later), named, counted in shapes:
        numbers = content[begin : begin + length]
        records.append(looks_in(numbers, later, named, True, counted) if length else ())
        begin += length
    return records
