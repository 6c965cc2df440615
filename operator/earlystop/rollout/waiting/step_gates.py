"""Gates before a step: pure rules. While one is waited for, the step under way goes on, and looks and harm with it.

The first step is held with all requests on the baseline, or on a search's incumbent. A later one begins at the next
look whose evidence still allows it once its gates are open. What they have said holds for a while: a step that could
not begin until then asks them anew. None is ever a reason to begin a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from earlystop.api.gates import Gate
from earlystop.rollout.decided import decided, is_decided_by_evidence
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import spacing_now
from earlystop.rollout.plan import Plan, StageKind
from earlystop.rollout.state import TRYING, RolloutState
from earlystop.rollout.waiting.answered import ended_by_gate
from earlystop.rollout.waiting.gates import (
    GateAnswer,
    GatesAsked,
    GateState,
    StepGates,
    asked_first,
    following,
    requirements,
)
from earlystop.rollout.waiting.requirements import RequirementState, joined

ALL = 100


def gates_before(times: LiveTimes, plan: Plan, step: int) -> tuple[Gate, ...]:
    """The gates before a step of a plan; none where it gives candidates no requests. A trial's largest weight stands
    for each larger one of the policy."""
    stage, largest = plan.stage(step), ALL if plan.trial is None else plan.trial.largest_weight
    if stage.kind is not StageKind.SPLIT:
        return ()
    return tuple(
        each
        for each in times.step_gates
        if each.weights is None or stage.weight in {min(weight, largest) for weight in each.weights}
    )


def held_at_first(times: LiveTimes, state: RolloutState) -> RolloutState:
    """A campaign that has just begun, whose first step waits for its gates, if it has any."""
    gates = gates_before(times, state.pinned_plan, state.step)
    if not gates:
        return state
    return replace(state, step_gates=StepGates(state.step, asked_first(gates, state.campaign_started_at)))


def through_gates(times: LiveTimes, state: RolloutState, after: RolloutState, at: int) -> RolloutState:
    """The state with the next step, or that of before, which waits for the gates before it. A step that only takes a
    candidate off waits for none. after: the state with that step, as the evidence of moment `at` allows it."""
    plan, asked = state.pinned_plan, state.step_gates
    if _stage_index(plan, state.step) == _stage_index(plan, after.step):
        return replace(after, step_gates=asked if asked is not None and asked.entered else None)
    gates = gates_before(times, plan, after.step)
    if not gates:
        return replace(after, step_gates=None)
    if asked is None or asked.entered or asked.step != after.step:
        return replace(state, step_gates=StepGates(after.step, asked_first(gates, at)))
    if joined(requirements(gates, asked.asked), at).state is not RequirementState.OPEN:
        return state
    if at > _holds_until(times, state, asked.asked):
        return replace(state, step_gates=StepGates(after.step, asked_first(gates, at)))
    return replace(after, step_gates=replace(asked, entered=True))


def after_step_gates(
    times: LiveTimes, state: RolloutState, news: Mapping[str, GateAnswer], now: int, *, all_were_asked: bool = True
) -> RolloutState:
    """The state with what gates have answered about the step that waits, and with what follows: the first step begins,
    or the campaign ends. The same state where that is no news. news: what was answered, by gate. all_were_asked: as of
    `following`."""
    asked = state.step_gates
    if asked is None or asked.entered or state.phase not in TRYING or times.suspend:
        return state
    if is_decided_by_evidence(state):
        return replace(state, step_gates=None)  # no step begins any more, unless the evidence turns
    gates = gates_before(times, state.pinned_plan, asked.step)
    holds = times.approval.expires_seconds
    stands = following(gates, asked.asked, asked.asked.since, news, now, holds, all_were_asked=all_were_asked)
    known = stands or replace(asked.asked, answers=())
    asked = asked if known == asked.asked else replace(asked, asked=known)
    answer = joined(requirements(gates, known), now)
    after = state if asked is state.step_gates else replace(state, step_gates=asked)
    if answer.state in (RequirementState.REFUSED, RequirementState.TIMED_OUT):
        return decided(times, after, ended_by_gate(state.leader, answer, now))
    if answer.state is RequirementState.OPEN and asked.step == state.step:
        if now > _holds_until(times, state, known):
            return replace(state, step_gates=StepGates(asked.step, asked_first(gates, now)))
        # What its label has counted meanwhile is of another split.
        return replace(after, step_gates=replace(asked, entered=True), interrupted=True)
    return after


def _holds_until(times: LiveTimes, state: RolloutState, asked: GatesAsked) -> int:
    """Until when a step may begin by what its gates have said, Unix seconds: as long after the last of them opened as
    people have to agree to a promotion, and for two looks, or seldom ones would never begin a step."""
    opened = max((each.at for each in asked.answers if each.state is GateState.OPEN), default=asked.since)
    return opened + max(times.approval.expires_seconds, 2 * spacing_now(times, state))


def _stage_index(plan: Plan, step: int) -> int:
    return min(step, len(plan.stages) - 1)
