"""A guard's factors and window as short text, and back."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from itertools import accumulate, chain, pairwise
from operator import add

from earlystop.api.whole_numbers import numbers_in, varint
from earlystop.evidence.guard_detectors import Factors
from earlystop.rollout.guard.window import Part, Sums, Window

BETWEEN = ","
DEPARTURES = ":"
"""What a packed window begins with, which no number of it does."""
HALF = 1 + len(Sums._fields)
WINDOW_COLUMNS = HALF + len(Sums._fields)


def pack_factors(factors: Factors) -> str:
    """The factors as "1.5,1.0,2.25", to the last bit: on answers, then of each guardrail."""
    return BETWEEN.join(repr(each) for each in (factors.answers, *factors.guardrails))


def unpack_factors(text: str) -> Factors:
    """Inverse of `pack_factors`. Raises ValueError for text not made by it."""
    answers, *rails = map(float, text.split(BETWEEN))
    if not min(answers, *rails, answers) >= 1:
        raise ValueError(f"a guard's factors are {text[:64]!r}, expected numbers of 1 or more")
    return Factors(answers, tuple(rails))


def pack_window(window: Window) -> str:
    """The parts of a window, "" for none: each number as its departure from that of the part before, as these are as
    long, and requests without a score in place of all."""
    if not window.parts:
        return ""
    rows = [(0,) * WINDOW_COLUMNS, *map(_row, window.parts)]
    departures = (now - then for before, row in pairwise(rows) for then, now in zip(before, row, strict=True))
    return DEPARTURES + base64.b85encode(b"".join(map(varint, departures))).decode()


def unpack_window(text: str, seconds: int) -> Window:
    """Inverse of `pack_window` for a window of this length; statuses of earlier releases have the numbers as they are.
    Raises ValueError for text not made by it."""
    numbers = numbers_in(base64.b85decode(text.removeprefix(DEPARTURES)))
    if len(numbers) % WINDOW_COLUMNS:
        raise ValueError(f"a guard's window holds {len(numbers)} numbers, which are no rows of {WINDOW_COLUMNS}")
    rows = [tuple(numbers[begin : begin + WINDOW_COLUMNS]) for begin in range(0, len(numbers), WINDOW_COLUMNS)]
    if text.startswith(DEPARTURES):
        summed = accumulate(rows, lambda before, more: tuple(map(add, before, more)))
        return Window(seconds, tuple(Part(row[0], _sums(row[1:HALF]), _sums(row[HALF:])) for row in summed))
    return Window(seconds, tuple(Part(row[0], Sums(*row[1:HALF]), Sums(*row[HALF:])) for row in rows))


def _row(part: Part) -> tuple[int, ...]:
    both = (
        (each.scored, each.match, each.completed - each.scored, each.tokens) for each in (part.baseline, part.candidate)
    )
    return (part.begin, *chain.from_iterable(both))


def _sums(row: Sequence[int]) -> Sums:
    scored, match, unscored, tokens = row
    return Sums(scored, match, scored + unscored, tokens)
