"""When a campaign begins, and with what: the next trial of a search, an edited policy, or the same one anew. Pure."""

from __future__ import annotations

from earlystop.api.policy import PolicySpec
from earlystop.rollout.baseline_use import refusal_of_baseline
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.next_campaign import NextCampaign, follows_by_itself, next_campaign, same_campaign
from earlystop.rollout.outages import with_evidence_of
from earlystop.rollout.revision import revision_of
from earlystop.rollout.state import (
    ACTING,
    BETWEEN_TRIALS,
    TRYING,
    Phase,
    RolloutState,
)
from earlystop.rollout.steps import begin_comparisons
from earlystop.rollout.trials.clock import clock_resumed
from earlystop.rollout.trials.sequence import after_waiting
from earlystop.rollout.waiting.step_gates import held_at_first


def start_campaign(spec: PolicySpec, retry: str, state: RolloutState, now: int, inputs: CampaignInputs) -> RolloutState:
    """A new campaign when the judged part of the policy differs from the one under way, or the next trial of its search
    is due; else the same state.

    A decision that is being carried out is finished first, so that none is left half done. While the policy is
    suspended none begins: its weights would move. Nor does one that would have no margin. A newer version of the engine
    starts none either: a campaign goes on under its own.

    retry: what the annotation that asks for the same campaign again says. now: Unix seconds.
    """
    is_same = state.plan is not None and state.plan.is_asked_for(spec, retry)
    begins_anew = inputs.token_lost and _needs_counts(state)
    if is_same and not (begins_anew or inputs.revalidates or follows_by_itself(state, spec, now)):
        return state
    if state.phase in ACTING or spec.suspend or refusal_of_baseline(spec, state.losses) is not None:
        return state
    state = clock_resumed(state, now)
    following = (
        same_campaign(state)
        if is_same and begins_anew
        else next_campaign(spec, retry, state, now, inputs, is_same=is_same)
    )
    if following is None:
        return after_waiting(spec, state, now) if is_same and state.phase in BETWEEN_TRIALS else state
    begun = _begun(state, following, now, inputs)
    return held_at_first(LiveTimes.of(spec), with_evidence_of(begun, state) if following.goes_on else begun)


def _begun(state: RolloutState, following: NextCampaign, now: int, inputs: CampaignInputs) -> RolloutState:
    """The campaign after that of `state`, with what a policy keeps from one campaign to the next."""
    number = state.campaign + 1
    return RolloutState(
        phase=Phase.APPLYING,
        campaign=number,
        revision=revision_of(inputs.uid, number, inputs.entropy, inputs.commitment),
        entropy=inputs.entropy,
        previous_digest=inputs.previous_digest,
        plan=following.plan,
        campaign_started_at=now,
        comparisons=begin_comparisons(following.plan, 0, None),
        certified=state.certified,
        attempts=following.attempts,
        losses=state.losses,
        handled=state.handled,
        search=following.search,
        outbox=state.outbox,
        savings=state.savings,
    )


def _needs_counts(state: RolloutState) -> bool:
    return state.phase in TRYING or state.phase is Phase.SUSPENDED
