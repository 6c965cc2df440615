"""When a campaign begins, and with what: the next trial of a search, an edited policy, or the same one anew. Pure."""

from __future__ import annotations

from dataclasses import replace

from earlystop.api.policy import PolicySpec
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.next_campaign import NextCampaign, follows_by_itself, next_campaign, same_campaign
from earlystop.rollout.outages import with_evidence_of
from earlystop.rollout.pinned_baseline import refusal_of_baseline
from earlystop.rollout.revision import revision_of
from earlystop.rollout.search.external import WaitingOffer
from earlystop.rollout.search.trial import Belief
from earlystop.rollout.state import (
    ACTING,
    BETWEEN_TRIALS,
    TRYING,
    Attempts,
    Phase,
    RolloutState,
)
from earlystop.rollout.steps import begin_comparisons
from earlystop.rollout.trials.clock import clock_resumed
from earlystop.rollout.trials.sequence import after_waiting
from earlystop.rollout.waiting.step_gates import held_at_first


def start_campaign(
    spec: PolicySpec,
    uid: str,
    retry: str,
    previous_digest: str,
    state: RolloutState,
    now: int,
    *,
    entropy: str,
    commitment: str = "",
    token_lost: bool = False,
    recorded: tuple[Attempts, ...] = (),
    belief: Belief | None = None,
    waiting: tuple[WaitingOffer, ...] = (),
    revalidates: bool = False,
) -> RolloutState:
    """A new campaign when the judged part of the policy differs from the one under way, or the next trial of its search
    is due; else the same state.

    A decision that is being carried out is finished first, so that none is left half done. While the policy is
    suspended none begins: its weights would move. Nor does one that would have no margin. A newer version of the engine
    starts none either: a campaign goes on under its own.

    entropy: random text, by which nobody foretells the revision. commitment: to the new campaign's token, "" where it
    has none. token_lost: whether nobody knows the token of the campaign under way any more, so that servers would take
    all of its requests for forged: it begins anew. recorded: campaigns that verdicts tell of, where the policy itself
    has had none. belief: what earlier verdicts make likely of a search's settings, for one that begins. waiting: what
    others have proposed to a search. revalidates: whether the certified setting is to be tried anew, as what it was
    certified on has changed.
    """
    is_same = state.plan is not None and state.plan.is_asked_for(spec, retry)
    begins_anew = token_lost and _needs_counts(state)
    if is_same and not (begins_anew or revalidates or follows_by_itself(state, spec, now)):
        return state
    if state.phase in ACTING or spec.suspend or refusal_of_baseline(spec, state.losses) is not None:
        return state
    state = clock_resumed(state, now)
    following = (
        same_campaign(state)
        if is_same and begins_anew
        else next_campaign(
            spec, retry, state, now, entropy=entropy, recorded=recorded, belief=belief, is_same=is_same, waiting=waiting
        )
    )
    if following is None:
        return after_waiting(spec, state, now) if is_same and state.phase in BETWEEN_TRIALS else state
    revision = revision_of(uid, state.campaign + 1, entropy, commitment)
    begun = replace(_begun(state, following, now), revision=revision, entropy=entropy, previous_digest=previous_digest)
    return held_at_first(LiveTimes.of(spec), with_evidence_of(begun, state) if following.goes_on else begun)


def _begun(state: RolloutState, following: NextCampaign, now: int) -> RolloutState:
    """The campaign after that of `state`, with what a policy keeps from one campaign to the next."""
    return RolloutState(
        phase=Phase.APPLYING,
        campaign=state.campaign + 1,
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
