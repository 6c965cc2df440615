"""Exact Match of two variants, compared look by look: non-inferiority and harm by betting.

One process adds up the log e-values of `bets.look_log_e`, the proof of which stands there: one class of
answers, so one pair of guessed rates a look. A product of such looks, and a mixture over several stakes, is an
e-process; the probability that it ever reaches 1/risk is at most risk (Ville's inequality), however often and
irregularly one looks, with any weights and any drift of the baseline.

Answers of one session resemble each other and would count too much. Dividing each look's log e-value by a
dispersion factor of at least 1 keeps every guarantee (the power 1/factor of an e-value is an e-value, by Jensen)
and restores it approximately where answers cluster; `divisors` says which factor that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from earlystop.evidence import bets
from earlystop.evidence.bets import CAP, Answers, ClassLook, Guess, Side
from earlystop.evidence.discount import UNDIVIDED, Discount
from earlystop.evidence.mixture import BetGrid, log_mixture, weighted_grid
from earlystop.evidence.split_look import LookInParts

__all__ = [
    "CAP",
    "HARM_GRID",
    "PROMOTE_GRID",
    "Answers",
    "ExactMatchProcess",
    "Side",
    "advance",
    "default_grid",
    "look_log_e",
    "start",
    "update",
]

SIZES = [2.0 ** (k / 2) for k in range(-3, 9)]

PROMOTE_GRID = weighted_grid(SIZES, [0.04, 0.128, 0.128, 0.319, 0.16, 0.08, 0.04, 0.038, 0.027, 0.019, 0.013, 0.009])
"""Gaps of 0.35 to 16 margins, most capital where a candidate loses nothing (1) or half the margin (0.5)."""

HARM_GRID = weighted_grid(SIZES, [0.052, 0.091, 0.158, 0.275, 0.158, 0.091, 0.052, 0.044, 0.031, 0.022, 0.016, 0.011])
"""Gaps of 0.35 to 16 margins, most capital on a loss of two margins (1).

Both fall off from gap 1 faster than evenly spread bets do, and keep enough on the large gaps that a verdict on a
candidate that is much better or worse is not delayed: chosen by simulation with looks in parts, see
`make bench-statistics`.
"""

YOUNG_ANSWERS = 2000
NEAR = 1.5


def default_grid(side: Side) -> BetGrid:
    """The bets of a side."""
    return PROMOTE_GRID if side is Side.PROMOTE else HARM_GRID


@dataclass(frozen=True, slots=True)
class ExactMatchProcess:
    """One e-process, promote or harm, after some looks.

    margin: tolerated loss of EM, 0 < margin < 1. log_capital: natural log, one a bet of `grid`, whose sizes
    are multiples of the margin. pseudo_match / pseudo_scored: the guess of the baseline's rate for the next
    look, learned from past looks only. log_e: log of the mixture now; log_e_max: its largest value so far, >=
    0.
    """

    margin: float
    side: Side
    grid: BetGrid
    log_capital: tuple[float, ...]
    pseudo_match: float
    pseudo_scored: float
    log_e: float
    log_e_max: float

    @property
    def guess(self) -> float:
        """The baseline's rate as guessed before the next look, 0..1."""
        return self.pseudo_match / self.pseudo_scored


def start(
    margin: float, side: Side, grid: BetGrid | None = None, guess: float = 0.8, strength: float = 20.0
) -> ExactMatchProcess:
    """The process before any look: capital 1 on the whole grid.

    grid: bets, None for `default_grid(side)`; guess: baseline's rate expected from history; strength: how many
    answers that expectation is worth.
    A wrong guess costs a little speed, never validity. Raises ValueError outside the domains.
    """
    bets.check_margin(margin)
    first = bets.first_guess(guess, strength)
    grid = grid or default_grid(side)
    return ExactMatchProcess(
        margin=margin,
        side=side,
        grid=grid,
        log_capital=(0.0,) * len(grid),
        pseudo_match=first.match,
        pseudo_scored=first.scored,
        log_e=0.0,
        log_e_max=0.0,
    )


def update(
    process: ExactMatchProcess, baseline: Answers, candidate: Answers, dispersion: float = 1.0
) -> ExactMatchProcess:
    """The process after one more look. A look in which an arm has no scored answer changes nothing.

    dispersion: factor >= 1, fixed before the look, by which the look's evidence is divided.
    Raises ValueError when `match` is not in 0..scored or the factor is below 1.
    """
    return _bet(process, [(baseline, candidate)], dispersion)


def _bet(
    process: ExactMatchProcess,
    looks: Sequence[tuple[Answers, Answers]],
    dispersion: float,
    discount: Discount = UNDIVIDED,
) -> ExactMatchProcess:
    """The process after these looks, or parts of one, in their order."""
    bets.check_dispersion(dispersion)
    margin, side, log_weights = process.margin, process.side, process.grid.log_weights
    gaps = [margin * size for size in process.grid.sizes]
    log_capital: tuple[float, ...] | list[float] = process.log_capital
    guess = Guess(process.pseudo_match, process.pseudo_scored)
    log_e, log_e_max = process.log_e, process.log_e_max
    for baseline, candidate in looks:
        bets.check_answers(baseline, candidate)
        if baseline.scored == 0 or candidate.scored == 0:
            continue
        gains = bets.look_log_e([ClassLook(baseline, candidate, guess.rate)], margin, side, gaps)
        log_capital = [capital + gain / dispersion for capital, gain in zip(log_capital, gains, strict=True)]
        log_e = discount.log_e(log_mixture(discount.read(log_capital), log_weights))
        log_e_max = discount.largest(log_e_max, log_e)
        guess = guess.learn(baseline, candidate, margin)
    return ExactMatchProcess(
        margin=margin,
        side=side,
        grid=process.grid,
        log_capital=tuple(log_capital),
        pseudo_match=guess.match,
        pseudo_scored=guess.scored,
        log_e=log_e,
        log_e_max=log_e_max,
    )


def advance(
    process: ExactMatchProcess, look: LookInParts, risk: float, dispersion: float = 1.0, discount: Discount = UNDIVIDED
) -> ExactMatchProcess:
    """The process after one more look, in parts where that can matter: while little has been seen, so that a large gap
    is noticed inside a look, and while the evidence is near the line, log(1/risk).

    Whether the parts or the whole are bet on depends on earlier looks alone, as it must. discount: how all
    evidence so far is read, as this look has it (`divisors`); dispersion: divides this look's.
    """
    fine = process.pseudo_scored < YOUNG_ANSWERS or process.log_e >= -log(risk) - NEAR
    return _bet(process, look.parts if fine else [look.whole], dispersion, discount)


def look_log_e(
    baseline: Answers, candidate: Answers, guess: float, margin: float, side: Side, gaps: Sequence[float]
) -> list[float]:
    """log e-value of one look for every true gap |d + margin| in `gaps`: `bets.look_log_e` with one class.

    Both arms need at least one scored answer; 0 <= margin < 1; guess: any number fixed before the look.
    """
    return bets.look_log_e([ClassLook(baseline, candidate, guess)], margin, side, gaps)
