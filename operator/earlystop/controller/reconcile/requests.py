"""What spec and annotations now call for, as changes of the campaign under way, in the order in which they apply."""

from __future__ import annotations

from dataclasses import replace

from earlystop.api.signatures import ABORT, PROMOTE, RETRY, SUSPEND
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.reconcile.new_campaign import NewCampaign
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.certificate.response import revalidates, roll_back_lapsed
from earlystop.rollout.certificate.words import revalidating_note
from earlystop.rollout.guard.adjust import step_back, without_step_back
from earlystop.rollout.guard.busy import follow_load
from earlystop.rollout.guard.follow import follow_guard
from earlystop.rollout.handled_requests import Request, handled_of, is_new, is_spent, note_handled
from earlystop.rollout.manual import Decide, Declined, abort, follow, promote_now, spent_message
from earlystop.rollout.state import Phase, RolloutState
from earlystop.rollout.stored.status_codec import digest_of_decision
from earlystop.rollout.transitions import suspend_or_resume
from earlystop.rollout.words.deletion import WHO_DELETED, deletion_note
from earlystop.rollout.words.event_note import EventNote


def after_abort(tracked: TrackedPolicy, now: int, new: NewCampaign) -> RolloutState:
    """The state after the abort that an annotation requests; the same one when there is nothing to abort."""
    return _after_request(tracked, ABORT, tracked.policy.requests.abort, abort, now)


def after_new_campaign(tracked: TrackedPolicy, now: int, new: NewCampaign) -> RolloutState:
    """The state after a new campaign has begun, where the judged part of the spec calls for one.

    A refused spec changes nothing of the campaign under way. A policy that has left its target to another one begins
    nothing by itself.
    """
    state = _noted(tracked, RETRY, tracked.policy.requests.retry)
    has_left = bool(tracked.traffic.handover.successor) and not tracked.is_edited(state)
    if tracked.observations.refusal is not None or has_left:
        return state
    digest = digest_of_decision(tracked.name, tracked.uid, state) or new.earlier_digest
    again = new.lapse_read and revalidates(tracked.times, state, now)
    inputs = replace(new.inputs, previous_digest=digest, revalidates=again)
    after = start_campaign(tracked.spec, tracked.retry_token, state, now, inputs)
    if state.phase == Phase.SUSPENDED and after is not state:
        # The new campaign ends the pause by itself: its end is told as that of who ended it, not of who paused.
        after = note_handled(after, SUSPEND, tracked.policy.requests.suspend)
    if again and after is not state and not tracked.is_edited(state):
        tracked.announce(revalidating_note(state))
    if new.history_notes and after is not state:
        tracked.announce(EventNote("HistoryRead", "StartSearch", " ".join(new.history_notes)))
    return after


def after_pause(tracked: TrackedPolicy, now: int, new: NewCampaign) -> RolloutState:
    """The state after `spec.suspend` was followed."""
    state = tracked.state
    if _pause_was_requested(tracked):
        state = note_handled(state, SUSPEND, tracked.policy.requests.suspend)
    return suspend_or_resume(tracked.times, state, now)


def after_promotion(tracked: TrackedPolicy, now: int, new: NewCampaign) -> RolloutState:
    """The state after the promotion that an annotation requests; the same one when it is carried out already."""
    return _after_request(tracked, PROMOTE, tracked.policy.requests.promote, promote_now, now)


def after_guard(tracked: TrackedPolicy, now: int, new: NewCampaign) -> RolloutState:
    """The state after `spec.guard` was followed, and what follows from an alarm and from the load. A refused spec
    changes nothing, but that no setting follows any more: nor does one of a policy that has left its target to another
    one."""
    state = tracked.state
    if tracked.observations.refusal is not None or tracked.traffic.handover.successor:
        return without_step_back(state)
    after = step_back(tracked.times, state, now, lambda: digest_of_decision(tracked.name, tracked.uid, state))
    return follow_load(tracked.times, follow_guard(tracked.times, after, now), tracked.load_memory.read, now)


def after_lapse(tracked: TrackedPolicy, now: int, new: NewCampaign) -> RolloutState:
    """The state after the way back that the policy asks for when its certificate lapses. A refused spec changes
    nothing, nor does what was not read just now."""
    if tracked.observations.refusal is not None or not new.lapse_read:
        return tracked.state
    digest = digest_of_decision(tracked.name, tracked.uid, tracked.state)
    return roll_back_lapsed(tracked.times, tracked.state, now, digest)


REQUESTED = (after_abort, after_new_campaign, after_pause, after_promotion, after_lapse, after_guard)
"""An abort comes first, so that the campaign that it ends has a verdict before the next one begins."""


def after_deletion(tracked: TrackedPolicy, now: int) -> RolloutState:
    """The state after the policy was deleted, while others' finalizers keep its object: the campaign is aborted, also
    while it is paused and after a promotion, and nothing begins any more."""
    state = tracked.state
    if not tracked.deletion_is_told:
        tracked.deletion_is_told = True
        tracked.announce(deletion_note(tracked.policy.held_by))
    if state.phase == Phase.PENDING:
        return state
    digest = digest_of_decision(tracked.name, tracked.uid, state)
    after = abort(tracked.times, state, Request(state.revision, WHO_DELETED), digest, now)
    return state if isinstance(after, Declined) else after


def _after_request(tracked: TrackedPolicy, verb: str, request: Request, decide: Decide, now: int) -> RolloutState:
    """The state after a person's request. One that is declined changes nothing and gets one event."""
    if not is_new(tracked.state, verb, request):
        return _noted(tracked, verb, request)
    digest = digest_of_decision(tracked.name, tracked.uid, tracked.state)
    after, declined = follow(verb, decide, tracked.times, tracked.state, request, digest, now)
    if declined is None:
        return after
    _tell_declined(tracked, verb, request, declined, handled_of(after, verb).by)
    return after


def _noted(tracked: TrackedPolicy, verb: str, request: Request) -> RolloutState:
    """The state that remembers what stands there. A text that was dealt with before another one gets one event."""
    state = tracked.state
    if not request.text:
        tracked.declined.pop(verb, None)
    after = note_handled(state, verb, request)
    if is_spent(state, verb, request) and request.text != handled_of(state, verb).text:
        declined = Declined(spent_message(after, verb, request))
        _tell_declined(tracked, verb, request, declined, handled_of(after, verb).by)
    return after


def _tell_declined(tracked: TrackedPolicy, verb: str, request: Request, declined: Declined, by: str) -> None:
    """Tell people why nothing is done about a request: once, also where the status that would remember it is stuck."""
    if tracked.declined.get(verb) == request.text:
        return
    tracked.declined[verb] = request.text
    reason = "RequestRefused" if declined.refused else "RequestIgnored"
    message = f"{declined.message} Asked for by {by}."
    tracked.announce(EventNote(reason, "ApplyRequest", message, warning=declined.refused))


def _pause_was_requested(tracked: TrackedPolicy) -> bool:
    """Whether anybody has asked for a pause or its end: of most policies nothing of it needs to be remembered."""
    known = handled_of(tracked.state, SUSPEND).text or tracked.state.phase == Phase.SUSPENDED
    return bool(tracked.spec.suspend or tracked.policy.requests.suspend.signature or known)
