"""The one place where an alarm becomes an action."""

from __future__ import annotations

from dataclasses import replace

from earlystop.evidence.objective import Claim
from earlystop.rollout.decision import GUARD_ALARM
from earlystop.rollout.exposure import serving
from earlystop.rollout.guard.adjust import setting_after
from earlystop.rollout.guard.transitions import alarm_of
from earlystop.rollout.later_decision import decided_again, without_certificate
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.state import Decision, RolloutState, Verdict


def respond(times: LiveTimes, state: RolloutState, previous_digest: str) -> RolloutState:
    """The state with a decision to take the promoted setting off, where a guard has alarmed; else the same one.

    It is a further decision of the campaign: all requests go back to the baseline first, then the verdict is stored.
    What the alarm is about is certified no more. Whether a more careful setting follows is decided here too, and only
    here. previous_digest: digest of the promotion's verdict.
    """
    alarm = alarm_of(state)
    if alarm is None or state.guard is None or not state.is_guarded:
        return state
    pinned = replace(alarm, then=setting_after(times, state))
    decision = Decision(
        verdict=Verdict.ROLL_BACK,
        reason=GUARD_ALARM,
        message=alarm_message(alarm.claims, alarm.seconds),
        at=alarm.at,
        candidate=serving(state),
        guard_looks_as_text=True,
    )
    after = replace(without_certificate(state), guard=replace(state.guard, alarm=pinned))
    return decided_again(times.without_people, after, decision, previous_digest)


def alarm_message(claims: tuple[Claim, ...], seconds: int) -> str:
    """Why the promoted setting is taken off. seconds: between false alarms on average, at least."""
    named = ", ".join(map(str, claims))
    return (
        f"After the promotion the guard shows harm ({named}), so all requests go back to the baseline. Without harm "
        f"such an alarm comes once in {seconds} s at most, on average."
    )
