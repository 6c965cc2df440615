"""Does traffic arrive in the ratio that was asked for? A check on started requests under changing weights.

Given that n requests started in a look, the candidate's number is binomial with its share if
routing works. A bet names other odds, `exp(shift)` times the expected ones; its gain is the likelihood ratio
of the two binomials, whose expectation is exactly 1 when routing works. The expected odds come from each
look's own weight, so steps of a canary leave no trace. Bets in both directions are mixed, so a share that is
too large and one that is too small are both found. Source: Lindon, Malek, "Anytime-valid inference for
multinomial count data", arXiv 2011.03567, here with fixed bets in place of a Dirichlet prior so that weights
may change.

Started requests alone are counted: completed ones are a biased sample just after a change of weights, because
early-stopped answers finish first. Sessions or connections that stick to a variant arrive in clumps, so the evidence is
divided by how much the candidate's share has been seen to scatter from look to look (`scatter`), and by
`UNKNOWN_SCATTER` until that is known: a split that is broken leaves every look with the same share, clumps do not. It
is exact where requests are routed one by one, and holds approximately for clumps that end within a look or a few.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, log1p
from struct import Struct

from earlystop.evidence import scatter
from earlystop.evidence.mixture import BetGrid, log_mixture, weighted_grid
from earlystop.evidence.scatter import Scatter

UNKNOWN_SCATTER = 5.0
"""Dispersion of shares while too few looks have been compared: that of sessions of 5 requests."""


def two_sided_grid(smallest: float = 0.01, doublings: int = 9) -> BetGrid:
    """Shifts of the log odds, plus and minus smallest x 2^k for k = 0..doublings, with even shares."""
    shifts = [smallest * 2.0**k for k in range(doublings + 1)]
    signed = [-shift for shift in reversed(shifts)] + shifts
    return weighted_grid(signed, [1.0] * len(signed))


GRID = two_sided_grid()
"""From a quarter of a percentage point at an even split up to odds that are wrong 170-fold."""

_FACTORS = tuple(exp(shift) for shift in GRID.sizes)
_CAPITAL = Struct(f"<{len(GRID)}d")
_NOTHING_WON = _CAPITAL.pack(*[0.0] * len(GRID))


@dataclass(frozen=True, slots=True)
class SampleRatioProcess:
    """The check after some looks.

    capital: natural logs, one a bet of `GRID`, as `_CAPITAL`: a comparison holds five of these processes, and a tuple
    takes four times the room. log_e_max: the largest since the scatter is known, >= 0. shares: how much the candidate's
    share has scattered; None where requests are taken as routed one by one. waits_for: looks in the blocks that must be
    learned before an alarm lasts.
    """

    capital: bytes = _NOTHING_WON
    log_e: float = 0.0
    log_e_max: float = 0.0
    shares: Scatter | None = None
    waits_for: int = 1

    @property
    def log_e_shown(self) -> float:
        """What the alarm is read from: the largest that lasts, or what is said now."""
        return max(self.log_e_max, self.log_e)


def start(*, in_clumps: bool = False, waits_for: int = 1) -> SampleRatioProcess:
    """The check before any look; in_clumps: whether requests may stick to a variant in clumps. waits_for: as there."""
    return SampleRatioProcess(shares=Scatter() if in_clumps else None, waits_for=waits_for)


def update(
    process: SampleRatioProcess, baseline: int, candidate: int, share: float, unknown: float = UNKNOWN_SCATTER
) -> SampleRatioProcess:
    """The check after a look in which that many requests started at each arm.

    share: percent of both variants' requests that the candidate shall have, above 0 and below 100. A look without
    requests changes nothing. unknown: dispersion while too few looks have been compared.
    """
    if baseline + candidate == 0:
        return process
    gains, shares, dispersion = look_log_e(baseline, candidate, share), process.shares, 1.0
    log_capital = [capital + gain for capital, gain in zip(_CAPITAL.unpack(process.capital), gains, strict=True)]
    if shares is not None:
        dispersion = shares.factor(unknown, process.waits_for)
        started, fraction = baseline + candidate, share / 100
        information = started / (fraction * (1 - fraction))
        shares = scatter.observe(shares, (candidate / started - fraction) * information, information)
    log_e = log_mixture([capital / dispersion for capital in log_capital], GRID.log_weights)
    # What is said while the scatter is a guess may be taken back.
    is_lasting = process.shares is None or process.shares.is_known(process.waits_for)
    log_e_max = max(process.log_e_max, log_e if is_lasting else 0.0)
    return SampleRatioProcess(_CAPITAL.pack(*log_capital), log_e, log_e_max, shares, process.waits_for)


def look_log_e(baseline: int, candidate: int, share: float) -> list[float]:
    """log e-value of one look for every bet of `GRID`, natural log."""
    started = baseline + candidate
    odds = share / (100 - share)
    log_total = log(100 / (100 - share))
    return [
        candidate * shift + started * (log_total - log1p(odds * factor))
        for shift, factor in zip(GRID.sizes, _FACTORS, strict=True)
    ]
