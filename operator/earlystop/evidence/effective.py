"""Did the setting reach the engine at all? Early stopping that is in force changes how long answers are.

A setting that never arrived leaves the candidate equal to the baseline: no harm, no saving, and a useless test of
quality. Null hypothesis: both arms have the same mean length. The sums of `tokens.TokenProcess` already hold the
statistic for any ratio of means, so a two-sided normal mixture at ratio 1 needs no further state but its largest
value. Asymptotic, like the token test, with at most `risk` to call equal settings different over all looks.

"Not moved" is itself a claim: an interval for the ratio of means, valid at all looks, lies inside
1 - smallest_shift .. 1 + smallest_shift. Until either is shown the answer is "not shown".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import log

from earlystop.evidence import intervals, normal_mixture
from earlystop.evidence.tokens import TokenProcess


class Effect(StrEnum):
    """What the lengths of answers say about the setting."""

    MOVED = "Moved"
    """Mean lengths differ, in either direction: the setting is in force."""
    NOT_SHOWN = "NotShown"
    """Too few answers to tell."""
    NOT_MOVED = "NotMoved"
    """Enough answers, and the means differ by less than any setting worth testing."""


@dataclass(frozen=True, slots=True)
class EffectProcess:
    """The check after some looks; smallest_shift: share of the mean; log_e: natural log now, log_e_max >= 0."""

    smallest_shift: float = 0.05
    log_e: float = 0.0
    log_e_max: float = 0.0


def start(smallest_shift: float = 0.05) -> EffectProcess:
    """The check before any look.

    smallest_shift: a mean length changed by less than this share counts as unmoved, 0 < smallest_shift < 1; half
    of the saving that is asked for serves well. Raises ValueError outside the domain.
    """
    if not 0 < smallest_shift < 1:
        raise ValueError(f"smallest shift is {smallest_shift}; write a share of the mean length, as in 0.05")
    return EffectProcess(smallest_shift)


def update(process: EffectProcess, tokens: TokenProcess) -> EffectProcess:
    """The check after a look that `tokens` has just been updated with."""
    log_e = 0.0
    if tokens.scale is not None:
        log_e = normal_mixture.log_e_two_sided(tokens.statistic(1.0), tokens.information(1.0), tokens.scale)
    return EffectProcess(process.smallest_shift, log_e, max(process.log_e_max, log_e))


def assess(process: EffectProcess, tokens: TokenProcess, risk: float = 0.01) -> Effect:
    """What is shown now, with probability at most `risk` (0 < risk < 1) of a false word in either direction.

    Once MOVED, always MOVED.
    """
    if process.log_e_max >= -log(risk):
        return Effect.MOVED
    shift = intervals.saving(tokens, risk)
    if shift.low is None or shift.high is None:
        return Effect.NOT_SHOWN
    inside = -process.smallest_shift < shift.low and shift.high < process.smallest_shift
    return Effect.NOT_MOVED if inside else Effect.NOT_SHOWN
