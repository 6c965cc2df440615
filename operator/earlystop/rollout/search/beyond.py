"""What lies beyond a first rung that harms: tried once, since Exact Match need not fall as settings get bolder.

Where it does fall, the rung in the middle of what lies beyond loses more than the one that was tried, and harm is shown
in requests that fall with the square of the loss beyond the margin: the trial is short. Where the curve turns round, as
budgets of thinking were seen to do, the rung saves more than any careful one, and is certified before the careful ones
are climbed beside nothing that serves. The price is one failure, not risk: of three failures the second and the third
are judged at the same level.

Where the first rung loses many margins, a curve would have to come back a long way, and where it falls to the end the
failure is missed: careful rungs are then climbed one by one, beside the last one. So the rung beyond waits there
(version 7) until something serves and no careful one is worth a trial, or the last failure would be risked on one that
hardly holds: a turn is then found later, beside an incumbent.

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

WAITS_SINCE, DEEP = 7, 3.75
"""Version of Ladder that lets the rung beyond wait where the first one seems to lose more than so many margins: so seem
9 % of first trials that lose two, and 61 % of those that lose 3.7 (100 trials each in the bench)."""

LEAST_CHANCE = 0.33
"""The last failure is for a careful rung, before the one beyond that waits, where that is as likely to hold as this."""

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
    *,
    late: bool = False,
) -> Proposal | None:
    """The trial of a rung beyond the first one; None where another one is to come next.

    rungs: indices of the settings, from the most careful to the boldest. losses, savings: what trials make likely.
    risk: at which the trial is judged, 0..1. late: whether it is asked for after a careful rung that serves, and not
    for the second trial.
    """
    index = _rung_beyond(rungs, outcomes, terms, late=late)
    if index is None or _knows(belief, index):
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


def waits(outcomes: Sequence[TrialOutcome], terms: SearchTerms) -> bool:
    """Whether the first trial harms by so much that the rung beyond waits until something serves."""
    if terms.version < WAITS_SINCE or terms.failure_budget < LEAST_BUDGET:
        return False
    if not outcomes or outcomes[0].end is not TrialEnd.HARMFUL:
        return False
    loss = outcomes[0].loss
    return loss is not None and round(loss.mean / terms.margin, 2) > DEEP


def more_careful(
    rungs: Sequence[int], outcomes: Sequence[TrialOutcome], terms: SearchTerms, belief: Belief | None
) -> Sequence[int] | None:
    """Settings more careful than the first one, which come before the rung beyond while that waits; None where it does
    not, was tried, or is known from history."""
    if not waits(outcomes, terms):
        return None
    index = _untried_beyond(rungs, outcomes)
    if index is None or _knows(belief, index):
        return None
    return rungs[: rungs.index(outcomes[0].setting)]


def _rung_beyond(
    rungs: Sequence[int], outcomes: Sequence[TrialOutcome], terms: SearchTerms, *, late: bool
) -> int | None:
    """Index of the setting in the middle of those beyond the first one tried, where that harms and none of them was
    tried; for the second trial, where it alone was tried."""
    if terms.version < BEYOND_SINCE or terms.failure_budget < LEAST_BUDGET or late is not waits(outcomes, terms):
        return None
    ends = [each.end for each in outcomes]
    its_turn = TrialEnd.CERTIFIED in ends if late else ends == [TrialEnd.HARMFUL]
    if not its_turn:
        return None
    return _untried_beyond(rungs, outcomes)


def _untried_beyond(rungs: Sequence[int], outcomes: Sequence[TrialOutcome]) -> int | None:
    """Index of the setting in the middle of those beyond the first one tried; None where one of them was tried, or
    there is none."""
    bolder = rungs[rungs.index(outcomes[0].setting) + 1 :]
    if not bolder or any(each.setting in bolder for each in outcomes):
        return None
    return bolder[(len(bolder) - 1) // 2]


def _knows(belief: Belief | None, index: int) -> bool:
    """Whether history says how much this setting loses."""
    return belief is not None and belief.loss[index] is not None
