"""The numbers of a range that a search may try."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import log

from earlystop.api.search import SearchProblem, SearchRange
from earlystop.api.values import canonical_decimal

MOST_NUMBERS = 1000
"""Of a range, before it is refused unread; a search takes fewer."""
DIGITS = 6
"""After the point, that a number of a policy may have."""


def numbers_of(written: SearchRange, whole: bool, where: str) -> tuple[str, ...]:
    """The numbers of a range in canonical spelling, from the smallest to the largest.

    whole: whether the parameter takes no other. where: the beginning of a sentence about the range. Raises
    SearchProblem for a range that holds none, or whose steps do not reach its end.
    """
    least, most, is_log = Fraction(written.from_), Fraction(written.to), written.scale == "Log"
    if (written.step is None) == (written.count is None):
        raise SearchProblem(f"{where} needs exactly one of step and count")
    if least >= most:
        instead = f'from: "{written.to}", to: "{written.from_}"' if least > most else "two that differ, or values"
        raise SearchProblem(f"{where} does not lead from the smallest number to the largest; write {instead}")
    if is_log and least <= 0:
        raise SearchProblem(f"{where} does not begin above 0, as scale Log must; write such a from")
    if written.count is not None:
        return _spaced(written, written.count, whole)
    step = Fraction(written.step or 0)
    if step <= is_log:
        raise SearchProblem(
            f"{where}: a step of {written.step} never reaches {written.to}; write one above {int(is_log)}"
        )
    return _stepped(written, step, where)


def _stepped(written: SearchRange, step: Fraction, where: str) -> tuple[str, ...]:
    """Numbers by equal distances or factors, which must reach the end. They are worked out only where they do: else the
    fractions of a factor near 1 grow without end."""
    least, most, is_log = Fraction(written.from_), Fraction(written.to), written.scale == "Log"
    how = f"with a factor of {written.step}" if is_log else f"in steps of {written.step}"
    times = _times_by_factor(least, most, step) if is_log else -((least - most) // step)
    if times >= MOST_NUMBERS:
        instead = "" if is_log or step <= 1 or least <= 0 else ", or scale: Log, with which a step is a factor"
        raise SearchProblem(f"{where} holds more than {MOST_NUMBERS:,} numbers {how}; write a larger step{instead}")
    before, after = (_number(least, step, each, is_log) for each in (times - 1, times))
    if after != most:
        instead = f'to: "{_near(before)}", or ' if times > 1 else ""
        factor = "" if is_log or not _is_power(least, most, step) else ", or scale: Log, with which a step is a factor"
        raise SearchProblem(
            f"{where} is not reached to its end {how}: {_near(before)} is followed by {_near(after)}; write {instead}"
            f"count instead of step{factor}"
        )
    # From one end to the other no number has more digits after the point than the ends.
    return tuple(_near(_number(least, step, each, is_log)) for each in range(times + 1))


def _number(least: Fraction, step: Fraction, times: int, is_log: bool) -> Fraction:
    """The number after so many steps."""
    return least * step**times if is_log else least + step * times


def _times_by_factor(least: Fraction, most: Fraction, step: Fraction) -> int:
    """How many steps reach or pass the end; `MOST_NUMBERS` for as many or more. least: > 0. step: > 1."""
    times = min(MOST_NUMBERS, round(log(most / least) / log(step)))
    while times < MOST_NUMBERS and _number(least, step, times, True) < most:
        times += 1
    while times > 1 and _number(least, step, times - 1, True) >= most:
        times -= 1
    return times


def _is_power(least: Fraction, most: Fraction, step: Fraction) -> bool:
    """Whether a step would lead from one number to the other as a factor, by no more numbers than a range may hold."""
    if least <= 0 or step <= 1:
        return False
    times = _times_by_factor(least, most, step)
    return times < MOST_NUMBERS and _number(least, step, times, True) == most


def _spaced(written: SearchRange, count: int, whole: bool) -> tuple[str, ...]:
    """`count` numbers with equal distances or factors, rounded; the ends are as they are written."""
    least, most = Fraction(written.from_), Fraction(written.to)
    parts = [Fraction(at, count - 1) for at in range(1, count - 1)]
    if written.scale == "Log":
        between = [Fraction(float(least) * float(most / least) ** float(part)) for part in parts]
    else:
        between = [least + part * (most - least) for part in parts]
    digits = 0 if whole else DIGITS
    return (written.from_, *(_near(round(each, digits)) for each in between), written.to)


def _near(number: Fraction) -> str:
    """The number, with as many digits after the point as a policy may have."""
    rounded = round(number, DIGITS)
    return canonical_decimal(format(Decimal(rounded.numerator) / Decimal(rounded.denominator), "f"))
