"""How a trial shares requests among the baseline, the setting under trial and the one that serves meanwhile.

A comparison of b and c percent of requests takes a time in proportion to `1 / b + 1 / c`. Of what an incumbent leaves,
even shares are the quickest. Users lose the least over a comparison where `(1 / b + 1 / c) (1 - c - i s)` is smallest,
with the part i for an incumbent that saves the part s of what the candidate does: with i and s a half, that is at 37 %
of the rest for the baseline. At 28 % they lose 4 % more than there and the comparison takes a quarter longer than with
even shares, but of all requests those that save nothing are 14 % in place of 25 %. The steps of a policy bound the
candidate's share in any case, and in the steps before the last one both shares are even.
"""

from __future__ import annotations

from earlystop.api.policy import PolicySpec
from earlystop.rollout.search.progress import SearchProgress
from earlystop.rollout.search.trial import TrialEnd

UNEVEN_SINCE = 3
"""Version of Ladder and Bayesian from which their trials are shared so, and are given up where nothing is likely."""

GIVEN_UP_OF_OTHERS_SINCE = 2
"""Version of External from which a trial of what others propose ends, or goes on, by what its evidence makes likely."""

LARGER_SINCE = 5
"""Version from which the candidate has 72 % of what an incumbent leaves, and two thirds in those before it."""

EVEN_PART = 0.5


def is_uneven(spec: PolicySpec, version: int) -> bool:
    """Whether trials of a policy's search by this version of its strategy are shared unevenly beside an incumbent. What
    others propose has even shares."""
    return spec.search is not None and not spec.search.traits.takes_proposals and version >= UNEVEN_SINCE


def gives_up(spec: PolicySpec, version: int) -> bool:
    """Whether trials of a policy's search by this version of its strategy are given up where nothing is likely, and go
    on where a certificate is."""
    if spec.search is None:
        return False
    return version >= (GIVEN_UP_OF_OTHERS_SINCE if spec.search.traits.takes_proposals else UNEVEN_SINCE)


def weight_beside(incumbent_weight: int, version: int) -> int:
    """Percent of requests that a candidate gets at most beside an incumbent with at least so many, 1..98. version: of
    the strategy's arithmetic."""
    left = 100 - incumbent_weight
    return max(1, 72 * left // 100 if version >= LARGER_SINCE else 2 * left // 3)


def candidate_part(spec: PolicySpec, progress: SearchProgress, version: int) -> float:
    """The candidate's part of the requests that the next trial compares, 0..1, in its last step."""
    if not spec.rollout.steps or not is_uneven(spec, version):
        return EVEN_PART
    weight = max(step.weight for step in spec.rollout.steps)
    if not _has_incumbent(spec, progress) or spec.search is None:
        return weight / 100
    left = 100 - spec.search.incumbent_weight
    weight = min(weight, weight_beside(spec.search.incumbent_weight, version))
    return weight / (weight + min(weight, left - weight))


def _has_incumbent(spec: PolicySpec, progress: SearchProgress) -> bool:
    """Whether one serves, by the trials that are over alone: a verdict holds no more of a search."""
    if not spec.delivery.traits.by_weights:
        return False
    if not progress.trials:
        return bool(progress.resumes)
    return any(each.outcome.end is TrialEnd.CERTIFIED for each in progress.trials)
