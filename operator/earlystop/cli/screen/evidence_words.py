"""How far a claim is, in words and as a row of bars."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, log

from earlystop.rollout.e_value_words import NO_SIGN, now_and_before, one_in, one_in_line

LEVELS = "▁▂▃▄▅▆▇█"
LEVELS_IN_ASCII = "_.-~=+*#"


def claim_words(log_e: float, largest: float, risk: float) -> str:
    """How far a claim is. log_e: now. largest: the one that claims are read from, 0 while nobody knows how much answers
    scatter. risk: of the claim, 0 for none."""
    line, needed = one_in_line(risk), -log(risk) if risk > 0 else inf
    if largest >= needed:
        return f"proven at {line}" + (f"; {one_in(log_e)} now" if one_in(log_e) != one_in(largest) else "")
    if log_e >= needed:
        return f"{one_in(log_e)} of {line}, proven once scatter is known"
    if one_in(log_e) == NO_SIGN:
        return f"{NO_SIGN} yet; {line} is needed"
    now = now_and_before(log_e, largest)
    return f"{now}, needs {line}" if now != one_in(log_e) else f"{now} so far, needs {line}"


def sparkline(values: Sequence[float], line: float, columns: int, *, in_ascii: bool = False) -> str:
    """Log e-values over looks as a row of bars, "" without a look: a full bar has reached the line, the lowest one says
    nothing for the claim.

    line: log e-value at which the claim is proven, > 0. columns: of the row at most, > 0; of several looks in one
    column the latest is shown.
    """
    levels = LEVELS_IN_ASCII if in_ascii else LEVELS
    count = min(columns, len(values))
    shown = [values[(index + 1) * len(values) // count - 1] for index in range(count)]
    return "".join(levels[_level(value / line, len(levels) - 1)] for value in shown)


def _level(part: float, highest: int) -> int:
    """Only what has reached the line is the highest."""
    if part >= 1:
        return highest
    return 0 if part <= 0 else min(highest - 1, int(part * highest))
