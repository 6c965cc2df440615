"""Exact Match of two variants, compared look by look: non-inferiority and harm by betting.

The bet. Before a look, fix a pair of rates on the edge of the null hypothesis, `rate_c = rate_b - margin`,
and stakes `u_c`, `u_b`. Every answer y (1 match, 0 mismatch) multiplies the capital by `1 + u (y - rate)` of
its arm. The stakes are tied to the look's numbers of answers by `n_c u_c + n_b u_b = 0`.

Why it is valid (source of the construction: Turner, Ly, Gruenwald, "Generic E-variables for exact sequential
k-sample tests", arXiv 2106.02693; here with freely chosen stakes and a margin).
Suppose the candidate truly is `margin` below the baseline. Then the guessed pair is wrong by one and the same
amount t in both arms, whatever the rates are, so the expected factor of the look is
`(1 + u_c t)^n_c (1 + u_b t)^n_b`. Its logarithm is at most `t (n_c u_c + n_b u_b) = 0`, as log(1 + z) <= z.
Deeper inside the null hypothesis only the candidate's rate moves, against the sign of `u_c`, which lowers the
product further. So the expectation is at most 1 for any baseline rate, any guess, any stakes and any split
of the traffic, in every look anew: the baseline may drift and the weights may change between looks.
A product of such looks, and a mixture over several stakes, is an e-process; the probability that it ever
reaches 1/risk is at most risk (Ville's inequality), however often and irregularly one looks.

What must hold: within a look the answers are independent given the numbers of answers, and those numbers do
not depend on whether answers are right.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from math import log1p
from typing import NamedTuple

from earlystop.evidence.mixture import BetGrid, half_octave_grid, log_mixture

CAP = 0.9
"""No single answer may cost more than this share of a bet's capital, so log1p never sees -1."""

DEFAULT_GRID = half_octave_grid()
"""Bets on gaps from 0.35 to 16 margins, most of the capital on a gap of one margin (no loss at all)."""


class Side(IntEnum):
    """Which claim is bet against. The value is the sign of the candidate's stake."""

    PROMOTE = 1
    """Null hypothesis: EM of the candidate is at least `margin` below the baseline's."""
    HARM = -1
    """Null hypothesis: EM of the candidate is at most `margin` below the baseline's."""


class Answers(NamedTuple):
    """Scored answers of one arm in one look: `scored` in all, `match` of them exact matches."""

    scored: int
    match: int


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
    margin: float, side: Side, grid: BetGrid = DEFAULT_GRID, guess: float = 0.8, strength: float = 20.0
) -> ExactMatchProcess:
    """The process before any look: capital 1 on the whole grid.

    guess: baseline's rate expected from history; strength: how many answers that expectation is worth.
    A wrong guess costs a little speed, never validity. Raises ValueError outside the domains.
    """
    if not 0 < margin < 1:
        raise ValueError(f"margin is {margin}; write the tolerated loss as a fraction, as in 0.02")
    if not 0 <= guess <= 1 or not strength > 0:
        raise ValueError(f"guess {guess}, strength {strength}; write a rate in 0..1 and a strength above 0")
    return ExactMatchProcess(margin, side, grid, (0.0,) * len(grid), guess * strength, strength, 0.0, 0.0)


def update(process: ExactMatchProcess, baseline: Answers, candidate: Answers) -> ExactMatchProcess:
    """The process after one more look. A look in which an arm has no scored answer changes nothing.

    Raises ValueError when `match` is not in 0..scored.
    """
    for variant, answers in (("baseline", baseline), ("candidate", candidate)):
        if not 0 <= answers.match <= answers.scored:
            raise ValueError(
                f"{variant}: {answers.match} exact matches among {answers.scored} scored answers; "
                "write increments of one look with 0 <= match <= scored"
            )
    if baseline.scored == 0 or candidate.scored == 0:
        return process
    margin = process.margin
    gaps = [margin * size for size in process.grid.sizes]
    gains = look_log_e(baseline, candidate, process.guess, margin, process.side, gaps)
    log_capital = tuple([capital + gain for capital, gain in zip(process.log_capital, gains, strict=True)])
    log_e = log_mixture(log_capital, process.grid.log_weights)
    return ExactMatchProcess(
        margin,
        process.side,
        process.grid,
        log_capital,
        # On the edge of the null hypothesis a candidate's answer is worth `margin` less: add it back.
        process.pseudo_match + baseline.match + candidate.match + margin * candidate.scored,
        process.pseudo_scored + baseline.scored + candidate.scored,
        log_e,
        max(process.log_e_max, log_e),
    )


def look_log_e(
    baseline: Answers, candidate: Answers, guess: float, margin: float, side: Side, gaps: list[float]
) -> list[float]:
    """log e-value of one look for every true gap |d + margin| in `gaps` (fractions > 0), natural log.

    Both arms need at least one scored answer; 0 <= margin < 1; guess: any number fixed before the look.
    The stake `gap / (v_c + v_b n_c / n_b)` with Bernoulli variances v grows capital fastest when the gap is
    true.
    """
    n_b, match_b = baseline
    n_c, match_c = candidate
    miss_b, miss_c = n_b - match_b, n_c - match_c
    edge = min(1e-4, (1 - margin) / 4)  # both guessed rates stay inside (0, 1)
    rate_b = min(max(guess, margin + edge), 1 - edge)
    rate_c = rate_b - margin
    ratio = n_c / n_b
    variance = rate_c * (1 - rate_c) + ratio * rate_b * (1 - rate_b)
    # The dearest answer: a candidate's mismatch or a baseline's match when betting on the candidate.
    dearest = max(rate_c, ratio * (1 - rate_b)) if side > 0 else max(1 - rate_c, ratio * rate_b)
    largest = CAP / dearest
    sign = float(side)
    gains = []
    for gap in gaps:
        stake_c = sign * min(gap / variance, largest)
        stake_b = -ratio * stake_c
        gains.append(
            match_c * log1p(stake_c * (1 - rate_c))
            + miss_c * log1p(-stake_c * rate_c)
            + match_b * log1p(stake_b * (1 - rate_b))
            + miss_b * log1p(-stake_b * rate_b)
        )
    return gains
