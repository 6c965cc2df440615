"""What both variants have counted, of each comparison, as columns of numbers in place of fields in JSON: names and
digits take several times as much room. The baseline's counts are nearly those of the comparison before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from operator import add, sub
from typing import Any

from earlystop.api.status.bit_columns import BitReader

Fields = dict[str, Any]
Row = Sequence[int]

COMPARED = "#"
"""Stands among the fields for the counts of comparisons; no field of a status has this name."""
ARMS = ("baseline", "candidate")
OF_AN_ARM = ("completed", "failed", "match", "scored", "tokens")
WIDTH = len(ARMS) * len(OF_AN_ARM)
_NONE: Row = (0,) * WIDTH


def without_arms(fields: Mapping[str, Any]) -> tuple[Fields, list[Row]]:
    """Fields without the counts of comparisons, and these as columns."""
    candidates = _candidates_of(fields)
    rows = [_row_of(each.get("counts")) for each in (fields, *candidates)]
    known = [each for each in rows if each is not None]
    if len(known) < len(rows):
        return dict(fields), []
    found = {**_without_counts(fields), COMPARED: 1}
    if candidates:
        found["candidates"] = [_without_counts(each) for each in candidates]
    departures = [list(map(sub, row, before)) for before, row in pairwise([_NONE, *known])]
    return found, [*zip(*departures, strict=True)]


def with_arms(fields: Fields, reader: BitReader) -> Fields:
    """Inverse of `without_arms`. Raises ValueError or TypeError for fields and bits that are not of it."""
    found = dict(fields)
    if found.pop(COMPARED, None) != 1:
        return fields
    candidates = _candidates_of(fields)
    departures = zip(*[reader.column(1 + len(candidates)) for _ in range(WIDTH)], strict=True)
    rows = accumulate(departures, lambda before, row: tuple(map(add, before, row)))
    found["counts"], *others = map(_counts_of, rows)
    if candidates:
        found["candidates"] = [{**each, "counts": own} for each, own in zip(candidates, others, strict=True)]
    return found


def _candidates_of(fields: Mapping[str, Any]) -> Sequence[Fields]:
    found = fields.get("candidates", ())
    return found if isinstance(found, list) and all(isinstance(each, dict) for each in found) else ()


def _row_of(counts: Any) -> Row | None:
    """The numbers of what both variants counted, None for anything else."""
    if not isinstance(counts, dict) or counts.keys() != {*ARMS}:
        return None
    arms = [counts[arm] for arm in ARMS]
    if not all(isinstance(each, dict) and each.keys() == {*OF_AN_ARM} for each in arms):
        return None
    row = [each[name] for each in arms for name in OF_AN_ARM]
    return row if all(type(each) is int for each in row) else None


def _counts_of(row: Row) -> Fields:
    """Inverse of `_row_of`."""
    halves = row[: len(OF_AN_ARM)], row[len(OF_AN_ARM) :]
    return {arm: dict(zip(OF_AN_ARM, half, strict=True)) for arm, half in zip(ARMS, halves, strict=True)}


def _without_counts(fields: Mapping[str, Any]) -> Fields:
    return {name: value for name, value in fields.items() if name != "counts"}
