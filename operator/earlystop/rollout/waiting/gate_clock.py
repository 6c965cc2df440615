"""The time of gates, which stands still while the policy is suspended. Pure."""

from __future__ import annotations

from dataclasses import replace

from earlystop.rollout.state import RolloutState
from earlystop.rollout.waiting.end import are_open, proof_begins
from earlystop.rollout.waiting.gates import GatesAsked, GateState, awaits_gates_alone


def gate_time(state: RolloutState, now: int) -> int:
    """The moment by which the times of gates run, Unix seconds: that at which the policy was suspended, while it is."""
    return now if state.suspended_at is None else min(now, state.suspended_at)


def gates_resumed(state: RolloutState, now: int) -> RolloutState:
    """The state in which gates that are waited for have as much time as when the policy was suspended, and so has the
    proof that was lost while they were; the same one where it was not. What is asked keeps its moment, by which answers
    are known to be about it."""
    if state.suspended_at is None:
        return state
    pause, steps = max(now - state.suspended_at, 0), state.step_gates
    gates = None if state.gates is None else _later(_with_proof(state, state.gates, now), pause)
    of_steps = None if steps is None else replace(steps, asked=_later(steps.asked, pause))
    return replace(state, gates=gates, step_gates=of_steps)


def _with_proof(state: RolloutState, asked: GatesAsked, now: int) -> GatesAsked:
    """The gates of a decision whose proof has as much time left as at the suspension, or as when the last of them
    opened, if that was later. Where people are asked too, the time of what they agreed to goes on."""
    if state.suspended_at is None or not awaits_gates_alone(asked) or not are_open(asked):
        return asked
    begins = proof_begins(state)
    if begins is None:
        return asked
    pause = max(now - max(begins, state.suspended_at), 0)
    return replace(asked, proof_from=begins + pause)


def _later(asked: GatesAsked, pause: int) -> GatesAsked:
    answers = (replace(each, at=each.at + pause) if each.state is GateState.WAITING else each for each in asked.answers)
    return replace(asked, answers=tuple(answers))
