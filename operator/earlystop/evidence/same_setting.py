"""Cohorts that were watched with the same setting first (A/A): each is then its own control.

Where each user keeps a variant, two cohorts differ by who is in them, and that difference stays, however many answers
they give: it is no scatter but a bias of the comparison. While both get the baseline's setting it is all that there is
to see, so those looks bound it, on both sides and at all looks together, by the interval for Exact Match
(`effect_bounds`) and by that for the saving (`intervals`). What is tested afterwards is the difference that is seen
then, against a margin that the worst of these bounds has moved: a difference in differences, whose uncertainty is paid
for twice, by that margin and by the part of the risk that the bounds have (`bound_part`). For fixed users, who go on
asking as often and go on being as they were, that is exact as far as the tests are, and no likeness of a user's answers
makes it wrong; sessions scatter as ever (`divisors`), and are learned in these looks too.

It holds as long as the cohorts are the same: users who come, leave, or ask more than before move the difference, and
that is not told apart from what the setting does.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf

from earlystop.evidence import em_claims, empirical_bernstein, exact_match, scatter, shown, tokens
from earlystop.evidence.arm_scatter import ArmScatter
from earlystop.evidence.bets import Side
from earlystop.evidence.bound_part import bound_risk
from earlystop.evidence.discount import Discount
from earlystop.evidence.em_claims import Quality
from earlystop.evidence.empirical_bernstein import BoundedTokenProcess
from earlystop.evidence.objective import Objective
from earlystop.evidence.own_difference import OwnDifference
from earlystop.evidence.shown import ShownSums
from earlystop.evidence.tokens import TokenProcess

LEAST_MARGIN, LARGEST_MARGIN = 0.0001, 0.9999


def own_difference(
    sums: ShownSums, lengths: TokenProcess, objective: Objective, answers_read: Discount, lengths_read: Discount
) -> OwnDifference:
    """What looks with the same setting have shown.

    sums, lengths: of these alone. *_read: how evidence is read (`divisors`). objective: whose risks are those
    of the tests, without the part of the bounds.
    """
    promote, harm = (bound_risk(each) for each in (objective.risk_promote, objective.harm_risks.exact_match))
    # Two bounds that are each the worst are more careful than their risks ask for (`make bench-street`).
    answers_read, lengths_read = (each._replace(freedom=inf) for each in (answers_read, lengths_read))
    # A promotion goes wrong by a bound above that is too low, a rollback by one below that is too high.
    em = shown.bounds_of(sums, risk_low=harm, risk_high=promote, discount=answers_read)
    saving = shown.saving_of(lengths, promote, lengths_read)
    low, middle, high = (None if each is None else 1 - each for each in (saving.high, saving.estimate, saving.low))
    return OwnDifference(em, low, middle, high)


def claims(objective: Objective, own: OwnDifference) -> Quality:
    """The processes for Exact Match once the setting is tried: each side at the margin that the worst bound leaves."""
    assert own.em.low is not None and own.em.high is not None
    promote, harm = (
        min(max(objective.margin - bound, LEAST_MARGIN), LARGEST_MARGIN) for bound in (own.em.high, own.em.low)
    )
    return replace(
        em_claims.start(objective),
        promote=exact_match.start(promote, Side.PROMOTE),
        harm=exact_match.start(harm, Side.HARM),
    )


def saving_to_show(objective: Objective, own: OwnDifference) -> float:
    """The saving that must be seen so that the policy's is proven."""
    keep = (1 - objective.minimum_saving) * (own.keep_low or LEAST_MARGIN)
    return min(max(1 - keep, 0.0), LARGEST_MARGIN)


def lengths_anew(process: TokenProcess, objective: Objective, own: OwnDifference) -> TokenProcess:
    """The token test once the setting is tried; how much blocks scatter is known from before."""
    known = None if process.blocks is None else scatter.begun_anew(process.blocks)
    return replace(tokens.start(saving_to_show(objective, own), objective.engine), blocks=known)


def bounded_lengths_anew(objective: Objective, own: OwnDifference) -> BoundedTokenProcess | None:
    """The exact token test, where the longest answer is known."""
    if objective.longest_answer is None:
        return None
    return empirical_bernstein.start(saving_to_show(objective, own), objective.longest_answer)


def arms_anew(known: ArmScatter) -> ArmScatter:
    """How much answers scatter, before the first look in which the setting is tried: what it does is no scatter."""
    return replace(known, answers=scatter.begun_anew(known.answers), level=scatter.begun_anew(known.level))
