"""Exact Match of one arm against an absolute floor, from cumulative counts.

The bet on "the rate is p" multiplies capital by the likelihood ratio of p to the floor. Spreading one unit over p
with a Beta(a, b) density cut off to the side of the alternative has a closed form, so cumulative counts are all
the state. Inside the null hypothesis every p on the other side of the floor has an expected factor of at most 1,
answer by answer, so this is an e-process as long as each answer's rate lies in the null hypothesis, drifting or
not. By Ville's inequality a claim at 1/risk is false with probability at most risk over all looks.
Source: Robbins' method of mixtures; the truncation as in Howard, Ramdas, McAuliffe, Sekhon (2021).

A floor cannot tell a candidate's harm from a day on which all answers are worse: it is a guardrail.

The survival function of the Beta distribution is computed by its continued fraction (Didonato, Morris, "Algorithm
708", 1992; evaluated by Lentz' method), whose logarithm is exact in tails far below the smallest float.

Why not scipy.special: `betaincc` underflows to 0 in those tails, and a verdict stores this logarithm to its last digit,
which `verify` compares: scipy's differs in 24 of 25 random states (`make bench-evidence`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, expm1, lgamma, log, log1p

from earlystop.evidence import bets
from earlystop.evidence.bets import Answers, Side
from earlystop.evidence.discount import UNDIVIDED, Discount

NOTHING = Answers(0, 0)

MOST_ANSWERS = 1e12
_TINY = 1e-300


@dataclass(frozen=True, slots=True)
class FloorProcess:
    """One claim about one arm; side PROMOTE: "above the floor", HARM: "below it". answers: all so far."""

    floor: float
    side: Side
    answers: Answers = NOTHING
    log_e: float = 0.0
    log_e_max: float = 0.0


def start(floor: float, side: Side) -> FloorProcess:
    """The process before any answer. Raises ValueError unless 0 < floor < 1."""
    _check_floor(floor)
    return FloorProcess(floor, side)


def update(
    process: FloorProcess, new: Answers, dispersion: float = 1.0, discount: Discount = UNDIVIDED
) -> FloorProcess:
    """The process after more answers; dispersion: one factor >= 1 for the whole process; discount: how what that makes
    of it is kept."""
    answers = Answers(process.answers.scored + new.scored, process.answers.match + new.match)
    now = discount.log_e(log_e(answers, process.floor, process.side, dispersion))
    largest = discount.largest(process.log_e_max, now)
    return FloorProcess(process.floor, process.side, answers, now, largest)


def log_e(answers: Answers, floor: float, side: Side, dispersion: float = 1.0, a: float = 1.0, b: float = 1.0) -> float:
    """Natural log of the e-value from cumulative counts; 0 without answers.

    Null hypothesis: rate <= floor (PROMOTE) or rate >= floor (HARM), 0 < floor < 1. a, b > 0: the prior
    Beta(a, b) over rates, uniform by default. dispersion >= 1 divides every bet's log gain.
    Raises ValueError outside these domains or unless 0 <= match <= scored.
    """
    _check_floor(floor)
    bets.check_dispersion(dispersion)
    if not 0 <= answers.match <= answers.scored:
        raise ValueError(
            f"{answers.match} exact matches among {answers.scored} scored answers; write 0 <= match <= scored"
        )
    # Beyond so many answers floats cannot hold the difference; to count them for fewer is to be careful.
    dispersion = max(dispersion, answers.scored / MOST_ANSWERS)
    hit, miss = answers.match / dispersion, (answers.scored - answers.match) / dispersion
    if side < 0:
        hit, miss, floor, a, b = miss, hit, 1 - floor, b, a
    return _log_tail(a + hit, b + miss, floor) - _log_tail(a, b, floor) - hit * log(floor) - miss * log1p(-floor)


def _log_tail(a: float, b: float, floor: float) -> float:
    """log of the integral of p^(a-1) (1-p)^(b-1) over floor..1."""
    edge = a * log(floor) + b * log1p(-floor)
    if floor > (a + 1) / (a + b + 2):  # the tail is the smaller side: its own fraction
        return edge - log(b) + log(_fraction(b, a, 1 - floor))
    whole = lgamma(a) + lgamma(b) - lgamma(a + b)
    below = edge - log(a) + log(_fraction(a, b, floor)) - whole  # log P(p < floor)
    return whole + (log(-expm1(below)) if below > -0.5 else log1p(-exp(below)))


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, quick for x < (a + 1) / (a + b + 2)."""
    c, d = 1.0, 1 / _nonzero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 100_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d, c = 1 / _nonzero(1 + even * d), _nonzero(1 + even / c)
        value *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d, c = 1 / _nonzero(1 + odd * d), _nonzero(1 + odd / c)
        value *= d * c
        if abs(d * c - 1) < 1e-14:
            break
    return value


def _nonzero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _check_floor(floor: float) -> None:
    if not 0 < floor < 1:
        raise ValueError(f"floor is {floor}; write the lowest Exact Match allowed as a fraction, as in 0.80")
