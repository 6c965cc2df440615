"""The check whether the setting reached the engine at all: early stopping that is in force changes answers' lengths.

A setting that never arrived leaves the candidate equal to the baseline: no harm, no saving, and a useless test of
quality. Null hypothesis: both arms have the same mean length. The sums of `tokens.TokenProcess` already hold the
statistic for any ratio of means, so a two-sided normal mixture at ratio 1 needs no further state but its largest
value. Asymptotic, like the token test, with at most `risk` to call equal settings different over all looks.

"Not moved" is a claim of its own: an interval for the ratio of means, valid at all looks, lies inside
1 - smallest_shift .. 1 + smallest_shift. Until one of the two claims is shown, the effect is "not shown".
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
    """The check after some looks; smallest_shift: share of the mean; risk: of each of the two claims; log_e: natural
    log now, log_e_max >= 0; unmoved: whether "not moved" was shown at some look."""

    smallest_shift: float = 0.05
    risk: float = 0.01
    log_e: float = 0.0
    log_e_max: float = 0.0
    unmoved: bool = False

    @property
    def effect(self) -> Effect:
        """What looks have shown so far of the setting's effect. NOT_SHOWN may become each of the others, NOT_MOVED may
        become MOVED; MOVED stays."""
        if self.log_e_max >= -log(self.risk):
            return Effect.MOVED
        return Effect.NOT_MOVED if self.unmoved else Effect.NOT_SHOWN


def start(smallest_shift: float = 0.05, risk: float = 0.01) -> EffectProcess:
    """The check before any look.

    smallest_shift: a mean length changed by less than this share counts as unmoved, 0 < smallest_shift < 1; half
    of the saving that is asked for serves well. risk: probability of a false claim of either kind, over all looks,
    0 < risk < 1. Raises ValueError outside the domains.
    """
    if not 0 < smallest_shift < 1:
        raise ValueError(f"smallest shift is {smallest_shift}; write a share of the mean length, as in 0.05")
    if not 0 < risk < 1:
        raise ValueError(f"risk is {risk}; write a probability, as in 0.01")
    return EffectProcess(smallest_shift, risk)


def update(process: EffectProcess, tokens: TokenProcess) -> EffectProcess:
    """The check after a look that `tokens` has just been updated with."""
    log_e = 0.0
    if tokens.scale is not None:
        log_e = normal_mixture.log_e_two_sided(tokens.statistic(1.0), tokens.information(1.0), tokens.scale)
    unmoved = process.unmoved or _lies_inside(tokens, process)
    return EffectProcess(process.smallest_shift, process.risk, log_e, max(process.log_e_max, log_e), unmoved)


def _lies_inside(tokens: TokenProcess, process: EffectProcess) -> bool:
    """Whether the interval for the saving lies within the smallest shift; it is worked out only where it may."""
    shift, baseline = process.smallest_shift, tokens.weighted_baseline
    if baseline <= 0 or abs(1 - tokens.weighted_candidate / baseline) >= shift:
        return False
    saving = intervals.saving(tokens, process.risk)
    return saving.low is not None and saving.high is not None and -shift < saving.low and saving.high < shift
