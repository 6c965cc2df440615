"""Ladder: one setting after the other, at a risk that only failures spend.

The order. Settings of one parameter are rungs, from the most careful to the boldest. Rungs within `step` of the one
that was certified last may come next, and of these the one whose trial is worth most (`worth`). The step is half of the
ladder at first, or as far as history is sure; it doubles with each success, halves with each failure and ends as single
rungs. Where none of those is worth a trial, the others may come next, such as bolder ones beyond a range that harms.
Where the first trial harms, the second is of a rung beyond it, or a later one where the harm is great (`beyond`). The
last failure, while nothing is certified, is risked on the rung likeliest to keep the margin (`worth.proposal`). The
search is over when failures have used their budget or no trial is worth its requests.

The risk. Let failures be numbered f = 0, 1, ..., F-1, and let a trial after f failures be judged at `risk * share_f`,
where the shares are 1/2, 1/4, ..., the last of them twice, and add up to 1. Then the probability that any
setting is certified that loses more than the margin or saves too little (a *violating* one) is at most `risk`.

Proof. Before the first error, a violating setting that is tried after f failures is either certified, which is the
first error, or it is the failure that ends the time at f. So before the first error at most one violating setting is
tried for each f. Given all that came before, the probability of its certificate is at most `risk * share_f`: its trial
has evidence of its own, an e-process against the original baseline that begins when the trial does, and what came
before has fixed which setting it is and the risk. Added up over f, the first error has a probability of at most the
sum of `risk * share_f`, which is `risk`.

Nothing in this asks which settings are violating, nor that Exact Match falls as they get bolder, nor how the next one
is chosen, so long as it is chosen by what came before. A trial that ends for want of requests or by a person counts as
a failure.
Sources: fixed-sequence testing (Westfall, Krishen, 2001); Learn then Test (Angelopoulos, Bates, Candes, Jordan, Lei,
2021), with e-processes as in Zecchin, Simeone, arXiv 2409.15844.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from earlystop.rollout.search import beyond, curve, prior, worth
from earlystop.rollout.search.trial import Belief, Proposal, SearchTerms, Setting, TrialEnd, TrialOutcome

FIRST_STEP = 2
"""The first step is one part in so many of the ladder."""

SURE = 0.8
"""History is sure of a rung that it gives this probability to hold the margin."""


@dataclass(frozen=True, slots=True)
class Climb:
    """Where a climb of the ladder stands.

    at: rung that was certified last, -1 before the first. step: rungs from there that may be tried. failures: so far.
    """

    at: int
    step: int
    failures: int


class Ladder:
    """The proposer of strategy Ladder, for settings of one parameter."""

    def propose(
        self,
        settings: Sequence[Setting],
        outcomes: Sequence[TrialOutcome],
        terms: SearchTerms,
        belief: Belief | None,
        seed: int,
    ) -> Proposal | None:
        """The rung within reach whose trial is worth most. Raises ValueError for several parameters."""
        if any(len(each.place) != 1 for each in settings):
            raise ValueError("a ladder has one parameter; search several by the strategy Grid, Bayesian or Bandit")
        worth.check_outcomes(settings, outcomes)
        supposed_loss = prior.loss_prior(settings, terms, belief)
        supposed_saving = prior.saving_prior(settings, terms, belief)
        rungs = sorted(range(len(settings)), key=lambda index: settings[index].place)
        stands = climb(settings, rungs, outcomes, terms, belief)
        if stands.failures >= terms.failure_budget or worth.is_used_up(terms):
            return None
        risk = level(terms.risk, terms.failure_budget, stands.failures)
        losses = curve.after_trials(settings, supposed_loss, prior.losses(outcomes))
        savings = curve.after_trials(settings, supposed_saving, prior.savings(outcomes))
        turned = beyond.proposal(settings, rungs, losses, savings, outcomes, terms, belief, risk)
        if turned is not None:
            return turned
        within = _within_reach(rungs, stands, outcomes)

        def best(among: Sequence[int] | None, least_chance: float = 0.0) -> Proposal | None:
            """The trial worth most of these settings, within reach if one is; None if it is less likely to hold."""
            worths = worth.worths(losses, savings, outcomes, terms, risk, among)
            for reach in within:
                open_ones = [index for index in reach if among is None or index in among]
                found = worth.proposal(settings, worths, open_ones, risk, outcomes, terms)
                if found is not None:
                    return found if round(worths[found.setting].holds, 2) >= least_chance else None
            return None

        careful = beyond.more_careful(rungs, outcomes, terms, belief)
        if careful is None:
            return best(None)
        late = beyond.proposal(settings, rungs, losses, savings, outcomes, terms, belief, risk, late=True)
        is_last = late is not None and stands.failures == terms.failure_budget - 1
        return best(careful, beyond.LEAST_CHANCE if is_last else 0.0) or late or best(None)


def level(risk: float, failure_budget: int, failures: int) -> float:
    """Risk of a trial after so many failures: risk/2, risk/4, ...; the last failure allowed gets all that is left."""
    return risk / 2.0 ** min(failures + 1, failure_budget - 1)


def climb(
    settings: Sequence[Setting],
    rungs: Sequence[int],
    outcomes: Sequence[TrialOutcome],
    terms: SearchTerms,
    belief: Belief | None,
) -> Climb:
    """Where the outcomes have led to. rungs: indices of the settings, from the most careful to the boldest."""
    at, failures = -1, 0
    step = max(-(-len(rungs) // FIRST_STEP), _sure_of(rungs, terms, belief))
    for each in outcomes:
        if each.end is TrialEnd.CERTIFIED:
            at, step = rungs.index(each.setting), min(2 * step, len(rungs))
        else:
            failures, step = failures + 1, -(-step // 2)
    return Climb(at, step, failures)


def _sure_of(rungs: Sequence[int], terms: SearchTerms, belief: Belief | None) -> int:
    """Rungs up to the boldest one of which history is sure."""
    if belief is None:
        return 0
    known = [belief.loss[index] for index in rungs]
    sure = [each is not None and worth.chance_below(each, terms.margin) >= SURE for each in known]
    return max((number + 1 for number, is_sure in enumerate(sure) if is_sure), default=0)


def _within_reach(rungs: Sequence[int], stands: Climb, outcomes: Sequence[TrialOutcome]) -> tuple[list[int], list[int]]:
    """Settings not yet tried: as many in each direction as the step allows, and the others; more careful ones first."""
    tried = {each.setting for each in outcomes}
    below = [index for index in rungs[: max(stands.at, 0)] if index not in tried]
    above = [index for index in rungs[stands.at + 1 :] if index not in tried]
    near = below[-stands.step :] + above[: stands.step]
    return near, [index for index in rungs if index not in tried and index not in near]


PROPOSER = Ladder()
