"""Packed bytes among fields in JSON, which stand there as text, as columns of numbers that stand behind all fields."""

from __future__ import annotations

import base64
import lzma
import struct
from collections.abc import Mapping
from typing import Any

from earlystop.api.packed_numbers import bare_numbers, packed_bytes
from earlystop.api.status import detector_departures
from earlystop.api.status.bit_columns import BitReader
from earlystop.api.status.byte_fields import BYTE_FIELDS, LOOKS, MOST_NUMBERS, ROWS, TEXT_PREFIX, bytes_in
from earlystop.api.status.row_departures import departures_of, rows_of
from earlystop.api.whole_numbers import numbers_in, varints

Columns = list[Any]

DETECTORS = ("checkpoint", "parked")
OF_TWO_TALLIES, OF_A_LATER_COUNT, OF_A_CLASS = 31, 2, 4
"""Columns of looks: moment, step, weight and fourteen counts of both variants; two for each later count; and four for
each query class (`rollout/stored/look_columns.py`)."""


def without_bytes(fields: Mapping[str, Any]) -> tuple[dict[str, Any], Columns]:
    """Fields without the bytes that stand behind them, and these as columns. In their place stands what their text
    begins with and how many numbers there are; of bytes that are not as they should be, how many and that text."""
    guard = dict(fields.get("guard") or {})
    columns: Columns = []
    classes = _classes_of(guard)
    for name in BYTE_FIELDS:
        text = guard.get(name)
        begin = TEXT_PREFIX if isinstance(text, str) and text.startswith(TEXT_PREFIX) else ""
        content = bytes_in(text, begin)
        if content is not None:
            found = _short(name, content, classes)
            sizes, more = found if found is not None else ((), [list(content)])
            guard[name] = [begin, *sizes] if sizes else [len(content), begin]
            columns += more
    return ({**fields, "guard": guard} if columns else dict(fields)), columns


def with_bytes(fields: dict[str, Any], reader: BitReader) -> dict[str, Any]:
    """Inverse of `without_bytes`. Raises ValueError, TypeError or struct.error for fields and bits that are not of
    it."""
    guard = fields.get("guard") or {}
    for name in BYTE_FIELDS:
        if isinstance(guard.get(name), list):
            first, *others = guard[name]
            if isinstance(first, str):
                begin, content = first, _long(name, others, reader)
            else:
                (begin,), content = others, bytes(reader.column(first))
            guard[name] = begin + base64.b85encode(content).decode()
    return fields


def _classes_of(guard: Mapping[str, Any]) -> int | None:
    """How many query classes a guard compares, by its counts; None where it compares pairs."""
    mark = guard.get("mark")
    return max(0, mark.count(";") - 1) if isinstance(mark, str) and guard.get("evidence") == "Answers" else None


def _short(name: str, content: bytes, classes: int | None) -> tuple[tuple[int, ...], Columns] | None:
    """How many numbers a field's bytes have, and these as columns; None where they are not as they should be."""
    if name == LOOKS:
        return _columns_of_looks(content, classes or 0)
    if name in DETECTORS:
        sizes = detector_departures.sizes_of(content, classes)
        return None if sizes is None else (sizes, detector_departures.columns_of(content, *sizes))
    kind = ROWS[name]
    departures = departures_of(content, kind)
    if departures is None:
        return None
    numbers = numbers_in(departures)
    rows = len(numbers) // kind.width
    return (rows,), [numbers[at : at + rows] for at in range(0, len(numbers), rows)]


def _long(name: str, sizes: list[int], reader: BitReader) -> bytes:
    """Inverse of `_short`."""
    if name == LOOKS:
        looks, width, later = sizes
        if looks < 1 or width > MOST_NUMBERS:
            raise ValueError("it has columns of no look, or too many")
        return packed_bytes(varints(number for _ in range(width) for number in reader.column(looks)), later)
    if name in DETECTORS:
        logs, others = sizes
        columns = [reader.column(each) for each in detector_departures.lengths_of(logs, others)]
        return detector_departures.bytes_of(columns, logs, others)
    (rows,) = sizes
    return rows_of(varints(number for _ in range(ROWS[name].width) for number in reader.column(rows)), ROWS[name])


def _columns_of_looks(content: bytes, classes: int) -> tuple[tuple[int, ...], Columns] | None:
    """The numbers of looks, which stand column by column, and how many later counts they have."""
    try:
        later, packed = bare_numbers(content)
        numbers = numbers_in(packed)
    except (ValueError, lzma.LZMAError, struct.error):
        return None
    if len(packed) > MOST_NUMBERS or not numbers or packed_bytes(varints(numbers), later) != content:
        return None
    width = OF_TWO_TALLIES + OF_A_LATER_COUNT * later + OF_A_CLASS * classes
    looks = len(numbers) // width if len(numbers) % width == 0 else 1
    return (looks, len(numbers) // looks, later), [numbers[at : at + looks] for at in range(0, len(numbers), looks)]
