"""Sequential change detection, for a guard after promotion: the setting in use is compared with a baseline that keeps a
few requests, and an alarm says when harm begins.

An e-process is made for harm from the start; after months of health it has lost too much capital to notice a
late change. The e-Shiryaev-Roberts statistic opens fresh bets all the time: `R <- (s + R) E`, with s the time since the
look before and E the e-value of the look against "no harm". Under that null hypothesis R minus the time is a
supermartingale, hence with an alarm at R >= A the mean time before a false alarm is at least A, whatever the baseline
does and however irregular the looks are; the same for a mixture over bets. With s = 1 time is counted in looks.
Source: Shin, Ramdas, Rinaldo, "E-detectors: a nonparametric framework for sequential change detection",
arXiv 2203.03532.

Several detectors share one promise: with weights w that sum to 1, the sum of w R minus the time is a supermartingale
too, so with an alarm of each at R >= A / w the mean time before any of them alarms falsely is at least A.

The e-values of answers are those of `strata` on the harm side, so weights may change, and classes are compared inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, inf, log, log1p

from earlystop.evidence import bets, strata
from earlystop.evidence.bets import Side
from earlystop.evidence.mixture import BetGrid, log_mixture
from earlystop.evidence.strata import Classes, StrataProcess

NEVER = -inf
"""Natural log of a statistic before its first look."""


@dataclass(frozen=True, slots=True)
class BetDetector:
    """The detector of a claim whose bets never change, after some looks. log_r: log of R, one a bet; log_weights: of
    the capital of each bet; log_statistic: log of the mixture of R now, -inf before the first look."""

    log_r: tuple[float, ...]
    log_weights: tuple[float, ...]
    log_statistic: float = NEVER


@dataclass(frozen=True, slots=True)
class AnswerDetector:
    """The detector of a loss of Exact Match after some looks.

    harm: the process that the increments are taken from; its log_capital is the log of R, one a bet of its grid.
    log_statistic: log of the mixture of R now, -inf before the first look.
    """

    harm: StrataProcess
    log_statistic: float = NEVER


Detector = BetDetector | AnswerDetector


def shows_change(detector: Detector, mean_time: float) -> bool:
    """Whether the setting is to be reverted now. mean_time: A, the time between false alarms that is promised, in the
    units in which it was opened, > 0."""
    return detector.log_statistic >= log(mean_time)


def start(margin: float, grid: BetGrid | None = None, guess: float = 0.8, strength: float = 20.0) -> AnswerDetector:
    """The detector of a loss above the margin before any look, and again after each revert (R starts anew).

    guess, strength: as in `strata.start`, as learned before promotion. Raises ValueError outside the domains.
    """
    fresh = strata.start(margin, Side.HARM, grid, guess, strength)
    return AnswerDetector(_with_capital(fresh, (NEVER,) * len(fresh.grid)))


def update(
    detector: AnswerDetector,
    classes: Classes,
    dispersion: float = 1.0,
    share: float | None = None,
    opened: float = 1.0,
) -> AnswerDetector:
    """The detector after one more look; a look that `strata.update` cannot use changes nothing.

    dispersion, share: as there; both must be known before the look. opened: time since the look before, > 0.
    """
    if not strata.usable(classes):
        bets.check_dispersion(dispersion)
        return detector
    begun = _with_capital(detector.harm, _opened(detector.harm.log_capital, opened))
    after = strata.update(begun, classes, dispersion, share)
    return AnswerDetector(after, after.log_e)


def start_bets(grid: BetGrid) -> BetDetector:
    """The detector with these bets before any look."""
    return BetDetector((NEVER,) * len(grid), tuple(grid.log_weights))


def update_bets(
    detector: BetDetector, gains: Sequence[float], dispersion: float = 1.0, opened: float = 1.0
) -> BetDetector:
    """The detector after one more look. gains: log e-value of the look for each bet; dispersion, opened: as in
    `update`."""
    bets.check_dispersion(dispersion)
    before = _opened(detector.log_r, opened)
    log_r = tuple([each + gain / dispersion for each, gain in zip(before, gains, strict=True)])
    return BetDetector(log_r, detector.log_weights, log_mixture(log_r, detector.log_weights))


def _with_capital(process: StrataProcess, log_capital: tuple[float, ...]) -> StrataProcess:
    return replace(process, log_capital=log_capital, log_e_max=0.0)


def _opened(log_r: Sequence[float], time: float) -> tuple[float, ...]:
    """log(time + R) of each bet, with R the Shiryaev-Roberts sum whose logarithm is given. Raises ValueError unless
    time > 0."""
    if not time > 0:
        raise ValueError(f"the time since the look before is {time}; write more than 0")
    log_time = log(time)
    return tuple([max(each, log_time) + log1p(exp(-abs(each - log_time))) for each in log_r])
