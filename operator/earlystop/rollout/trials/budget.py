"""When a trial of a search ends though its evidence says nothing: its requests, or the search's time, are used up, or
it is not likely to come to anything."""

from __future__ import annotations

from math import inf

from earlystop.api.percent import rounded_percent
from earlystop.api.plurals import counted
from earlystop.rollout.formatting import in_duration
from earlystop.rollout.held_by_dispersion import learns_dispersion
from earlystop.rollout.plan import Plan
from earlystop.rollout.search.external import own_requests
from earlystop.rollout.search.patience import goes_on_to_learn, goes_on_to_prove, is_given_up
from earlystop.rollout.search.worth import MOST_TIMES
from earlystop.rollout.state import Comparison, Decision, RolloutState, Verdict
from earlystop.rollout.stored.compressed_looks import started_in
from earlystop.rollout.trials.clock import is_time_over, seconds_of
from earlystop.rollout.trials.end_reasons import BUDGET_USED
from earlystop.rollout.words.dispersion_words import not_promoted_yet
from earlystop.rollout.words.held_messages import NEITHER_PROVEN, unless_held

TRIAL_REQUESTS_USED = "TrialRequestsUsed"
TRIAL_GIVEN_UP = "TrialGivenUp"


def decision_on_budget(state: RolloutState, comparison: Comparison, at: int) -> Decision | None:
    """The end of a trial whose requests are used up; None while some are left, and outside of a search. A promising one
    goes on until its looks tell how much answers scatter, one that has come far to more requests, each until the
    requests of the whole search are used up, or those of its proposer where others propose. One that is not likely to
    end in a certificate is given up before. What others proposed under an earlier release goes on to learn alone."""
    trial, used = state.pinned_plan.trial, started_in(comparison.looks)
    if trial is None:
        return None
    if is_hopeless(state.pinned_plan, comparison):
        message = given_up(state.pinned_plan, comparison)
        return Decision(Verdict.INCONCLUSIVE, TRIAL_GIVEN_UP, message, at, comparison.name)
    if used < trial.requests:
        return None
    evidence, may_prove = comparison.evidence, not trial.proposer or trial.gives_up_below > 0
    if used < _requests_left(state) and (
        goes_on_to_learn(evidence, len(comparison.looks))
        or (may_prove and goes_on_to_prove(evidence, used, trial.requests, trial.gives_up_below))
    ):
        return None
    message = requests_used(state.pinned_plan, comparison)
    if not learns_dispersion(comparison):  # else the sentence says already what it waited for
        message = unless_held(message, state, at)
    return Decision(Verdict.INCONCLUSIVE, TRIAL_REQUESTS_USED, message, at, comparison.name)


def is_hopeless(plan: Plan, comparison: Comparison) -> bool:
    """Whether a trial is given up after its last look, as its plan says."""
    trial, looks = plan.trial, comparison.looks
    if trial is None or not trial.gives_up_below:
        return False
    used = started_in(looks)
    return is_given_up(comparison.evidence, len(looks), used, trial.requests, trial.gives_up_below)


def given_up(plan: Plan, comparison: Comparison) -> str:
    """The sentence on a trial that is given up."""
    trial = plan.trial
    below, most = (0.0, 0) if trial is None else (trial.gives_up_below, MOST_TIMES * trial.requests)
    return (
        f"After {counted(started_in(comparison.looks), 'request')} the probability that this trial ends in a "
        f"certificate is below {rounded_percent(below)}, even with all {most:,} that it might take; they are kept for "
        "other settings."
    )


def _requests_left(state: RolloutState) -> float:
    """Requests that the trial under way may take before those of the whole search are used up, or those of its proposer
    where others propose."""
    search, trial = state.pinned_plan.spec.search, state.pinned_plan.trial
    if search is None or trial is None or search.budget is None or search.budget.requests is None:
        return inf
    most, progress = search.budget.requests, state.search
    left = most - (0 if progress is None else progress.requests)
    if progress is None or not search.traits.takes_proposals:
        return left
    return min(left, own_requests(trial.proposer, progress.outcomes, most) or 0)


def requests_used(plan: Plan, comparison: Comparison) -> str:
    """The sentence on a trial whose requests are used up, and what kept it from any certificate."""
    requests = 0 if plan.trial is None else plan.trial.requests
    known = comparison.claims.dispersion
    used, looks = started_in(comparison.looks), len(comparison.looks)
    if not learns_dispersion(comparison) or known.drifts:
        if started_in(comparison.looks[:-1]) < requests:
            return only_proposed_used(plan)
        return (
            f"{NEITHER_PROVEN} with {counted(used, 'request')}; this trial had come far with the "
            f"{requests:,} that it was proposed for, and went on."
        )
    return (
        f"{NEITHER_PROVEN} with {counted(used, 'request')} in {counted(looks, 'look')}, and "
        f"{not_promoted_yet(known)}. Else write a smaller rollout.lookSeconds, or a larger search.budget.requests."
    )


def only_proposed_used(plan: Plan) -> str:
    """The sentence on a trial that ends with the requests that it was proposed for; earlier releases said no other."""
    requests = 0 if plan.trial is None else plan.trial.requests
    return f"{NEITHER_PROVEN} with the {counted(requests, 'request')} that this trial may take."


def decision_on_time(state: RolloutState, now: int) -> Decision | None:
    """The end of a trial when the time of its search is over; None before, and without such a bound."""
    plan, progress = state.pinned_plan, state.search
    if progress is None or plan.trial is None:
        return None
    if not is_time_over(plan, progress, now):
        return None
    return Decision(Verdict.INCONCLUSIVE, BUDGET_USED, unless_held(time_used(plan), state, now), now, state.leader)


def time_used(plan: Plan) -> str:
    """The sentence on a trial that ends with the time of its search."""
    return time_used_messages(plan)[0]


def time_used_messages(plan: Plan) -> list[str]:
    """That sentence, and the one that earlier releases wrote; none for a search without such a bound."""
    seconds = seconds_of(plan)
    times = () if seconds is None else (in_duration(seconds), f"{seconds} s")
    return [f"{NEITHER_PROVEN} before the {each} of the search were over." for each in times]
