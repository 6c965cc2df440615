"""Rows of a guard's counts as their departures from what the row before lets expect, column by column.

A span of twice as many looks has twice the answers, of which as many are right; a part of a window has as many right
answers and tokens for its answers as the part before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from operator import add, sub
from typing import NamedTuple

from earlystop.api.status.columns import in_columns, in_rows
from earlystop.api.whole_numbers import numbers_in, varints

Row = Sequence[int]


class Rows(NamedTuple):
    """Rows of one kind. width: numbers of each. read, written: from what stands in their bytes to counts, and back.
    less, more: from a row and the one before it to departures, and back; both raise ValueError for rows of others."""

    width: int
    read: Callable[[Sequence[Row]], Sequence[Row]]
    written: Callable[[Sequence[Row]], Sequence[Row]]
    less: Callable[[Row, Row], Row]
    more: Callable[[Row, Row], Row]


def departures_of(content: bytes, kind: Rows) -> bytes | None:
    """The numbers of rows as departures; None where these bytes are no such rows."""
    try:
        numbers = numbers_in(content)
        if not numbers or len(numbers) % kind.width:
            return None
        rows = kind.read([numbers[at : at + kind.width] for at in range(0, len(numbers), kind.width)])
        departures = [kind.less(row, before) for before, row in pairwise([(0,) * kind.width, *rows])]
        packed = varints(in_columns(departures))
        # Numbers may be written in more bytes than they need, and their departures may be longer than any count.
        return packed if rows_of(packed, kind) == content else None
    except ValueError:
        return None


def rows_of(packed: bytes, kind: Rows) -> bytes:
    """Inverse of `departures_of`. Raises ValueError for other bytes."""
    numbers = numbers_in(packed)
    if len(numbers) % kind.width:
        raise ValueError("it has a row that is not whole")
    rows: list[Row] = [(0,) * kind.width]
    for departures in in_rows(numbers, [kind.width] * (len(numbers) // kind.width)):
        rows.append(kind.more(departures, rows[-1]))
    return varints(each for row in kind.written(rows[1:]) for each in row)


def share(number: int, hits: int, of: int) -> int:
    """How many hits are expected of a number, as there were so many of others; 0 where there were none."""
    return number * hits // of if of else 0


MOST_POWER = 40
"""Of a span's size; a guard's spans have at most 11."""


def _less_of_span(row: Row, before: Row) -> Row:
    power, later, baseline, misses, candidate, others = row
    return (
        power - before[0],
        later,
        baseline - _scaled(before[2], power, before[0]),
        misses - share(baseline, before[3], before[2]),
        candidate - share(baseline, before[4], before[2]),
        others - share(candidate, before[5], before[4]),
    )


def _more_of_span(departures: Row, before: Row) -> Row:
    more_power, later, more, more_misses, more_candidate, more_others = departures
    power = before[0] + more_power
    baseline = more + _scaled(before[2], power, before[0])
    candidate = more_candidate + share(baseline, before[4], before[2])
    misses = more_misses + share(baseline, before[3], before[2])
    others = more_others + share(candidate, before[5], before[4])
    return (power, later, baseline, misses, candidate, others)


def _scaled(count: int, power: int, before: int) -> int:
    """How many answers 2^power looks are expected to have, as 2^before of them had so many."""
    if not 0 <= power <= MOST_POWER:
        raise ValueError(f"it has a span of 2^{power} looks")
    return (count << power) >> before


SPANS = Rows(6, lambda rows: rows, lambda rows: rows, _less_of_span, _more_of_span)
"""Size as a power of 2, how much later it began than expected, and of each variant answers and those that are no hits
(`rollout/guard/culprit_codec.py`)."""


def _less_of_part(row: Row, before: Row) -> Row:
    begin, *arms = row
    return (begin - before[0], *_less_of_arm(arms[:4], before[1:5]), *_less_of_arm(arms[4:], before[5:]))


def _more_of_part(departures: Row, before: Row) -> Row:
    begin, *arms = departures
    return (begin + before[0], *_more_of_arm(arms[:4], before[1:5]), *_more_of_arm(arms[4:], before[5:]))


def _less_of_arm(arm: Row, before: Row) -> Row:
    scored, right, unscored, tokens = arm
    of_right = share(scored, before[1], before[0])
    return scored - before[0], right - of_right, unscored, tokens - _tokens(scored + unscored, before)


def _more_of_arm(departures: Row, before: Row) -> Row:
    more, more_right, unscored, more_tokens = departures
    scored = more + before[0]
    right = more_right + share(scored, before[1], before[0])
    return scored, right, unscored, more_tokens + _tokens(scored + unscored, before)


def _tokens(answers: int, before: Row) -> int:
    return share(answers, before[3], before[0] + before[2])


def _sums(rows: Sequence[Row]) -> Sequence[Row]:
    return list(accumulate(rows, lambda before, row: tuple(map(add, before, row))))


def _differences(rows: Sequence[Row]) -> Sequence[Row]:
    return [tuple(map(sub, row, before)) for before, row in pairwise([(0,) * PARTS.width, *rows])]


PARTS = Rows(9, _sums, _differences, _less_of_part, _more_of_part)
"""Begin, and of each variant scored and right answers, those without a score, and tokens; in bytes they stand as
differences from the part before (`rollout/guard/packing.py`)."""
