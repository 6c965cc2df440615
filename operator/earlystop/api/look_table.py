"""The looks of a verdict as text that people can read: one a line, its time first, then its counts.

Records of earlier releases hold the same numbers as rows of integers, which YAML spreads over a line for each number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from earlystop.api.times import from_rfc3339, rfc3339
from earlystop.api.values import Value

LINE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z( (0|-?[1-9][0-9]{0,39})){30,101}", re.ASCII)
LONGEST_TABLE = 1_500_000
"""Characters: more than the API server stores of one object."""
# 31 columns, 4 for each of at most ten query classes, one more beside other candidates, those of later counts, and 6
# where users are counted.
LAST_SECOND = 253_402_300_799
"""Of the year 9999, in Unix seconds: no calendar of a computer goes on."""


def _dated(row: tuple[int, ...]) -> tuple[int, ...]:
    """Raises ValueError for a look at no moment that could be written as one."""
    if not 0 <= row[0] <= LAST_SECOND:
        raise ValueError("a look is at no moment of the years 1970 to 9999")
    return row


Row = Annotated[tuple[int, ...], Field(min_length=31, max_length=102), AfterValidator(_dated)]
Rows = Annotated[tuple[Row, ...], Field(max_length=4096)]
TABLE, ROWS = "lookTable", "looks"


def lines_of(rows: Iterable[Sequence[int]]) -> list[str]:
    """Each row as a line: `at` as Kubernetes writes times, all other numbers as they are."""
    return [" ".join((rfc3339(at), *map(str, counts))) for at, *counts in rows]


def rows_of(lines: Iterable[str]) -> tuple[tuple[int, ...], ...]:
    """Inverse of `lines_of`. Raises ValueError for a line that it did not write."""
    return tuple(_row(line) for line in lines)


def _row(line: str) -> tuple[int, ...]:
    if LINE.fullmatch(line) is None:
        raise ValueError(
            f"{TABLE} has the line {line[:80]!r}, expected a time like 2026-01-31T12:00:00Z and 30 to 101 whole "
            "numbers after it, with one space between each"
        )
    at, *counts = line.split(" ")
    return (from_rfc3339(at), *map(int, counts))


def number_of_looks(part: Mapping[str, Any]) -> int:
    """How many looks are stored in a verdict of any release, counted before they are parsed. part: its spec, or one of
    its other candidates or classes. Raises TypeError or AttributeError for what is none."""
    if TABLE not in part:
        return len(part.get(ROWS) or ())
    lines = part[TABLE].count("\n") + bool(part[TABLE])
    return int(lines) - names_columns(part)


def names_columns(part: Mapping[str, Any]) -> bool:
    """Whether the table of this part begins with the names of the columns: that of the candidate that the verdict is
    about does, and holds for all others; that of a guard has columns of its own."""
    return "plan" in part or "checkpoint" in part


def as_text(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A verdict's spec in JSON with its looks as text instead of rows. spec: with rows; its digest is left to the
    caller. The looks of a guard whose columns are not named stay rows."""
    columns = " ".join(spec["columns"])
    kept = {name: value for name, value in spec.items() if name not in ("columns", ROWS)}
    for name in ("others", "classes"):
        if name in kept:
            kept[name] = [_part_as_text(each) for each in kept[name]]
    if "columns" in kept.get("guard", ()):
        kept["guard"] = as_text(kept["guard"])
    return {**kept, TABLE: "\n".join((columns, *lines_of(spec[ROWS])))}


def _part_as_text(part: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in part.items() if name != ROWS}
    return {**kept, TABLE: "\n".join(lines_of(part[ROWS]))}


def as_rows(part: Mapping[str, Any]) -> dict[str, Any]:
    """A verdict's spec, or another candidate or class in it, with its looks as rows: what stands as text is read.
    Parts of it are left as they are. Raises ValueError for text that is no such table, and for looks in both forms."""
    if TABLE not in part:
        return dict(part)
    if ROWS in part or "columns" in part:
        raise ValueError(f"{TABLE} and {ROWS} are two forms of the same looks; only one may be there")
    kept = {name: value for name, value in part.items() if name != TABLE}
    lines = str(part[TABLE]).split("\n") if part[TABLE] else []
    if not names_columns(part):
        return {**kept, ROWS: rows_of(lines)}
    return {**kept, "columns": tuple(lines[0].split(" ")) if lines else (), ROWS: rows_of(lines[1:])}


class WithLooks(Value):
    """A part of a verdict that holds looks. In Python they are rows, whatever the stored form."""

    looks: Rows = Field(
        default_factory=tuple,
        description="In records of earlier releases: increments of every look that was evidence, in order.",
    )
    look_table: Annotated[str, Field(max_length=LONGEST_TABLE)] | None = Field(
        None,
        description="Increments of every look that was evidence, in order, one a line with spaces between. The first "
        "line of spec.lookTable names the columns, of all looks of the record; `column -t` aligns them.",
    )

    @model_validator(mode="before")
    @classmethod
    def _read_table(cls, stored: Any) -> Any:
        if isinstance(stored, Mapping) and isinstance(stored.get(TABLE, ""), str):
            return as_rows(stored)
        return stored
