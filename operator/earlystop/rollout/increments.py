"""What a look may use of the counts that were read: what can be compared now, and what waits for a later look."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from earlystop.api.counts import Look, Tally, UserScatter
from earlystop.evidence import em_claims, missing_answers
from earlystop.evidence.engine import EvidenceState, Objective, update_known
from earlystop.rollout.totals import Totals
from earlystop.rollout.unmatched_answers import matched_answers

# A variant that got none of the requests of which it should have had this many is a broken split, not chance.
CONCLUSIVE_REQUESTS = 20


class Compared(NamedTuple):
    """A look that was evidence: the look, the totals that it used, and the evidence after it."""

    look: Look
    mark: Totals
    evidence: EvidenceState


class LookToUse(NamedTuple):
    """What of the counts can be compared now: the look, the totals that it uses, and whether its answers can."""

    look: Look
    mark: Totals
    usable: bool


def compare(
    evidence: EvidenceState,
    mark: Totals,
    totals: Totals,
    *,
    at: int,
    step: int,
    weight: int,
    baseline_weight: int | None,
) -> Compared | None:
    """The evidence after what was added since `mark`: all of it, all but the answers, or None to wait for more.

    weight: percent of the candidate. baseline_weight: that of the baseline where there are more candidates.
    Raises ValueError for counts that cannot be.
    """
    if evidence.objective.by_users and totals.users is None:
        totals = replace(totals, users=UserScatter())
    found = look_to_use(
        evidence.objective, mark, totals, at=at, step=step, weight=weight, baseline_weight=baseline_weight
    )
    if found is None:
        return None
    return Compared(found.look, found.mark, update_known(evidence, found.look, found.usable))


def look_to_use(
    objective: Objective, mark: Totals, totals: Totals, *, at: int, step: int, weight: int, baseline_weight: int | None
) -> LookToUse | None:
    """What was added since `mark`: all of it, all but the answers, or None to wait for more; parameters and errors as
    for `compare`.

    Answers wait until some of both variants can be compared (`em_claims.usable`), and requests wait with them unless
    they are so many that a missing variant shows a broken split. Where the candidate alone has answers of a query
    class, these wait by themselves as long as they are few (`matched_answers`).
    """
    look = replace(totals.look_since(mark, at, step, weight), baseline_weight=baseline_weight)
    usable = em_claims.usable(objective, look)
    matched = None if usable else matched_answers(objective, totals, mark, look)
    if matched is not None:
        return LookToUse(
            replace(matched.look_since(mark, at, step, weight), baseline_weight=baseline_weight), matched.as_mark, True
        )
    if not usable:
        started = look.baseline.started + look.candidate.started
        if started * min(look.share, 100 - look.share) < 100 * CONCLUSIVE_REQUESTS:
            return None
        totals = _without_new_answers(objective, totals, mark)
        look = replace(totals.look_since(mark, at, step, weight), baseline_weight=baseline_weight)
    return LookToUse(look, totals.as_mark, usable)


def _without_new_answers(objective: Objective, totals: Totals, mark: Totals) -> Totals:
    return Totals(
        _keep_answers(objective, totals.baseline, mark.baseline),
        _keep_answers(objective, totals.candidate, mark.candidate),
        mark.classes,
        totals.users,
    )


def _keep_answers(objective: Objective, tally: Tally, mark: Tally) -> Tally:
    """The tally with the answers of the mark. Unscored ones wait with their class, where it holds them."""
    unscored = mark.unscored if missing_answers.counted_by_class(objective) else tally.unscored
    return replace(tally, match=mark.match, mismatch=mark.mismatch, unscored=unscored)
