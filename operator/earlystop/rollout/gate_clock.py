"""The time of gates, which stands still while the policy is suspended. Pure."""

from __future__ import annotations

from dataclasses import replace

from earlystop.rollout.gates import GatesAsked, GateState
from earlystop.rollout.state import RolloutState


def gate_time(state: RolloutState, now: int) -> int:
    """The moment by which the times of gates run, Unix seconds: that at which the policy was suspended, while it is."""
    return now if state.suspended_at is None else min(now, state.suspended_at)


def gates_resumed(state: RolloutState, now: int) -> RolloutState:
    """The state in which gates that are waited for have as much time as when the policy was suspended; the same one
    where it was not. What is asked keeps its moment, by which answers are known to be about it."""
    if state.suspended_at is None:
        return state
    pause, steps = max(now - state.suspended_at, 0), state.step_gates
    gates = None if state.gates is None else _later(state.gates, pause)
    of_steps = None if steps is None else replace(steps, asked=_later(steps.asked, pause))
    return replace(state, gates=gates, step_gates=of_steps)


def _later(asked: GatesAsked, pause: int) -> GatesAsked:
    answers = (replace(each, at=each.at + pause) if each.state is GateState.WAITING else each for each in asked.answers)
    return replace(asked, answers=tuple(answers))
