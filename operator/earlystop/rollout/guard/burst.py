"""Whether a guard's look waits while answers of a burst pile up, as a trial's looks do (`late_answers`). Pure.

While a burst is being answered its quick answers are counted and its slow ones, which are wrong more often, are open.
If one variant answers sooner, that passes for harm: with bursts every few minutes a guard would take a harmless setting
back within hours. So a look waits while more requests of either variant are open than at the look before.

Fewer hold up no look, since a setting whose requests fail at once leaves fewer open and must be found. Requests that
never end are harm, too, so a look waits for `LONGEST_WAIT_SECONDS` at most, and none does while one of the looks that
are kept has waited in vain: of a load that goes on to rise, or of requests that hang, one look waits and not each. None
does for a variant of which nothing ends at all: it has no quick answers that could be too many.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from earlystop.api.counts import Tally
from earlystop.evidence import attrition
from earlystop.rollout.guard.state import GuardState
from earlystop.rollout.late_answers import LEAST_WAIT_SECONDS, OF_MARGIN, Arm, beyond_chance
from earlystop.rollout.totals import Totals

LONGEST_WAIT_SECONDS = LEAST_WAIT_SECONDS
DEVIATIONS = 2.0
"""Of what chance does to the number of open requests: a guard looks for months, and each look that waits delays it."""


def look_waits(guard: GuardState, totals: Totals, at: int, in_flight: Sequence[int | None] = (None, None)) -> bool:
    """Whether the look at Unix second `at` waits for answers. totals: counts of the guard's step. in_flight: requests
    of it that processes still answer, of the baseline and of the promoted setting; None where the totals say it."""
    if not attrition.is_checked(guard.objective) or _has_waited_in_vain(guard):
        return False
    since = max(guard.looked_at, guard.clock.evidence_from or 0)
    if at - since >= LONGEST_WAIT_SECONDS:
        return False
    arms = (
        Arm(totals.baseline, guard.mark.baseline, Tally(), 0, in_flight[0]),
        Arm(totals.candidate, guard.mark.candidate, Tally(), 0, in_flight[1]),
    )
    allowed = OF_MARGIN * guard.objective.margin
    return any(_has_ended(arm) and beyond_chance(arm, allowed, DEVIATIONS) > 0 for arm in arms)


def _has_ended(arm: Arm) -> bool:
    """Whether any request of a variant has come to its end since the look before."""
    return arm.now.completed + arm.now.failed > arm.mark.completed + arm.mark.failed


def _has_waited_in_vain(guard: GuardState) -> bool:
    """Whether one of the looks that are kept came as late as one does that has waited for nothing."""
    moments = [guard.checkpoint_at, *(look.at for look in guard.looks)]
    return any(later - earlier >= LONGEST_WAIT_SECONDS for earlier, later in pairwise(moments))
