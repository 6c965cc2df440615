"""E-values as people read them: "1 in 7" is evidence that chance alone would show in one of 7 rollouts at most."""

from __future__ import annotations

from math import exp, floor, inf, log

NO_SIGN = "no sign"
LEAST = 1.1
"""E-values below this would be told as "1 in 1", and say nothing for their claim."""
MANY = 1e6
WORTH_TELLING = 2.0
"""A larger e-value before is told from here on."""


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


def now_and_before(log_e: float, largest: float) -> str:
    """The e-value now, and the largest so far where that is more and worth saying: "1 in 4 (was 1 in 7)"."""
    now, before = one_in(log_e), one_in(largest)
    return f"{now} (was {before})" if largest >= log(WORTH_TELLING) and largest > log_e and before != now else now


def one_in_line(risk: float) -> str:
    """The e-value at which a claim is proven at a risk, 0 < risk < 1, as "1 in N"; "never" for no risk at all."""
    return f"1 in {round(1 / risk, 1):,.10g}" if risk > 0 else "never"


def claim_words(log_e: float, largest: float, risk: float) -> str:
    """How far a claim is. log_e: now. largest: the one that claims are read from, 0 while nobody knows how much answers
    scatter. risk: of the claim, 0 for none."""
    line, needed = one_in_line(risk), -log(risk) if risk > 0 else inf
    if largest >= needed:
        says_more = one_in(log_e) not in (one_in(largest), line)
        return f"proven at {line}" + (f"; {one_in(log_e)} now" if says_more else "")
    if log_e >= needed:
        return f"{one_in(log_e)} of {line}, proven once scatter is known"
    if one_in(log_e) == NO_SIGN:
        return f"{NO_SIGN} yet; {line} is needed"
    now = now_and_before(log_e, largest)
    return f"{now}, needs {line}" if now != one_in(log_e) else f"{now} so far, needs {line}"
