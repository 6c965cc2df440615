"""What people are told of gates: while a decision waits, and when one ends a campaign."""

from __future__ import annotations

import re

from earlystop.api.conditions import Condition, ConditionStatus, ConditionType
from earlystop.rollout.plan import Plan
from earlystop.rollout.waiting.gates import GateAnswer, GatesAsked, GateState, StepGates, gates_of_step

GATE_CLOSED = "GateClosed"
GATE_TIMED_OUT = "GateTimedOut"


def gate_sentence(answer: GateAnswer, before: str = "") -> str:
    """How a gate stands. before: what it holds, with a blank in front; "" for a promotion."""
    words = {
        GateState.WAITING: "is waited for",
        GateState.OPEN: "is open",
        GateState.CLOSED: "is closed",
        GateState.TIMED_OUT: "has not opened in time",
    }
    why = f": {answer.message}" if answer.message else ""
    return f"Gate {answer.gate} {words[answer.state]}{before}{why}."


def before_step(asked: StepGates | None, plan: Plan | None) -> str:
    """The words on the step that gates hold, with a blank in front; "" where none does."""
    if asked is None or plan is None:
        return ""
    return f" before step {asked.step + 1}, at {plan.stage(asked.step).weight} %"


def gate_condition(asked: GatesAsked | None, steps: StepGates | None, plan: Plan | None) -> tuple[Condition, ...]:
    """GatesOpen: whether all gates before a promotion, and before the latest step, are open; nothing where none is
    asked."""
    of_promotion, of_step = (() if each is None else each.answers for each in (asked, gates_of_step(steps)))
    if not of_promotion and not of_step:
        return ()
    before = before_step(steps, plan)
    message = " ".join([*map(gate_sentence, of_promotion), *(gate_sentence(each, before) for each in of_step)])
    states, type_ = {each.state for each in (*of_promotion, *of_step)}, ConditionType.GATES_OPEN
    if GateState.CLOSED in states:
        return (Condition(type_, ConditionStatus.FALSE, GATE_CLOSED, message),)
    if GateState.TIMED_OUT in states:
        return (Condition(type_, ConditionStatus.FALSE, GATE_TIMED_OUT, message),)
    if GateState.WAITING in states:
        return (Condition(type_, ConditionStatus.UNKNOWN, "GateWaiting", message),)
    return (Condition(type_, ConditionStatus.TRUE, "GateOpen", message),)


def closed_message(gate: str, candidate: str, said: str) -> str:
    """The sentence on a campaign that a gate ends. said: what it said, "" for nothing."""
    return f"Gate {gate} is closed to candidate {candidate}, which gets no more requests{f': {said}' if said else ''}."


def timed_out_message(gate: str, candidate: str) -> str:
    """The sentence on a campaign whose gate did not open in time."""
    return f"Gate {gate} did not open in time for candidate {candidate}."


def is_gate_message(reason: str, candidate: str, message: str, remainder: str) -> bool:
    """Whether a verdict's message is one that a gate gives. remainder: what the counts may have missed, "" for nothing.
    What a gate said, nobody can recompute."""
    name = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
    who = re.escape(candidate)
    tail = re.escape(f" {remainder}") if remainder else ""
    if reason == GATE_TIMED_OUT:
        return re.fullmatch(rf"Gate {name} did not open in time for candidate {who}\.{tail}", message) is not None
    words = rf"Gate {name} is closed to candidate {who}, which gets no more requests(: .*)?\."
    return re.fullmatch(f"{words}({tail})?", message) is not None
