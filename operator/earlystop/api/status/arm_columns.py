"""What both variants have counted, of each comparison and of a guard's last look, as columns of numbers in place of
fields in JSON: names and digits take several times as much room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from earlystop.api.status.bit_columns import BitReader
from earlystop.api.status.numerals import RUN
from earlystop.api.status.row_departures import share

Fields = dict[str, Any]
Column = Sequence[int]

COMPARED = "#"
"""Stands among the fields for the counts of comparisons; no field of a status has this name."""
ARMS = ("baseline", "candidate")
OF_AN_ARM = ("completed", "failed", "match", "scored", "tokens")
OF_ALL = len(OF_AN_ARM)
WIDTH = len(ARMS) * OF_ALL
LAST = "comparedCounts"
OF_LAST = 4
"""Requests of both variants, and scored answers of both."""


def without_arms(fields: Mapping[str, Any]) -> tuple[Fields, list[Column]]:
    """Fields without the counts of comparisons and of a guard's last look, and these as columns."""
    found, columns = dict(fields), list[Column]()
    rows = [_row_of(each.get("counts")) for each in (fields, *_candidates_of(fields))]
    known = [each for each in rows if each is not None]
    if len(known) == len(rows):
        columns += zip(*(_departures(row, before) for before, row in pairwise([_NONE, *known])), strict=True)
        del found["counts"]
        if "candidates" in found:
            found["candidates"] = [_without(each, "counts") for each in fields["candidates"]]
        found[COMPARED] = 1
    guard, expected = fields.get("guard"), _expected_last(fields)
    if isinstance(guard, dict) and _are_counts(guard.get(LAST), OF_LAST):
        columns.append([own - other for own, other in zip(guard[LAST], expected, strict=True)])
        found["guard"] = {**guard, LAST: OF_LAST}
    return found, columns


def with_arms(fields: Fields, reader: BitReader) -> Fields:
    """Inverse of `without_arms`. Raises ValueError or TypeError for fields and bits that are not of it."""
    found = dict(fields)
    if found.pop(COMPARED, None) == 1:
        candidates = _candidates_of(fields)
        rows, row = [], _NONE
        for changes in zip(*[reader.column(1 + len(candidates)) for _ in range(WIDTH)], strict=True):
            row = _restored(changes, row)
            rows.append(_counts_of(row))
        found["counts"], *others = rows
        if "candidates" in found:
            found["candidates"] = [{**each, "counts": own} for each, own in zip(candidates, others, strict=True)]
    guard = found.get("guard")
    if isinstance(guard, dict) and guard.get(LAST) == OF_LAST:
        column, expected = reader.column(OF_LAST), _expected_last(found)
        found["guard"] = {**guard, LAST: [more + other for more, other in zip(column, expected, strict=True)]}
    return found


_NONE: Sequence[int] = (0,) * WIDTH


def _candidates_of(fields: Mapping[str, Any]) -> Sequence[Fields]:
    found = fields.get("candidates", ())
    return found if isinstance(found, list) and all(isinstance(each, dict) for each in found) else ()


def _row_of(counts: Any) -> Sequence[int] | None:
    """The numbers of what both variants counted, None for anything else."""
    if not isinstance(counts, dict) or counts.keys() != {*ARMS}:
        return None
    arms = [counts[arm] for arm in ARMS]
    if not all(isinstance(each, dict) and each.keys() == {*OF_AN_ARM} for each in arms):
        return None
    row = [each[name] for each in arms for name in OF_AN_ARM]
    return row if _are_counts(row, WIDTH) else None


def _departures(row: Sequence[int], before: Sequence[int]) -> list[int]:
    """Counts of both variants as their departures from those of the comparison before."""
    found: list[int] = []
    for at in (0, OF_ALL):
        completed, failed, match, scored, tokens = row[at : at + OF_ALL]
        past = before[at : at + OF_ALL]
        right, of_tokens = share(scored, past[2], past[3]), share(completed, past[4], past[0])
        found += [completed - past[0], failed - past[1], match - right, scored - completed, tokens - of_tokens]
    return found


def _restored(departures: Sequence[int], before: Sequence[int]) -> list[int]:
    """Inverse of `_departures`."""
    found: list[int] = []
    for at in (0, OF_ALL):
        completed, failed, match, scored, tokens = departures[at : at + OF_ALL]
        past = before[at : at + OF_ALL]
        completed, failed = completed + past[0], failed + past[1]
        scored += completed
        match += share(scored, past[2], past[3])
        found += [completed, failed, match, scored, tokens + share(completed, past[4], past[0])]
    return found


def _counts_of(row: Sequence[int]) -> Fields:
    """Inverse of `_row_of`."""
    halves = row[:OF_ALL], row[OF_ALL:]
    return {arm: dict(zip(OF_AN_ARM, half, strict=True)) for arm, half in zip(ARMS, halves, strict=True)}


def _are_counts(found: Any, length: int) -> bool:
    return isinstance(found, list) and len(found) == length and all(type(each) is int for each in found)


def _expected_last(fields: Mapping[str, Any]) -> Sequence[int]:
    """The counts of a guard's last look that could be compared, as its totals at the last look say it."""
    mark = (fields.get("guard") or {}).get("mark")
    runs = [[int(each) for each in run.split(",")] for run in RUN.findall(mark)] if isinstance(mark, str) else []
    arms = [run for run in runs[: len(ARMS)] if len(run) > OF_LAST]
    if len(arms) < len(ARMS):
        return (0,) * OF_LAST
    return [*(max(each[0], each[1] + each[2]) for each in arms), *(each[3] + each[4] for each in arms)]


def _without(fields: Fields, name: str) -> Fields:
    return {each: value for each, value in fields.items() if each != name}
