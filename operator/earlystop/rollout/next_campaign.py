"""What a new campaign tries: the policy's candidates, or a setting of its search, with what was spent before."""

from __future__ import annotations

from typing import NamedTuple

from earlystop.api.conditions import Refusal
from earlystop.api.policy import PolicySpec
from earlystop.rollout.baseline_use import refusal_of_baseline, used_before
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.margin_use import NOTHING_USED, MarginUse
from earlystop.rollout.outages import goes_on_at, is_interrupted
from earlystop.rollout.plan import Plan, parse_plan, plan_text
from earlystop.rollout.search.external import WaitingOffer
from earlystop.rollout.search.progress import SearchProgress
from earlystop.rollout.search.space import by_trials
from earlystop.rollout.spent_risk import attempts_spent, next_attempt
from earlystop.rollout.state import ACTING, BETWEEN_TRIALS, Attempts, RolloutState
from earlystop.rollout.trials.clock import has_time_for_a_trial, is_time_over
from earlystop.rollout.trials.sequence import WAITING, begin_search, begin_trial, is_due_again, next_proposal


class NextCampaign(NamedTuple):
    """What a campaign begins with. attempts: campaigns before it that spent risk. search: None outside of one. goes_on:
    whether it is the trial before it once more, with the evidence that this had."""

    plan: Plan
    attempts: tuple[Attempts, ...]
    search: SearchProgress | None = None
    goes_on: bool = False


def follows_by_itself(state: RolloutState, spec: PolicySpec, now: int) -> bool:
    """Whether a campaign is due that the present plan leads to: the next trial, or the search again."""
    return state.phase in BETWEEN_TRIALS or is_due_again(state, spec, now)


def begins_search(spec: PolicySpec, retry: str, state: RolloutState, now: int) -> bool:
    """Whether a search of one trial after the other would begin now, with a belief if there is one."""
    if not by_trials(spec) or spec.suspend or state.phase in ACTING:
        return False
    is_same = state.plan is not None and state.plan.is_asked_for(spec, retry)
    is_due = is_due_again(state, spec, now) if is_same else True
    return is_due and refusal_of_baseline(spec, state.losses) is None


def same_campaign(state: RolloutState) -> NextCampaign:
    """The campaign under way once more, from its beginning: of a search it is the same trial."""
    return NextCampaign(state.pinned_plan, state.attempts, state.search)


def next_campaign(
    spec: PolicySpec, retry: str, state: RolloutState, now: int, inputs: CampaignInputs, *, is_same: bool
) -> NextCampaign | None:
    """The campaign that the policy asks for, None where its search has nothing to try.

    is_same: whether the plan under way is asked for still, so that its search goes on, or begins again by itself.
    """
    if is_same and state.phase in BETWEEN_TRIALS:
        assert state.search is not None  # only a search has anything between two campaigns
        plan = state.pinned_plan
        if is_time_over(plan, state.search, now):
            return None
        if is_interrupted(state):
            return same_campaign(state)._replace(goes_on=True) if now >= goes_on_at(state) else None
        if not has_time_for_a_trial(spec, state.search, now):
            return None
        trial = _trial(spec, retry, state.search, plan.attempt, plan.used, inputs.waiting, plan.longest_answer)
        return None if trial is None else NextCampaign(trial[1], state.attempts, trial[0])
    attempts = inputs.recorded if state.plan is None else attempts_spent(state)
    used, attempt = used_before(spec, state.losses) or NOTHING_USED, next_attempt(attempts, spec)
    if not by_trials(spec):
        text = plan_text(spec, retry, attempt=attempt, used=used, longest_answer=inputs.longest_answer)
        return NextCampaign(parse_plan(text), attempts)
    for known in dict.fromkeys((inputs.belief, None)):
        begun = begin_search(spec, state, now, inputs.entropy, known, is_repeated=is_same)
        trial = _trial(spec, retry, begun, attempt, used, inputs.waiting, inputs.longest_answer)
        if trial is not None:
            return NextCampaign(trial[1], attempts, trial[0])
    return None


def refusal_of_search(spec: PolicySpec) -> Refusal | None:
    """Why a search would end before its first trial, or None."""
    if not by_trials(spec):
        return None
    begun = begin_search(spec, RolloutState(), 0, "", None, is_repeated=False)
    reason = next_proposal(spec, begun, 1, NOTHING_USED)
    if not isinstance(reason, str) or reason == WAITING:
        return None
    return Refusal(
        "NothingToTry",
        "No setting of the search is worth a trial with what search.budget and search.horizonRequests say. Write other "
        "settings, a larger horizonRequests, or a larger budget.requests.",
    )


def _trial(
    spec: PolicySpec,
    retry: str,
    search: SearchProgress,
    attempt: int,
    used: MarginUse,
    waiting: tuple[WaitingOffer, ...],
    longest_answer: int | None,
) -> tuple[SearchProgress, Plan] | None:
    proposal = next_proposal(spec, search, attempt, used, waiting)
    if isinstance(proposal, str):
        return None
    return begin_trial(spec, retry, search, proposal, attempt, used, longest_answer)
