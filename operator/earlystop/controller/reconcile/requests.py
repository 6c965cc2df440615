"""What spec and annotations now call for, as changes of the campaign under way, in the order in which they apply."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from earlystop.api.signatures import ABORT, PROMOTE, RETRY, SUSPEND
from earlystop.controller.memory.tracked import Progress, TrackedPolicy
from earlystop.controller.reconcile.new_campaign import NewCampaign
from earlystop.controller.reconcile.recorder import Recorder
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.certificate.response import revalidates, roll_back_lapsed
from earlystop.rollout.certificate.words import revalidating_note
from earlystop.rollout.guard.adjust import step_back, without_step_back
from earlystop.rollout.guard.busy import follow_load
from earlystop.rollout.guard.follow import follow_guard
from earlystop.rollout.handled_requests import Request, handled_of, note_handled
from earlystop.rollout.manual import Decide, Declined, abort, answered, noted, promote_now
from earlystop.rollout.state import Phase, RolloutState
from earlystop.rollout.stored.status_codec import digest_of_decision
from earlystop.rollout.transitions import suspend_or_resume
from earlystop.rollout.words.deletion import WHO_DELETED, deletion_note
from earlystop.rollout.words.event_note import EventNote


async def follow_requests(recorder: Recorder, tracked: TrackedPolicy, new: NewCampaign, now: int) -> None:
    """Abort, start a campaign, pause or resume it, promote, in the order of `REQUESTED`, and keep each before the next.
    At most one campaign begins: new. now: Unix seconds. Of a policy that was deleted nothing is followed any more.

    Raises what `Recorder.keep` raises.
    """
    if tracked.policy.held_by:
        await recorder.keep(tracked, Progress(after_deletion(tracked, now)))
        return
    for requested in REQUESTED:
        after = requested(tracked, now, new)
        if after is not tracked.state or tracked.may_have_news:
            await recorder.keep(tracked, Progress(after))


def after_abort(tracked: TrackedPolicy, now: int, new: NewCampaign) -> RolloutState:
    """The state after the abort that an annotation requests; the same one when there is nothing to abort."""
    return _after_request(tracked, ABORT, tracked.policy.requests.abort, abort, now)


def after_new_campaign(tracked: TrackedPolicy, now: int, new: NewCampaign) -> RolloutState:
    """The state after a new campaign has begun, where the judged part of the spec calls for one.

    A refused spec changes nothing of the campaign under way. A policy that has left its target to another one begins
    nothing by itself.
    """
    retry = tracked.policy.requests.retry
    state = _told(tracked, RETRY, retry, *noted(RETRY, tracked.state, retry))
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
    state = tracked.state
    of_latest = partial(digest_of_decision, tracked.name, tracked.uid, state)
    return _told(tracked, verb, request, *answered(verb, decide, tracked.times, state, request, of_latest, now))


def _told(
    tracked: TrackedPolicy, verb: str, request: Request, after: RolloutState, declined: Declined | None
) -> RolloutState:
    """The state after a request. People are told why nothing is done about it: once, also where the status that would
    remember it is stuck."""
    if not request.text:
        tracked.declined.pop(verb, None)
    if declined is None or tracked.declined.get(verb) == request.text:
        return after
    tracked.declined[verb] = request.text
    reason = "RequestRefused" if declined.refused else "RequestIgnored"
    message = f"{declined.message} Asked for by {handled_of(after, verb).by}."
    tracked.announce(EventNote(reason, "ApplyRequest", message, warning=declined.refused))
    return after


def _pause_was_requested(tracked: TrackedPolicy) -> bool:
    """Whether anybody has asked for a pause or its end: of most policies nothing of it needs to be remembered."""
    known = handled_of(tracked.state, SUSPEND).text or tracked.state.phase == Phase.SUSPENDED
    return bool(tracked.spec.suspend or tracked.policy.requests.suspend.signature or known)
