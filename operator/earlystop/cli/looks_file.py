"""LOOKS.csv: increments of each look as a person or a script writes them down."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from earlystop.api.counts import Variant

REQUIRED = ("variant", "look", "completed", "failed", "match", "mismatch", "tokens", "tokens_squared")
OPTIONAL_COUNTS = (
    "started",
    "feedback_up",
    "feedback_down",
    "pairs_both",
    "pairs_baseline_only",
    "pairs_candidate_only",
    "pairs_neither",
)
OPTIONAL = ("query_class", "weight", *OPTIONAL_COUNTS)
COUNTS = ("completed", "failed", "match", "mismatch", "tokens", "tokens_squared", *OPTIONAL_COUNTS)
LARGEST = 2**53


class LooksError(ValueError):
    """The file is not a list of looks; the message names line and column and says what to write."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: the increments of one variant, and query class if there are several, in one look.

    counts: by column name, absent columns are 0. weight: the candidate's percent, None where the file has none.
    """

    number: int
    look: int
    variant: Variant
    query_class: str
    weight: int | None
    counts: dict[str, int]


def read_lines(source: Iterable[str], name: str) -> list[Line]:
    """All lines of a file, in the order of their looks. Raises LooksError at the first that cannot be used."""
    reader = csv.DictReader(source)
    columns = reader.fieldnames or []
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        raise LooksError(f"{name}, line 1: the header lacks {', '.join(missing)}; write {','.join(REQUIRED)}")
    unknown = [column for column in columns if column not in (*REQUIRED, *OPTIONAL)]
    if unknown:
        raise LooksError(f"{name}, line 1: {', '.join(unknown)} is no column of looks; known: {', '.join(OPTIONAL)}")
    lines = [_line(row, reader.line_num, name) for row in reader]
    _refuse_doubles(lines, name)
    return sorted(lines, key=lambda line: line.look)


def grouped(lines: list[Line]) -> Iterator[list[Line]]:
    """The lines of each look together, in order."""
    looks: dict[int, list[Line]] = {}
    for line in lines:
        looks.setdefault(line.look, []).append(line)
    yield from looks.values()


def _line(row: dict[str, str | None], number: int, name: str) -> Line:
    where = f"{name}, line {number}"
    if None in row or None in row.values():
        raise LooksError(f"{where}: the line has more or fewer fields than the header")
    text = {column: (value or "").strip() for column, value in row.items()}
    if text["variant"] not in list(Variant):
        raise LooksError(f"{where}, column variant: {text['variant']!r}; write baseline or candidate")
    counts = {column: _count(text[column], where, column) for column in COUNTS if column in text}
    scored, completed = counts["match"] + counts["mismatch"], counts["completed"]
    if scored > completed:
        raise LooksError(
            f"{where}, column match: match and mismatch are {scored} together, more than the {completed} completed"
        )
    weight = _count(text["weight"], where, "weight") if text.get("weight") else None
    if weight is not None and not 1 <= weight <= 99:
        raise LooksError(f"{where}, column weight: {weight}; write the candidate's percent, 1 to 99")
    look = _count(text["look"], where, "look")
    return Line(number, look, Variant(text["variant"]), text.get("query_class", ""), weight, counts)


def _count(text: str, where: str, column: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) > LARGEST:
        raise LooksError(f"{where}, column {column}: {text!r} is not a count; write a whole number from 0 to 2^53")
    return int(text)


def _refuse_doubles(lines: list[Line], name: str) -> None:
    seen: dict[tuple[int, Variant, str], int] = {}
    for line in lines:
        key = (line.look, line.variant, line.query_class)
        if key in seen:
            raise LooksError(
                f"{name}, line {line.number}, column look: look {line.look} of the {line.variant} stands in line "
                f"{seen[key]} already; write one line for each look, variant and query class"
            )
        seen[key] = line.number
