"""The bound of an interval by bisection, with few evaluations of the evidence that it costs.

A bisection is a rule that verdicts can be recomputed by to the last digit, and takes one evaluation for each halving.
Evidence falls monotonically towards the estimate, so one evaluation decides every halving that lies to the same side
of it; a secant method finds where it crosses its line, and hardly any halving is left to be evaluated.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

MOST_SECANTS = 12
"""So many evaluations at most go ahead of the halvings; one that has not converged by then costs a few more of them."""


def bisected(log_e: Callable[[float], float], inside: float, outside: float, threshold: float, halvings: int) -> float:
    """The end that so many halvings of [`inside`, `outside`] leave where evidence still reaches a threshold.

    log_e: natural log of the evidence against a value, which never falls from `inside` to `outside`. threshold: >= 0,
    reached at `outside` and, as is supposed, not at `inside`. `outside` may lie on either side.
    """
    misses, reaches = _bracket(log_e, inside, outside, threshold, abs(outside - inside) / 2**halvings)
    for _ in range(halvings):
        middle = (inside + outside) / 2
        if not _lies_between(misses, middle, reaches):
            is_reached = abs(middle - inside) >= abs(reaches - inside)
        elif is_reached := log_e(middle) >= threshold:
            reaches = middle
        else:
            misses = middle
        inside, outside = (inside, middle) if is_reached else (middle, outside)
    return outside


def _bracket(
    log_e: Callable[[float], float], inside: float, outside: float, threshold: float, width: float
) -> tuple[float, float]:
    """Two values no further apart than `width`, if it can be had, of which the first misses the threshold and the
    second reaches it. Regula falsi with the halved weights of the Illinois method (Dowell, Jarratt, BIT 11, 1971), on
    the square root of the evidence, which is nearly straight. At `inside` it is supposed to be 0."""
    aim, misses, reaches = sqrt(threshold), inside, outside
    below, above = -aim, sqrt(log_e(outside)) - aim
    was_reached: bool | None = None
    for _ in range(MOST_SECANTS):
        if abs(reaches - misses) <= width or above == below:
            break
        guess = reaches - above * (reaches - misses) / (above - below)
        value = sqrt(max(log_e(guess), 0.0)) - aim
        is_reached = value >= 0
        if is_reached:
            reaches, above, below = guess, value, below / 2 if was_reached is True else below
        else:
            misses, below, above = guess, value, above / 2 if was_reached is False else above
        was_reached = is_reached
    return misses, reaches


def _lies_between(one: float, value: float, other: float) -> bool:
    return min(one, other) < value < max(one, other)
