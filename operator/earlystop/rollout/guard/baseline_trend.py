"""How much of what the baseline's rate did belongs to a harm, and not to the hour of the day.

A baseline's rate goes up and down by itself: by the hour, as other people ask, and by chance over a while. A harm that
takes hours to grow is then accompanied by such a move in any case. So the rate is taken for a sum of a constant, a
wave of a day, and a part that grew as the harm did (ridge regression: Hoerl, Kennard, Technometrics 12(1), 1970, with
a normal prior on the wave's two amplitudes). What belongs to the harm is that last part.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, inf, pi, sin, sqrt
from typing import NamedTuple

from earlystop.rollout.guard.linear_system import solved

DAY = 86_400
ANSWERED_BY_HOUR = 0.02
"""Standard deviation of each amplitude of the wave by which Exact Match, a fraction, goes with the hour of the day."""
WANDERED = 0.004
"""Standard deviation by which it moves besides from one span to the next."""
OTHER_TRIAL = 0.012
"""The same between the trial, in which other weights were in force, and the guard."""

NOTHING_KNOWN = 0.0, inf
"""A change of the baseline's rate, and its standard error, of which nothing is known."""


class Rate(NamedTuple):
    """The baseline's rate for a while. begin, end: Unix seconds. variance: of it, > 0. shape: the part of today's harm
    that there was. is_trial: whether it is that of the trial."""

    begin: int
    end: int
    rate: float
    variance: float
    shape: float
    is_trial: bool = False


def trend_of(rates: Sequence[Rate], by_hour: bool) -> tuple[float, float]:
    """By how much the baseline's rate has changed with the harm until now, and its standard error. by_hour: whether
    the rate goes by the hour of the day and wanders; else all moves but the harm's are chance.

    With nothing before the harm, or nothing since, no change is told: the standard error is infinite.
    """
    shapes = {each.shape for each in rates}
    if len(shapes) < 2:
        return NOTHING_KNOWN
    rows = [(1.0, each.shape, *_wave(each.begin, each.end)) if by_hour else (1.0, each.shape) for each in rates]
    weights = [1 / (each.variance + (_wandered(each) if by_hour else 0.0)) for each in rates]
    size = len(rows[0])
    squares = [
        [sum(w * row[i] * row[j] for w, row in zip(weights, rows, strict=True)) for j in range(size)]
        for i in range(size)
    ]
    for index in range(2, size):
        squares[index][index] += ANSWERED_BY_HOUR**-2
    products = [
        sum(w * row[i] * each.rate for w, row, each in zip(weights, rows, rates, strict=True)) for i in range(size)
    ]
    column = solved(squares, [float(index == 1) for index in range(size)])
    if column is None:
        return NOTHING_KNOWN
    return sum(map(float.__mul__, column, products)), sqrt(max(column[1], 0.0))


def _wandered(each: Rate) -> float:
    return (OTHER_TRIAL if each.is_trial else WANDERED) ** 2


def _wave(begin: int, end: int) -> tuple[float, float]:
    """Sine and cosine of the hour of the day, each on average from begin to end."""
    turn = 2 * pi / DAY
    first = turn * (begin % DAY)
    last = first + turn * max(end - begin, 1)
    return (cos(first) - cos(last)) / (last - first), (sin(last) - sin(first)) / (last - first)
