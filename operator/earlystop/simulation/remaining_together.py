"""When a campaign has a verdict, from the forecasts of its candidates: of one, or of several judged together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.random import Generator

from earlystop.evidence.intervals import Interval
from earlystop.simulation.paths import Numbers
from earlystop.simulation.random_walk import Floats
from earlystop.simulation.remaining_time import Remaining

LOW, HIGH = 0.1, 0.9
SIDES_OF_BOTH = 4.0
"""Standard errors of a difference in both sides of two intervals together, about."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Forecasts of one candidate, one number each. seconds: from now to its verdict. verdicts: 1 proven, -1 harmful, 0
    neither. saving: share of tokens that its looks show it to save, over so many seconds (`watched`). rate: scored
    answers of all users, or pairs, a second."""

    seconds: Floats
    verdicts: Numbers
    saving: Interval
    watched: float
    rate: float

    @property
    def saved(self) -> float:
        """Share of tokens that it seems to save."""
        return self.saving.estimate or 0.0


def summed(seconds: Floats, verdicts: Numbers, left: float) -> Remaining:
    """What all forecasts say together; seconds from now. left: until the deadline."""
    has_verdict = (verdicts != 0) & (seconds <= left)
    times = np.sort(np.where(has_verdict, np.maximum(seconds, 0), inf))
    low, high = (float(times[min(len(times) - 1, int(part * len(times)))]) for part in (LOW, HIGH))
    promoted, rolled_back = (float((has_verdict & (verdicts == each)).mean()) for each in (1, -1))
    return Remaining(low, high, promoted, rolled_back)


def together(candidates: Sequence[Drawn], left: float, random: Generator) -> Remaining:
    """As `summed`, of at least two candidates: the one that saves most is promoted once it is proven, and every other
    was shown to be harmful, or proven too, or to save less; at the deadline, the best that is proven by then.
    """
    boldest_first = sorted(candidates, key=lambda each: -each.saved)
    number = len(boldest_first[0].seconds)
    until, verdict = np.zeros(number), np.zeros(number, np.int64)
    is_open, is_waited_for = np.ones(number, bool), np.zeros(number, bool)
    for place, each in enumerate(boldest_first):
        in_time = (each.verdicts != 0) & (each.seconds <= left)
        until = np.where(is_open & in_time, np.maximum(until, each.seconds), until)
        is_waited_for |= is_open & ~in_time
        wins = is_open & in_time & (each.verdicts > 0)
        verdict[wins], is_open = 1, is_open & ~wins
        for other in boldest_first[place + 1 :]:
            apart = _seconds_to_part(each, other, random)
            decided = np.where(other.verdicts != 0, other.seconds, inf)
            until = np.where(wins, np.maximum(until, np.minimum(decided, apart)), until)
    verdict[is_open & ~is_waited_for] = -1
    return summed(np.where(is_waited_for, left, np.where(verdict > 0, np.minimum(until, left), until)), verdict, left)


def _seconds_to_part(best: Drawn, other: Drawn, random: Generator) -> Floats:
    """Seconds in each forecast until the other is shown to save less than the best, as intervals shrink with the root
    of time; inf where neither seems to save more. The gap between both is drawn from what the intervals say of it."""
    number = len(best.seconds)
    if other.saving.high is None or best.saving.low is None:
        return np.full(number, inf)
    gap, widths = best.saved - other.saved, other.saving.high - other.saved + best.saved - best.saving.low
    gaps = random.normal(gap, widths / SIDES_OF_BOTH, number)
    parts = np.where(gaps > 0, (widths / np.maximum(gaps, 1e-9)) ** 2 - 1, inf)
    return best.watched * np.maximum(parts, 0.0)
