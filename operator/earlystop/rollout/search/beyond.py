"""What lies beyond a first rung that harms: tried once, since Exact Match need not fall as settings get bolder.

Where it does fall, the rung in the middle of what lies beyond loses more than the one that was tried, and harm is shown
in requests that fall with the square of the loss beyond the margin: the trial is short. Where the curve turns round, as
budgets of thinking were seen to do, the rung saves more than any careful one, and is certified before the careful ones
are climbed beside nothing that serves. The price is one failure, not risk: of three failures the second and the third
are judged at the same level.

What trials make likely of a rung beyond is no guide here: it extends the rise that they have shown. So its loss is
supposed to lie on either side of the margin with the same probability, and its trial is made if that is worth it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from earlystop.rollout.search import worth
from earlystop.rollout.search.trial import Belief, Estimate, Proposal, SearchTerms, Setting, TrialEnd, TrialOutcome

BEYOND_SINCE = 6
"""Version of Ladder that tries a rung beyond a first one that harms."""

LEAST_BUDGET = 3
"""Failures that a search must allow: the first trial's, this one's and one more."""


def proposal(
    settings: Sequence[Setting],
    rungs: Sequence[int],
    losses: Sequence[Estimate],
    savings: Sequence[Estimate],
    outcomes: Sequence[TrialOutcome],
    terms: SearchTerms,
    belief: Belief | None,
    risk: float,
) -> Proposal | None:
    """The trial of a rung beyond the first one; None where another one is to come next.

    rungs: indices of the settings, from the most careful to the boldest. losses, savings: what trials make likely.
    risk: at which the trial is judged, 0..1.
    """
    index = _rung_beyond(rungs, outcomes, terms)
    if index is None or (belief is not None and belief.loss[index] is not None):
        return None
    supposed = [Estimate(terms.margin, terms.margin) if each == index else loss for each, loss in enumerate(losses)]
    worths = worth.worths(supposed, savings, outcomes, terms, risk)
    found = worth.proposal(settings, worths, [index], risk, outcomes, terms)
    if found is None:
        return None
    first = settings[outcomes[0].setting].name
    reason = (
        f"{settings[index].name} is bolder than {first}, which harms: if Exact Match goes on to fall, its harm shows "
        "soon, and if it rises again, much is saved"
    )
    return replace(found, reason=reason)


def _rung_beyond(rungs: Sequence[int], outcomes: Sequence[TrialOutcome], terms: SearchTerms) -> int | None:
    """Index of the setting in the middle of those beyond the first one tried, where that alone was tried and harms."""
    if terms.version < BEYOND_SINCE or terms.failure_budget < LEAST_BUDGET:
        return None
    if [each.end for each in outcomes] != [TrialEnd.HARMFUL]:
        return None
    bolder = rungs[rungs.index(outcomes[0].setting) + 1 :]
    return bolder[(len(bolder) - 1) // 2] if bolder else None
