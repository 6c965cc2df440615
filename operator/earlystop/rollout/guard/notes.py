"""What changed of a guard, as events."""

from __future__ import annotations

from earlystop.rollout.guard.state import Alarm, GuardState, WatchPhase
from earlystop.rollout.guard.words import blind_sentence, guard_sentence, window_sentence
from earlystop.rollout.state import RolloutState
from earlystop.rollout.words.event_note import EventNote


def guard_notes(before: RolloutState, after: RolloutState) -> list[EventNote]:
    """The events that tell how a guard went on; none where there is nothing to tell a person."""
    then, now = before.guard, after.guard
    if then is now or after.campaign != before.campaign:
        return []
    if now is None:
        return [_removed()] if then is not None and after.decision == before.decision else []
    if now.alarm is not None and (then is None or then.alarm is None):
        assert after.decision is not None  # an alarm and its decision are stored together
        message = f"{after.decision.message}{window_sentence(now)}{_following(now.alarm)}"
        return [EventNote("GuardAlarm", "RollBack", message, warning=True)]
    if now.is_blind and not (then is not None and then.is_blind):
        return [EventNote("GuardBlind", "WatchPromotion", blind_sentence(now), warning=True)]
    if _watches(now) and (then is None or not _watches(then)):
        return [EventNote("Watching", "WatchPromotion", guard_sentence(now))]
    return []


def _following(alarm: Alarm) -> str:
    return f" Once they are back, {alarm.then} follows, which is more careful and proven." if alarm.then else ""


def _removed() -> EventNote:
    message = "The guard was removed from the spec: the promoted setting gets all requests, and nobody watches over it."
    return EventNote("GuardEnds", "WatchPromotion", message)


def _watches(guard: GuardState) -> bool:
    return guard.phase is WatchPhase.OBSERVING
