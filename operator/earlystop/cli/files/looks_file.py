"""LOOKS.csv: increments of each look as a person, a script or a spreadsheet writes them down.

Spreadsheets save with a byte order mark, in UTF-16, with semicolons or tabs where a comma is the decimal sign, with a
first line `sep=;`, and with empty lines at the beginning, empty columns and lines at the end. All of that is read.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from earlystop.api.counts import PairAnswers, Variant
from earlystop.api.plurals import counted
from earlystop.cli.files.documents import decoded, read_bytes

REQUIRED = ("variant", "look", "completed", "failed", "match", "mismatch", "tokens", "tokens_squared")
OPTIONAL_COUNTS = (
    "started",
    "unscored",
    "feedback_up",
    "feedback_down",
    "pairs_both",
    "pairs_baseline_only",
    "pairs_candidate_only",
    "pairs_neither",
    "empty",
    "cut",
    *(f"pairs_{name}" for name in PairAnswers._fields),
)
OPTIONAL = ("query_class", "step", "weight", *OPTIONAL_COUNTS)
COUNTS = ("completed", "failed", "match", "mismatch", "tokens", "tokens_squared", *OPTIONAL_COUNTS)
LARGEST = 2**53
DELIMITERS = ",;\t"
LONGEST_QUOTED = 40
"""Characters of a value that a message shows."""
_HEAD = 16
_NOTHING = DELIMITERS + " \r\n\"'"
"""What an empty line of a spreadsheet holds."""
_INVISIBLE = "\ufeff\u200b\u2060"
_SEPARATOR_LINE = re.compile(r"(?i)\"?sep=(.)\"?\s*")
_GROUPED = re.compile(r"[0-9]{1,3}(['\u2019\u00a0\u202f .,][0-9]{3})+")
_FRACTION = re.compile(r"[0-9]+[.,][0-9]+")


class LooksError(ValueError):
    """The file is not a list of looks; the message names line and column and says what to write."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: the increments of one variant, and query class if there are several, in one look.

    counts: by column name, absent columns are 0. weight: the candidate's percent, None where the file has none.
    step: the step that the look belongs to, 1 where the file does not say it.
    """

    number: int
    look: int
    variant: Variant
    query_class: str
    weight: int | None
    counts: dict[str, int]
    step: int = 1


def read_file(path: Path) -> list[Line]:
    """All lines of a file, in the order of their looks. Raises LooksError, CommandFailure for what is no file."""
    content = read_bytes(path)
    try:
        text = decoded(content)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise LooksError(f"{path.name}, line {line}: the file is not UTF-8; save it as CSV in UTF-8") from None
    if "\0" in text[:_HEAD]:
        raise LooksError(
            f"{path.name}: this is no CSV file, but a spreadsheet's own format or an encoding without its mark; "
            "save it as CSV in UTF-8"
        )
    return read_lines(io.StringIO(text, newline=""), path.name)


def read_lines(source: Iterable[str], name: str) -> list[Line]:
    """All lines of a text, in the order of their looks. Raises LooksError at the first that cannot be used."""
    rest = iter(source)
    first, skipped = _first_filled(rest)
    named = _SEPARATOR_LINE.fullmatch(first)
    header, more = _first_filled(rest) if named else (first, 0)
    skipped += 1 + more if named else 0
    delimiter = named[1] if named else max(DELIMITERS, key=header.count)
    reader = csv.DictReader(chain([header], rest), delimiter=delimiter)
    try:
        reader.fieldnames = _columns(reader.fieldnames or (), f"{name}, line {skipped + 1}")
        lines = [_line(row, reader.line_num + skipped, name) for row in reader if any(_values(row))]
    except csv.Error as error:
        number = reader.line_num + skipped + 1  # the line at fault is not counted
        raise LooksError(f"{name}, line {number}: it is no line of a CSV file ({error})") from None
    _refuse_contradictions(lines, name)
    return sorted(lines, key=lambda line: line.look)


def _first_filled(lines: Iterator[str]) -> tuple[str, int]:
    """The next line that holds more than separators, "" for none, and how many were passed over before it."""
    for skipped, line in enumerate(lines):
        line = line.lstrip(_INVISIBLE)
        if line.strip(_NOTHING):
            return line, skipped
    return "", 0


def _columns(found: Iterable[str], where: str) -> list[str]:
    """The names in the header; "" for a column without one. Raises LooksError."""
    columns = [column.strip() for column in found]
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        raise LooksError(f"{where}: the header lacks {', '.join(missing)}; write {','.join(REQUIRED)}")
    unknown = [column for column in columns if column not in (*REQUIRED, *OPTIONAL, "")]
    if unknown:
        shown = _cut(", ".join(unknown))
        raise LooksError(f"{where}: {shown} is no column of looks; known: {', '.join(OPTIONAL)}")
    twice = sorted({column for column in columns if column and columns.count(column) > 1})
    if twice:
        raise LooksError(f"{where}: the column {twice[0]} stands twice; write it once")
    return columns


def _values(row: dict[str, str | None]) -> Iterator[str]:
    """The values of a line without the blanks around them."""
    for value in row.values():
        yield from (each.strip() for each in (value if isinstance(value, list) else [value or ""]))


def grouped(lines: list[Line]) -> Iterator[list[Line]]:
    """The lines of each look together, in order."""
    looks: dict[int, list[Line]] = {}
    for line in lines:
        looks.setdefault(line.look, []).append(line)
    yield from looks.values()


def _line(row: dict[str, str | None], number: int, name: str) -> Line:
    where = f"{name}, line {number}"
    if None in row or None in row.values() or (row.get("") or "").strip():
        raise LooksError(f"{where}: the line has more or fewer fields than the header")
    text = {column: (value or "").strip() for column, value in row.items()}
    if text["variant"] not in list(Variant):
        raise LooksError(f"{where}, column variant: {_quoted(text['variant'])}; write baseline or candidate")
    counts = {column: _count(text[column], where, column) for column in COUNTS if column in text}
    _refuse_impossible(counts, where)
    weight = _count(text["weight"], where, "weight") if text.get("weight") else None
    if weight is not None and not 1 <= weight <= 99:
        raise LooksError(f"{where}, column weight: {weight}; write the candidate's percent, 1 to 99")
    look = _count(text["look"], where, "look")
    step = _count(text["step"], where, "step") if text.get("step") else 1
    return Line(number, look, Variant(text["variant"]), text.get("query_class", ""), weight, counts, step)


def _refuse_impossible(counts: Mapping[str, int], where: str) -> None:
    """Raises LooksError where the counts of one line contradict each other."""
    completed = counts["completed"]
    scored, unscored = counts["match"] + counts["mismatch"], counts.get("unscored", 0)
    if scored > completed:
        raise LooksError(
            f"{where}, column match: match and mismatch are {scored} together, more than the {completed} completed"
        )
    if scored + unscored > completed:
        raise LooksError(
            f"{where}, column unscored: match, mismatch and unscored are {scored + unscored} together, more than the "
            f"{completed} completed"
        )
    for column in ("empty", "cut"):
        if counts.get(column, 0) > completed:
            raise LooksError(f"{where}, column {column}: {counts[column]} is more than the {completed} completed")
    # Without squares nobody counts them.
    if counts["tokens_squared"] and counts["tokens_squared"] * completed < counts["tokens"] ** 2:
        least = -(-(counts["tokens"] ** 2) // completed) if completed else 0
        raise LooksError(
            f"{where}, column tokens_squared: {counts['tokens_squared']} is less than {least}, the least that "
            f"{counted(completed, 'answer')} of {counted(counts['tokens'], 'token')} together can have; write the "
            "sum of each one's square"
        )


def _count(text: str, where: str, column: str) -> int:
    digits = text.lstrip("0") or text[-1:]
    if not (text.isascii() and text.isdecimal()) or len(digits) > len(str(LARGEST)) or int(digits) > LARGEST:
        what = f"{_quoted(text)} is not a count; write a whole number from 0 to 2^53{_hint(text)}"
        raise LooksError(f"{where}, column {column}: {what}")
    return int(digits)


def _hint(text: str) -> str:
    """What a spreadsheet made of a number, as the end of a sentence."""
    if _GROUPED.fullmatch(text):
        return ", without separators of thousands"
    return ", without decimals" if _FRACTION.fullmatch(text) else ""


def _quoted(text: str) -> str:
    """A value as a message shows it."""
    return repr(_cut(text))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_QUOTED else f"{text[:LONGEST_QUOTED]}…"


def _refuse_contradictions(lines: list[Line], name: str) -> None:
    seen: dict[tuple[int, Variant, str], int] = {}
    steps: dict[int, int] = {}
    for line in lines:
        if steps.setdefault(line.look, line.step) != line.step:
            raise LooksError(
                f"{name}, line {line.number}, column step: look {line.look} is of step {steps[line.look]} already; "
                "write one step in all lines of a look"
            )
        key = (line.look, line.variant, line.query_class)
        if key in seen:
            raise LooksError(
                f"{name}, line {line.number}, column look: look {line.look} of the {line.variant} stands in line "
                f"{seen[key]} already; write one line for each look, variant and query class"
            )
        seen[key] = line.number
