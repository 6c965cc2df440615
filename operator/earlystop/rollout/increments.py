"""What a look may use of the counts that were read: what can be compared now, and what waits for a later look."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from earlystop.api.counts import Look, Tally, UserScatter
from earlystop.evidence import em_claims
from earlystop.evidence.engine import EvidenceState, update_known
from earlystop.rollout.state import Totals

# A variant that got none of the requests of which it should have had this many is a broken split, not chance.
CONCLUSIVE_REQUESTS = 20


class Compared(NamedTuple):
    """A look that was evidence: the look, the totals that it used, and the evidence after it."""

    look: Look
    mark: Totals
    evidence: EvidenceState


def compare(
    evidence: EvidenceState, mark: Totals, totals: Totals, at: int, step: int, weight: int, baseline_weight: int | None
) -> Compared | None:
    """The evidence after what was added since `mark`: all of it, all but the answers, or None to wait for more.

    Answers wait until some of both variants can be compared (`em_claims.usable`), and requests wait with them unless
    they are so many that a missing variant shows a broken split.

    weight: percent of the candidate. baseline_weight: that of the baseline where there are more candidates.
    Raises ValueError for counts that cannot be.
    """
    if evidence.objective.by_users and totals.users is None:
        totals = replace(totals, users=UserScatter())
    look = replace(totals.look_since(mark, at, step, weight), baseline_weight=baseline_weight)
    usable = em_claims.usable(evidence.objective, look)
    if not usable:
        started = look.baseline.started + look.candidate.started
        if started * min(look.share, 100 - look.share) < 100 * CONCLUSIVE_REQUESTS:
            return None
        totals = _without_new_answers(totals, mark)
        look = replace(totals.look_since(mark, at, step, weight), baseline_weight=baseline_weight)
    return Compared(look, totals.as_mark, update_known(evidence, look, usable))


def _without_new_answers(totals: Totals, mark: Totals) -> Totals:
    return Totals(
        _keep_answers(totals.baseline, mark.baseline),
        _keep_answers(totals.candidate, mark.candidate),
        mark.classes,
        totals.users,
    )


def _keep_answers(tally: Tally, mark: Tally) -> Tally:
    return replace(tally, match=mark.match, mismatch=mark.mismatch)
