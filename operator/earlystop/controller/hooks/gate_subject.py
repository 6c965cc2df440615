"""What a policy's gates are asked about now: the promotion that waits, or the step that does."""

from __future__ import annotations

from earlystop.api.gates import Gate
from earlystop.controller.memory.gates import GateMemory
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.rollout.state import TRYING, RolloutState
from earlystop.rollout.waiting.gates import ANSWERED, GateAnswer, GateSubject, gates_of_step
from earlystop.rollout.waiting.step_gates import gates_before


def subject_of(tracked: TrackedPolicy, gate: Gate) -> GateSubject | None:
    """What a gate is asked about, as the stored state has it; None while nothing waits for it."""
    state = tracked.status.stored
    if gate.before == "Promotion":
        awaited = state.awaiting
        return None if awaited is None else GateSubject(awaited.since, awaited.candidate)
    asked = state.step_gates
    if asked is None or asked.entered or state.phase not in TRYING:
        return None
    is_held = gate in gates_before(tracked.times, state.pinned_plan, asked.step)
    return GateSubject(asked.asked.since, step=asked.step) if is_held else None


def memory_of(tracked: TrackedPolicy, gate: Gate) -> GateMemory:
    """Where the answers of a gate are kept until they are stored."""
    return tracked.gates if gate.before == "Promotion" else tracked.step_gates


def known_answer(state: RolloutState, gate: Gate, subject: GateSubject) -> GateAnswer | None:
    """What is stored of a gate's answer about this subject, by whom it asks now; None for nothing."""
    asked = state.gates if gate.before == "Promotion" else gates_of_step(state.step_gates)
    answer = asked.answer(gate.name) if asked is not None and asked.since == subject.since else None
    return answer if answer is not None and answer.is_of(gate) else None


def is_answered(tracked: TrackedPolicy, gate: Gate, subject: GateSubject) -> bool:
    """Whether a gate has answered for good."""
    answer = known_answer(tracked.status.stored, gate, subject)
    return answer is not None and answer.state in ANSWERED
