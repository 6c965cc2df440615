"""After an alarm: the next more careful setting that the campaign has certified serves, if there is one.

It was certified beside the one that is taken back, at the same risk for all of them together, so nothing is promoted
that was not proven. The alarm is carried out first: all requests are at the baseline before any of them gets another
setting, and a verdict stands before the route.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from earlystop.api.parameters import Parameter
from earlystop.rollout.decision import GUARD_ALARM
from earlystop.rollout.decision_messages import benefit_message
from earlystop.rollout.later_decision import decided_again
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.plan import Plan
from earlystop.rollout.promotion import missing_proof
from earlystop.rollout.state import Decision, Phase, RolloutState, Verdict

STEPPED_BACK = "SteppedBack"


def step_back(times: LiveTimes, state: RolloutState, now: int, previous_digest: Callable[[], str]) -> RolloutState:
    """The state with a decision for the next more careful certified setting, once an alarm was carried out and where
    the policy asks for it; else the same one. While the policy is suspended no weight rises. Nobody is asked: harm
    waits for no answer, and what serves was certified before.

    previous_digest: gives that of the alarm's verdict.
    """
    name = careful_setting_due(times, state)
    if name is None:
        return state
    message = stepped_back_message(state.pinned_plan, state, name)
    following = Decision(Verdict.PROMOTE, STEPPED_BACK, message, now, name)
    return decided_again(times.without_people, replace(state, guard=None), following, previous_digest())


def careful_setting_due(times: LiveTimes, state: RolloutState) -> str | None:
    """Name of the setting that follows an alarm now; None where none does."""
    decision, guard = state.decision, times.guard
    is_over = state.phase is Phase.ROLLED_BACK and decision is not None and decision.reason == GUARD_ALARM
    if not is_over or decision is None or guard is None or guard.adjust is None or times.suspend:
        return None
    return next_more_careful(state, decision.candidate)


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
    return (
        f"After the guard's alarm the next more careful certified setting serves. {benefit_message(plan, state, name)}"
    )
