"""Sequential change detection, for a guard after promotion: the setting in use is compared with a baseline that keeps a
few requests, and an alarm says when harm begins.

An e-process is made for harm from the start; after months of health it has lost too much capital to notice a
late change. The e-Shiryaev-Roberts statistic opens a fresh bet at every look: `R <- (1 + R) E`, with E the e-value
of the look against "no harm". Under that null hypothesis R minus the number of looks is a supermartingale, hence
with an alarm at R >= A the mean number of looks before a false alarm is at least A, whatever the baseline does;
the same for a mixture over bets. Source: Shin, Ramdas, Rinaldo, "E-detectors: a nonparametric framework for
sequential change detection", arXiv 2203.03532.

The e-values of looks are those of `strata` on the harm side, so weights may change, and classes are compared inside.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, log, log1p

from earlystop.evidence import bets, strata
from earlystop.evidence.bets import Side
from earlystop.evidence.mixture import BetGrid
from earlystop.evidence.strata import Classes, StrataProcess

NEVER = float("-inf")
"""Natural log of a statistic before its first look."""


@dataclass(frozen=True, slots=True)
class ChangeDetector:
    """The detector after some looks.

    harm: the process that the increments are taken from; its log_capital is the log of R, one a bet of its grid.
    mean_looks: A, the mean number of looks between false alarms that is promised. log_statistic: log of the
    mixture of R now, -inf before the first look.
    """

    harm: StrataProcess
    mean_looks: float
    log_statistic: float = NEVER

    @property
    def alarm(self) -> bool:
        """Whether the setting is to be reverted now."""
        return self.log_statistic >= log(self.mean_looks)


def start(
    margin: float, mean_looks: float, grid: BetGrid | None = None, guess: float = 0.8, strength: float = 20.0
) -> ChangeDetector:
    """The detector before any look, and again after each revert (R starts anew).

    mean_looks: looks between false alarms, at least 1; see `looks_between`. guess: as learned before promotion.
    Raises ValueError outside the domains.
    """
    if not mean_looks >= 1:
        raise ValueError(f"mean looks between false alarms is {mean_looks}; write 1 or more")
    fresh = strata.start(margin, Side.HARM, grid, guess, strength)
    return ChangeDetector(_with_capital(fresh, (NEVER,) * len(fresh.grid)), mean_looks)


def update(
    detector: ChangeDetector, classes: Classes, dispersion: float = 1.0, share: float | None = None
) -> ChangeDetector:
    """The detector after one more look; a look that `strata.update` cannot use changes nothing. share: as there."""
    harm = detector.harm
    if not strata.usable(classes):
        bets.check_dispersion(dispersion)
        return detector
    # One more unit on every bet before the look, then the look's factor: log(1 + R) + log E.
    opened = tuple([_log_one_plus(log_r) for log_r in harm.log_capital])
    after = strata.update(_with_capital(harm, opened), classes, dispersion, share)
    return ChangeDetector(after, detector.mean_looks, after.log_e)


def looks_between(false_revert_seconds: float, look_seconds: float) -> float:
    """Mean looks between false alarms that mean `false_revert_seconds` between false reverts; at least 1."""
    if not (false_revert_seconds > 0 and look_seconds > 0):
        raise ValueError(f"{false_revert_seconds} s between false reverts, {look_seconds} s a look; write more than 0")
    return max(1.0, false_revert_seconds / look_seconds)


def _with_capital(process: StrataProcess, log_capital: tuple[float, ...]) -> StrataProcess:
    return replace(process, log_capital=log_capital, log_e_max=0.0)


def _log_one_plus(log_r: float) -> float:
    return log_r + log1p(exp(-log_r)) if log_r > 0 else log1p(exp(log_r))
