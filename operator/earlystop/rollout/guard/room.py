"""Whether a guard sees so much room above the margin that a bolder setting is worth a try.

It decides nothing about any setting: what is tried needs its own proof. So a plain estimate serves.
"""

from __future__ import annotations

from math import sqrt

from earlystop.rollout.guard.state import GuardState, WatchPhase
from earlystop.rollout.guard.words import detector_rows

LEAST_LOOKS = 60
"""So long a guard watches before it may see room."""
PART_OF_MARGIN = 0.5
"""A loss of Exact Match above this part of the margin leaves no room."""
STANDARD_ERRORS = 2.0


def sees_room(guard: GuardState) -> bool:
    """Whether, in the window, Exact Match is lost by half of the margin at most, within two standard errors, and no
    detector is half way to an alarm."""
    window, margin = guard.window, guard.objective.margin
    before, after = window.baseline, window.candidate
    watches = guard.phase is WatchPhase.OBSERVING and guard.suspended_at is None and guard.clock.metrics_lost_at is None
    if not watches or guard.is_blind or guard.ends or guard.taken < LEAST_LOOKS or not (before.scored and after.scored):
        return False
    rates = [(arm.match + 1) / (arm.scored + 2) for arm in (before, after)]
    sizes = before.scored, after.scored
    error = sqrt(sum(rate * (1 - rate) / size for rate, size in zip(rates, sizes, strict=True)) * guard.factors.answers)
    has_margin = rates[1] - rates[0] - STANDARD_ERRORS * error >= -PART_OF_MARGIN * margin
    return has_margin and all(value <= needed / 2 for _, value, needed in detector_rows(guard))
