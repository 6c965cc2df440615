"""What spec and annotations now call for, as changes of the campaign under way, in the order in which they apply."""

from __future__ import annotations

from collections.abc import Callable

from earlystop.controller.reconcile.tracked import TrackedPolicy
from earlystop.rollout.event_notes import EventNote
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.manual import Declined, Request, abort, promote_now
from earlystop.rollout.state import RolloutState
from earlystop.rollout.status_codec import digest_of_decision
from earlystop.rollout.transitions import start_campaign, suspend_or_resume

ManualDecision = Callable[[LiveTimes, RolloutState, Request, str, int], RolloutState | Declined]


def after_abort(tracked: TrackedPolicy, now: int) -> RolloutState:
    """The state after the abort that an annotation requests; the same one when there is nothing to abort."""
    return _after_request(tracked, tracked.policy.requests.abort, abort, now)


def after_new_campaign(tracked: TrackedPolicy, now: int) -> RolloutState:
    """The state after a new campaign has begun, where the judged part of the spec calls for one.

    A refused spec changes nothing of the campaign under way.
    """
    if tracked.observations.refusal is not None:
        return tracked.state
    digest = digest_of_decision(tracked.name, tracked.uid, tracked.state)
    return start_campaign(tracked.spec, tracked.uid, tracked.retry_token, digest, tracked.state, now)


def after_pause(tracked: TrackedPolicy, now: int) -> RolloutState:
    """The state after `spec.suspend` was followed."""
    return suspend_or_resume(tracked.times, tracked.state, now)


def after_promotion(tracked: TrackedPolicy, now: int) -> RolloutState:
    """The state after the promotion that an annotation requests; the same one when it is carried out already."""
    return _after_request(tracked, tracked.policy.requests.promote, promote_now, now)


REQUESTED = (after_abort, after_new_campaign, after_pause, after_promotion)
"""An abort comes first, so that the campaign that it ends has a verdict before the next one begins."""


def _after_request(tracked: TrackedPolicy, request: Request, decide: ManualDecision, now: int) -> RolloutState:
    """The state after a person's request. One that is declined changes nothing and gets one event."""
    name = decide.__name__
    if not request.text:
        tracked.declined.pop(name, None)
        return tracked.state
    digest = digest_of_decision(tracked.name, tracked.uid, tracked.state)
    after = decide(tracked.times, tracked.state, request, digest, now)
    if not isinstance(after, Declined):
        return after
    if tracked.declined.get(name) != after.message:
        tracked.declined[name] = after.message
        reason = "RequestRefused" if after.refused else "RequestIgnored"
        message = f"{after.message} Asked for by {request.by}."
        tracked.announce(EventNote(reason, "ApplyRequest", message, warning=after.refused))
    return tracked.state
