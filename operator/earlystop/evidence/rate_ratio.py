"""The ratio of two rates of rare events: does the candidate fail, or displease, over `maximum_ratio` times as often?

Null hypothesis: rate_c <= maximum_ratio x rate_b, look by look. Given that e events happened in a look, each one
is the candidate's with odds `o = maximum_ratio n_c / n_b` on the edge of the null hypothesis. A bet names odds
`exp(shift)` times as large; its gain is the likelihood ratio `e_c shift + e (log(1 + o) - log(1 + o exp(shift)))`.
Source: Lindon, Malek, "Anytime-valid inference for multinomial count data", arXiv 2011.03567, here with fixed bets
so that the split may change from look to look.

Events come in bursts, and what is asked of a claim because of it stands in `candidate_bursts`, since version 10 of the
engine.

The guarantee is exact for Poisson counts and for independent yes/no outcomes alike: with the constant
`k = (1 + o) / (1 + o exp(shift))` the expected factor of the look is `(1 + p_b (k - 1))^n_b
(1 + p_c (k exp(shift) - 1))^n_c`, whose logarithm is at most `n_b p_b (k - 1) + n_c p_c (k exp(shift) - 1)`: 0 on
the edge, below inside. So a claim at 1/risk is false with probability at most risk over all looks together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, log1p
from typing import NamedTuple

from earlystop.evidence import bets, candidate_bursts
from earlystop.evidence.candidate_bursts import CandidateBursts, Spell
from earlystop.evidence.discount import UNDIVIDED, Discount
from earlystop.evidence.mixture import log_mixture, weighted_grid

GRID = weighted_grid([log(1.5) * size for size in (0.5, 1.0, 2.0, 4.0, 8.0)], [1.0] * 5)
"""Shifts of the log odds: rates 1.2, 1.5, 2.25, 5 and 26 times the allowed one."""


class Events(NamedTuple):
    """One arm in one look: requests (or votes) that could have had the event, and how many had it."""

    exposed: int
    events: int


@dataclass(frozen=True, slots=True)
class RateProcess:
    """The test after some looks; log_capital: natural log, one a bet of `GRID`; log_e_max >= 0. bursts: None where
    nothing is asked of them, as before version 10 of the engine, or where the policy states how events scatter."""

    maximum_ratio: float
    log_capital: tuple[float, ...] = (0.0,) * len(GRID)
    log_e: float = 0.0
    log_e_max: float = 0.0
    bursts: CandidateBursts | None = None


def start(maximum_ratio: float, bursts: CandidateBursts | None = None) -> RateProcess:
    """The test before any look. Raises ValueError unless maximum_ratio is positive and finite (1.5: half more)."""
    if not 0 < maximum_ratio < float("inf"):
        raise ValueError(f"maximum ratio is {maximum_ratio}; write how many times as often is tolerated, as in 1.5")
    return RateProcess(maximum_ratio, bursts=bursts)


def update(
    process: RateProcess, baseline: Events, candidate: Events, dispersion: float = 1.0, discount: Discount = UNDIVIDED
) -> RateProcess:
    """The test after one more look. A look in which an arm was not exposed changes nothing.

    dispersion: how many times as much events scatter as independent ones do; the gain of the look is divided by it.
    discount: how all gains so far are read, as this look has it (`divisors`).
    Raises ValueError unless 0 <= events <= exposed in both arms and dispersion >= 1.
    """
    for variant, arm in (("baseline", baseline), ("candidate", candidate)):
        if not 0 <= arm.events <= arm.exposed:
            raise ValueError(
                f"{variant}: {arm.events} events among {arm.exposed} requests; "
                "write increments of one look with 0 <= events <= exposed"
            )
    bets.check_dispersion(dispersion)
    if baseline.exposed == 0 or candidate.exposed == 0:
        return process
    gains = look_log_e(baseline, candidate, process.maximum_ratio)
    log_capital = tuple([capital + gain / dispersion for capital, gain in zip(process.log_capital, gains, strict=True)])
    bursts, counted = process.bursts, log_capital
    if bursts is not None:
        look = Spell(candidate.events, candidate.exposed, baseline.exposed)
        bursts = candidate_bursts.observe(bursts, look, baseline.events)
        counted = candidate_bursts.without_largest(log_capital, bursts, process.maximum_ratio, GRID.sizes)
        discount = discount._replace(factor=max(discount.factor, bursts.factor))
    log_e = discount.log_e(log_mixture(discount.read(counted), GRID.log_weights))
    return RateProcess(process.maximum_ratio, log_capital, log_e, discount.largest(process.log_e_max, log_e), bursts)


def look_log_e(
    baseline: Events, candidate: Events, maximum_ratio: float, shifts: Sequence[float] = GRID.sizes
) -> list[float]:
    """log e-value of one look for every shift (> 0) of the log odds; both arms exposed."""
    odds = maximum_ratio * candidate.exposed / baseline.exposed
    total, log_total = baseline.events + candidate.events, log1p(odds)
    return [candidate.events * shift + total * (log_total - log1p(odds * exp(shift))) for shift in shifts]
