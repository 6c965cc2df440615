"""What people are told of the setting that serves by the load."""

from __future__ import annotations

from collections.abc import Mapping

from earlystop.api.conditions import Condition, ConditionStatus, ConditionType
from earlystop.api.when_busy import WhenBusy
from earlystop.rollout.exposure import serving
from earlystop.rollout.formatting import in_settings
from earlystop.rollout.guard.busy import Hindrance, LoadRead, hindrance, wanted_of
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.state import RolloutState
from earlystop.rollout.words.event_note import EventNote

BUSY, QUIET = "Busy", "Quiet"
_WHY: Mapping[Hindrance, str] = {
    Hindrance.NOTHING_MORE_CAREFUL: "no more careful setting is proven beside the promoted one, so that one serves",
    Hindrance.NOT_CERTIFIED: "the promoted setting is not proven by this campaign, so the load changes nothing",
    Hindrance.NEEDS_CONSENT: "people, or a gate, must agree to each setting before it is promoted, and have agreed to "
    "none but the promoted one; so the load changes nothing",
    Hindrance.LAPSED: "the certificate has lapsed, so nothing bolder serves, whatever the load is",
}


def load_condition(times: LiveTimes, state: RolloutState, load: LoadRead) -> Condition | None:
    """LoadFollowed: whether the setting that serves follows the load; None where a policy does not ask for it."""
    wanted, guard = wanted_of(times), state.guard
    if wanted is None or guard is None or not state.is_guarded or guard.ends:
        return None
    kind, why, serves = ConditionType.LOAD_FOLLOWED, hindrance(times, state, load), serving(state)
    if why is Hindrance.LOAD_UNKNOWN:
        message = f"Load {wanted.load} is not known: {load.problem}. {serves} goes on serving."
        return Condition(kind, ConditionStatus.UNKNOWN, why.value, message)
    if why is not None:
        return Condition(kind, ConditionStatus.FALSE, why.value, f"{serves} serves: {_WHY[why]}.")
    reason = QUIET if guard.busy.serves else BUSY
    return Condition(kind, ConditionStatus.TRUE, reason, f"{serves} serves. {rule_sentence(wanted)}")


def rule_sentence(wanted: WhenBusy) -> str:
    """The sentence on what a policy says of its setting under load."""
    return (
        f"From a load {wanted.load} of {wanted.above} on the promoted setting serves, up to {wanted.below} the next "
        f"more careful proven one; each at least {wanted.minimum_seconds} s, at most "
        f"{wanted.changes_per_hour} changes an hour."
    )


def load_notes(before: RolloutState, after: RolloutState) -> list[EventNote]:
    """The event of a setting that serves by the load from now on."""
    then, now = before.guard, after.guard
    if then is None or now is None or before.revision != after.revision or not (before.is_guarded and after.is_guarded):
        return []
    if then.busy.serves == now.busy.serves:
        return []
    name = serving(after)
    setting = f"{name} ({in_settings(after.pinned_plan.settings_of(name))})"
    if now.busy.serves:
        message = f"{setting} serves from now on, the next more careful proven setting, in place of {after.leader}."
        return [EventNote(QUIET, "FollowLoad", message)]
    return [EventNote(BUSY, "FollowLoad", f"{setting} serves from now on, which was promoted.")]
