"""Numbers of rows, column by column: those of a column are alike, so that they are compressed better."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def in_columns(rows: Iterable[Sequence[Any]]) -> list[Any]:
    """What stands first in each row, then what stands second, and so on; rows may be of several lengths."""
    found, column, left = [], 0, [row for row in rows if row]
    while left:
        found += [row[column] for row in left]
        column += 1
        left = [row for row in left if len(row) > column]
    return found


def in_rows(columns: Iterable[Any], widths: Sequence[int]) -> list[list[Any]]:
    """Inverse of `in_columns` for rows of these lengths. Raises ValueError for another number of values."""
    found = list(columns)
    if widths and len(found) == widths[0] * len(widths) and len({*widths}) == 1:
        return [found[at :: len(widths)] for at in range(len(widths))]
    rows: list[list[Any]] = [[] for _ in widths]
    values, left = iter(found), [(row, width) for row, width in zip(rows, widths, strict=True) if width]
    while left:
        for row, _ in left:
            row.append(next(values, None))
        left = [(row, width) for row, width in left if len(row) < width]
    if next(values, None) is not None or any(None in row for row in rows):
        raise ValueError("it has not as many numbers as its rows")
    return rows
