"""After an alarm: the next more careful setting that the campaign has certified serves, if there is one.

It was certified beside the one that is taken back, at the same risk for all of them together, so nothing is promoted
that was not proven. The alarm is carried out first: all requests are at the baseline before any of them gets another
setting, and a verdict stands before the route. What follows an alarm is decided with it and is part of it: no edit, no
resumption and no passing of time makes a setting follow an alarm that named none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from earlystop.api.parameters import Parameter
from earlystop.rollout.decided import with_decision
from earlystop.rollout.decision import GUARD_ALARM
from earlystop.rollout.exposure import serving
from earlystop.rollout.later_decision import decided_again
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.plan import Plan
from earlystop.rollout.promotion import missing_proof
from earlystop.rollout.state import Decision, Phase, RolloutState, Verdict
from earlystop.rollout.words.decision_messages import benefit_message

STEPPED_BACK = "SteppedBack"
LONGEST_SECONDS = 900
"""So long after an alarm a more careful setting may follow, and no later: what the alarm knew of it is old then."""


def setting_after(times: LiveTimes, state: RolloutState) -> str:
    """Name of the setting that is to follow the alarm of this moment, "" where none is.

    None follows unless the policy asks for it now. Nor does one where its promotion would have to wait for anybody:
    harm waits for no answer, so the baseline serves.
    """
    if times.guard is None or times.guard.adjust is None or times.suspend:
        return ""
    name = next_more_careful(state, serving(state))
    return "" if name is None or waits_for_consent(times, state, name) else name


def step_back(times: LiveTimes, state: RolloutState, now: int, previous_digest: Callable[[], str]) -> RolloutState:
    """The state with a decision for the setting that the alarm names, once the alarm was carried out; else the same
    one. Where the policy is suspended meanwhile, no longer asks for it, or asks people by now, nothing follows any
    more, whatever is edited later.

    previous_digest: gives that of the alarm's verdict.
    """
    if _named(state) and not _is_wanted(times, state, now):
        return without_step_back(state)
    name = careful_setting_due(times, state, now)
    if name is None:
        return state
    following = _following(state, name, now)
    return decided_again(times, state, following, previous_digest(), ends_guard=True)


def careful_setting_due(times: LiveTimes, state: RolloutState, now: float) -> str | None:
    """Name of the setting that follows an alarm at a moment, Unix seconds; None where none does."""
    is_due = state.phase is Phase.ROLLED_BACK and _is_wanted(times, state, now)
    return _named(state) or None if is_due else None


def without_step_back(state: RolloutState) -> RolloutState:
    """The state whose alarm is followed by nothing."""
    guard = state.guard
    if guard is None or guard.alarm is None or not guard.alarm.then:
        return state
    return replace(state, guard=replace(guard, alarm=replace(guard.alarm, then="")))


def steps_back(state: RolloutState) -> bool:
    """Whether an alarm is still to be followed by a more careful setting."""
    return bool(_named(state))


def _named(state: RolloutState) -> str:
    """Name of the setting that is to follow the alarm of the latest decision, "" for none."""
    guard, decision = state.guard, state.decision
    if guard is None or guard.alarm is None or decision is None or decision.reason != GUARD_ALARM:
        return ""
    return guard.alarm.then


def _is_wanted(times: LiveTimes, state: RolloutState, now: float) -> bool:
    """Whether the policy still asks for what the alarm names, in time, and asks nobody about it."""
    name, decision = _named(state), state.decision
    if not name or decision is None or times.guard is None or times.guard.adjust is None or times.suspend:
        return False
    return now <= decision.at + LONGEST_SECONDS and not waits_for_consent(times, state, name)


def waits_for_consent(times: LiveTimes, state: RolloutState, name: str) -> bool:
    """Whether a promotion of this setting would have to wait for anybody's consent, as the policy says it now."""
    following = _following(state, name, 0)
    return with_decision(times, state, following).decision is state.decision


def _following(state: RolloutState, name: str, at: int) -> Decision:
    message = stepped_back_message(state.pinned_plan, state, name)
    return Decision(Verdict.PROMOTE, STEPPED_BACK, message, at, name)


def next_more_careful(state: RolloutState, name: str) -> str | None:
    """Name of the boldest certified candidate that is more careful than this one; None where there is none.

    Only what the looks still prove counts. Where two are bold in different parameters, the one that saves more counts.
    """
    plan = state.pinned_plan
    proven = [each for each in state.active if each.certified_at is not None]
    sound = [each for each in proven if not missing_proof(plan, each, state.active)]
    below = [each.name for each in sound if is_more_careful(plan, each.name, name)]
    boldest = [each for each in below if not any(is_more_careful(plan, each, other) for other in below)]
    saving = {each.name: each.assessment.saving.low or 0.0 for each in sound}
    return max(boldest, key=lambda each: saving[each], default=None)


def is_more_careful(plan: Plan, name: str, than: str) -> bool:
    """Whether a candidate stops no sooner than another one by any parameter, and later by one. Values without an order
    (`stopsSooner`) must be the same."""
    own, theirs = plan.settings_of(name), plan.settings_of(than)
    known = {each.name: each for each in plan.spec.parameters}
    differing = [each for each in known if own.get(each) != theirs.get(each)]
    return bool(differing) and all(_stops_later(known[each], own, theirs) for each in differing)


def _stops_later(parameter: Parameter, own: Mapping[str, str], theirs: Mapping[str, str]) -> bool:
    mine, other = own.get(parameter.name), theirs.get(parameter.name)
    if parameter.stops_sooner is None or mine is None or other is None:
        return False
    return parameter.boldness(mine) < parameter.boldness(other)


def stepped_back_message(plan: Plan, state: RolloutState, name: str) -> str:
    """Why a more careful setting serves."""
    return f"After the guard's alarm the next more careful proven setting serves. {benefit_message(plan, state, name)}"
