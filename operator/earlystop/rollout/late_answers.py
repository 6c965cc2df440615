"""Whether a look comes while more or fewer requests are open than when the evidence began, so that slow answers are
missing from it or are too many in it. Pure.

At a steady load as many requests end as begin, so what a step counts since its evidence began is a fair sample, slow
answers among it. While a burst is being answered it is not: the quick answers of the burst are counted and the slow
ones, which are wrong more often, are open. If one variant answers sooner than the other, that passes for a difference
in Exact Match, and for a saving of tokens. Settling (`settling`) looks at the beginning of a step alone.

What is missing, or too much, is at most as many answers as are open beyond those that were open when the evidence
began, or fewer. So a look waits while these are more than `OF_MARGIN` of the margin among all requests of the evidence,
besides what chance does: open requests of a steady load are Poisson counts, so the difference of two of them has their
sum as variance. Before the first look of a step, requests that have become fewer show that the evidence began too soon:
it begins anew. Numbers of requests alone decide, never whether answers are right. The wait ends after `LOOKS_TO_END`
looks, since a request that is open for longer is taken for one that never ends (`attrition`), and after
`LEAST_WAIT_SECONDS` at the soonest.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from math import sqrt
from typing import NamedTuple

from earlystop.api.counts import Tally
from earlystop.evidence import attrition
from earlystop.evidence.attrition import LOOKS_TO_END
from earlystop.rollout.state import Comparison
from earlystop.rollout.totals import Totals

OF_MARGIN = 0.1
"""Answers that may be missing, or too many, among all requests of the evidence: as a part of the margin."""

LEAST_WAIT_SECONDS = 600
"""A load that swings within minutes comes back to where it was in this time."""

DEVIATIONS = 0.7
"""Standard deviations of the number of open requests that count as chance. They are few, since a look that waits for no
reason is only taken a little later."""


class Backlog(Enum):
    """What the number of open requests says of whether a look may be taken now."""

    STEADY = auto()
    """As many are open as when the evidence began, or the wait is over."""
    WAITS = auto()
    """More are open, or fewer, than chance explains."""
    BEGAN_TOO_SOON = auto()
    """Fewer are open than when the evidence began, and no look of the step was used yet."""


class Moment(NamedTuple):
    """When a look is, in Unix seconds, and of which step. begun_at: when the step's evidence began, in Unix seconds.
    spacing: seconds between two looks, > 0."""

    at: int
    step: int
    begun_at: int
    spacing: int


def backlog_of(
    comparison: Comparison, totals: Totals, moment: Moment, in_flight: Sequence[int | None] = (None, None)
) -> Backlog:
    """What open requests of either variant say of a look.

    totals: counts of the step. in_flight: requests that processes still answer, of the baseline and of the candidate;
    None where the totals say it.
    """
    objective, used = comparison.evidence.objective, comparison.looks[-1:]
    if not attrition.is_checked(objective):
        return Backlog.STEADY
    is_first = not used or used[0].step != moment.step
    since = moment.begun_at if is_first else max(moment.begun_at, used[0].at)
    if moment.at - since >= max(LOOKS_TO_END * moment.spacing, LEAST_WAIT_SECONDS):
        return Backlog.STEADY
    process = comparison.evidence.attrition
    open_before = process.requests.open if process.requests.step == moment.step else (0, 0)
    arms = (
        Arm(totals.baseline, comparison.mark.baseline, process.baseline, open_before[0], in_flight[0]),
        Arm(totals.candidate, comparison.mark.candidate, process.candidate, open_before[1], in_flight[1]),
    )
    beyond = [beyond_chance(arm, OF_MARGIN * objective.margin) for arm in arms]
    if not any(beyond):
        return Backlog.STEADY
    return Backlog.BEGAN_TOO_SOON if is_first and min(beyond) < 0 else Backlog.WAITS


class Arm(NamedTuple):
    """The counts that tell how many requests of one variant are open. now: counts of the step; mark: those at the last
    look; sums: of all looks; grown: by how many more requests were open at the last look than when the evidence began;
    in_flight: as in `backlog_of`."""

    now: Tally
    mark: Tally
    sums: Tally
    grown: int
    in_flight: int | None


def beyond_chance(arm: Arm, allowed: float, deviations: float = DEVIATIONS) -> int:
    """How many more requests are open than when the evidence began, negative for fewer; 0 where chance explains it.

    allowed: as a part of all requests, beside so many standard deviations.

    Requests of processes that are gone end never. It is not known how many of those that were open at first are among
    them, so as few are taken to have come or gone as can be. Answers of an evaluator end without having begun; where
    they are counted beside requests, the sums do not say how many were open at first, and nothing is said.
    """
    left = _open(arm.now)
    is_open = left if arm.in_flight is None else arm.in_flight
    if not arm.now.started or left < max(0, is_open):
        return 0
    most = max(0, _open(arm.mark) - arm.grown)
    more = is_open - min(max(is_open, most - (left - is_open)), most)
    requests = arm.sums.started + arm.now.started - arm.mark.started
    return more if abs(more) > allowed * requests + deviations * sqrt(is_open + most) else 0


def _open(tally: Tally) -> int:
    return tally.started - tally.completed - tally.failed
