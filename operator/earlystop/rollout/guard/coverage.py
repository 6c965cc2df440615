"""What a guard can see: which counts of a look it compares, and since when it has had nothing to compare.

A setting that answers nothing has no Exact Match, so it would never be shown to be harmful by that. Requests that come
to no answer have a detector of their own; what no detector can read is told as blindness, whatever the cause.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from earlystop.api.counts import Look, Tally
from earlystop.evidence import guard_detectors
from earlystop.evidence.objective import Basis, Objective
from earlystop.rollout.increments import CONCLUSIVE_REQUESTS, LookToUse, look_to_use
from earlystop.rollout.totals import Totals

BLIND_SECONDS = 600
"""So long a guard may have nothing to compare before that is told."""
USUAL_WAITS = 10
"""Where answers are rare, it may be as many times the usual wait for some, and `LONGEST_BLIND_SECONDS` at most."""
LONGEST_BLIND_SECONDS = 86_400
LEAST_REQUESTS = 100
"""Requests in that time below which nothing is told: nobody is harmed where nobody asks."""


class Seen(NamedTuple):
    """Requests and scored answers of both variants."""

    baseline_requests: int = 0
    promoted_requests: int = 0
    baseline_scored: int = 0
    promoted_scored: int = 0


NOTHING_SEEN = Seen()


@dataclass(frozen=True, slots=True)
class GuardCoverage:
    """What a guard has been able to compare.

    at: moment of the last look whose answers could be compared, or at which its first step's weights were in force,
    Unix seconds; a suspension moves it on. looks: how many such looks there were. counts: of the step at that moment.
    missing: what was seen since then, once that is too long ago; None while the guard sees.
    """

    at: int
    looks: int = 0
    counts: Seen = NOTHING_SEEN
    missing: Seen | None = None


def look_of_guard(
    objective: Objective, mark: Totals, totals: Totals, *, at: int, step: int, weight: int
) -> LookToUse | None:
    """What a guard compares of the counts; parameters and errors as for `look_to_use`. Answers that wait for those of
    the other variant are used once they are so many that it should have had some: they show that it gives none."""
    look = totals.look_since(mark, at, step, weight)
    usable = guard_detectors.is_usable(objective, look)
    if usable or _is_conclusive(objective, look):
        return LookToUse(look, totals.as_mark, usable)
    return look_to_use(objective, mark, totals, at=at, step=step, weight=weight, baseline_weight=None)


def began(before: GuardCoverage | None, totals: Totals, at: int) -> GuardCoverage:
    """What is known when the evidence of a step begins, or begins again: nothing was compared since it was before. Else
    whoever edits the route now and then would keep a guard that sees nothing from saying so."""
    if before is None:
        return GuardCoverage(at, 0, _seen(totals))
    return replace(before, counts=Seen(*map(min, before.counts, _seen(totals))))


def in_new_step(coverage: GuardCoverage | None) -> GuardCoverage | None:
    """What is known when a step begins whose counters begin at 0."""
    return None if coverage is None else replace(coverage, counts=NOTHING_SEEN, missing=None)


def resumed(coverage: GuardCoverage | None, pause: int) -> GuardCoverage | None:
    """What is known after the guard stood still for so many seconds: nothing was compared, and that is no wait."""
    return None if coverage is None else replace(coverage, at=coverage.at + max(pause, 0))


def after_look(before: GuardCoverage, since: int, totals: Totals, at: int, *, usable: bool) -> GuardCoverage:
    """What is known after a look at moment `at`. since: when the guard began. usable: whether it was compared."""
    now = _seen(totals)
    if usable:
        return GuardCoverage(at, before.looks + 1, now)
    usual = (before.at - since) / max(1, before.looks)
    patience = min(max(BLIND_SECONDS, USUAL_WAITS * usual if before.looks else 0), LONGEST_BLIND_SECONDS)
    missing = Seen(*(max(0, new - old) for new, old in zip(now, before.counts, strict=True)))
    is_blind = at - before.at >= patience and missing.baseline_requests + missing.promoted_requests >= LEAST_REQUESTS
    return replace(before, missing=missing if is_blind else None)


def _is_conclusive(objective: Objective, look: Look) -> bool:
    """Whether one variant has no scored answer although, by the other's, it should have had many."""
    if objective.basis is Basis.PAIRS:
        return False
    baseline, promoted, share = look.baseline.scored, look.candidate.scored, look.share
    if baseline and promoted:
        return False
    return max(baseline * share, promoted * (100 - share)) >= CONCLUSIVE_REQUESTS * (100 - share if baseline else share)


def _seen(totals: Totals) -> Seen:
    return Seen(
        _requests(totals.baseline), _requests(totals.candidate), totals.baseline.scored, totals.candidate.scored
    )


def _requests(arm: Tally) -> int:
    return max(arm.started, arm.completed + arm.failed)
