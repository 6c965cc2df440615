"""E-values as people read them: "1 in 7" is evidence that chance alone would show in one of 7 rollouts at most."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, floor, inf, log

NO_SIGN = "no sign"
LEAST = 1.1
"""E-values below this would be told as "1 in 1", and say nothing for their claim."""
MANY = 1e6
WORTH_TELLING = 2.0
"""A larger e-value before is told from here on."""
LEVELS = "▁▂▃▄▅▆▇█"
LEVELS_IN_ASCII = "_.-~=+*#"


def one_in(log_e: float) -> str:
    """The e-value as "1 in N", rounded towards 1, so that none seems to have reached a line which it has not.

    log_e: natural logarithm of the e-value, any number. By Ville's inequality chance alone ever shows an e-value of N
    with probability 1/N at most.
    """
    if log_e >= log(MANY):
        return "1 in a million+"
    e_value = exp(log_e)
    if e_value < LEAST:
        return NO_SIGN
    if e_value < 10:
        return f"1 in {floor(10 * e_value) / 10:g}"
    return f"1 in {floor(e_value):,}"


def one_in_line(risk: float) -> str:
    """The e-value at which a claim is proven at a risk, 0 < risk < 1, as "1 in N"; "never" for no risk at all."""
    return f"1 in {round(1 / risk, 1):,.10g}" if risk > 0 else "never"


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
    if largest >= log(WORTH_TELLING) and one_in(largest) != one_in(log_e):
        return f"{one_in(log_e)} (was {one_in(largest)}), needs {line}"
    return f"{one_in(log_e)} so far, needs {line}"


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
