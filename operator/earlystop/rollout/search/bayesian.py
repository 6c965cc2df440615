"""Bayesian: the setting next whose trial is worth most, of up to 200 settings of one to three parameters.

The order. What trials have shown of some settings says what to expect of all: losses and savings are Gaussian processes
over places (`surface`), with the known, unequal standard errors of trials. Of the settings not yet tried the one comes
next whose trial has the largest worth: probability to hold what is asked for x extra saving x horizon - requests
(`worth`). The search is over when failures have used their budget or no trial is worth its requests.

The risk. A trial after f failures is judged at `risk / ((f + 1) (f + 2))`: a half, a sixth, a twelfth, ..., which add
up to `risk` over all failures there can ever be, since the terms telescope. A certificate spends nothing. The
probability that any violating setting is certified is at most `risk`, whatever the losses are: the proof is the
ladder's (`ladder`), with these shares. It does not ask how the next setting is chosen, so a surface that misleads costs
requests alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from earlystop.rollout.search import prior, surface, worth
from earlystop.rollout.search.trial import Belief, Proposal, SearchTerms, Setting, TrialEnd, TrialOutcome


class Bayesian:
    """The proposer of strategy Bayesian."""

    def propose(
        self,
        settings: Sequence[Setting],
        outcomes: Sequence[TrialOutcome],
        terms: SearchTerms,
        belief: Belief | None,
        seed: int,
    ) -> Proposal | None:
        """The setting not yet tried whose trial is worth most; of equals, the first in the order of `settings`."""
        worth.check_outcomes(settings, outcomes)
        failures = sum(each.end is not TrialEnd.CERTIFIED for each in outcomes)
        if failures >= terms.failure_budget or worth.is_used_up(terms):
            return None
        risk = level(terms.risk, failures)
        supposed_loss = prior.loss_prior(settings, terms, belief)
        supposed_saving = prior.saving_prior(settings, terms, belief)
        losses = surface.after_trials(settings, supposed_loss, prior.losses(outcomes))
        savings = surface.after_trials(settings, supposed_saving, prior.savings(outcomes))
        worths = worth.worths(losses, savings, outcomes, terms, risk)
        tried = {each.setting for each in outcomes}
        untried = [index for index in range(len(settings)) if index not in tried]
        return worth.proposal(settings, worths, untried, risk, outcomes, terms)


def level(risk: float, failures: int) -> float:
    """Risk of a trial after so many failures: risk/2, risk/6, risk/12, ..."""
    return risk / ((failures + 1) * (failures + 2))


PROPOSER = Bayesian()
