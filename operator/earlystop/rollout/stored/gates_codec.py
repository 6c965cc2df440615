"""Gates of a decision or a step that waits, as they stand in a policy's status, and back."""

from __future__ import annotations

from earlystop.api.status.gate import GatesStatus, GateStatus, StepGatesStatus
from earlystop.api.times import from_rfc3339_or_none, rfc3339_or_none
from earlystop.rollout.formatting import from_rfc3339, rfc3339
from earlystop.rollout.waiting.gates import GateAnswer, GatesAsked, GateState, StepGates


def gates_status(asked: GatesAsked | None) -> GatesStatus | None:
    """What the status says of the gates of a decision; None where no decision waits for gates."""
    if asked is None:
        return None
    gates = [
        GateStatus(
            name=each.gate,
            state=each.state.value,
            at=rfc3339(each.at),
            message=each.message or None,
            job_uid=each.job_uid or None,
            asks=each.asks or None,
        )
        for each in asked.answers
    ]
    proof_from = rfc3339_or_none(asked.proof_from)
    return GatesStatus(
        since=rfc3339(asked.since), for_people=asked.for_people, proof_from=proof_from, gates=tuple(gates) or None
    )


def restore_gates(stored: GatesStatus | None) -> GatesAsked | None:
    """Inverse of `gates_status`."""
    if stored is None:
        return None
    answers = (
        GateAnswer(
            gate=each.name,
            state=GateState(each.state),
            at=from_rfc3339(each.at),
            message=each.message or "",
            job_uid=each.job_uid or "",
            asks=each.asks or "",
        )
        for each in stored.gates or ()
    )
    proof_from = from_rfc3339_or_none(stored.proof_from)
    return GatesAsked(from_rfc3339(stored.since), stored.for_people, tuple(answers), proof_from)


def step_gates_status(asked: StepGates | None) -> StepGatesStatus | None:
    """How the gates before a step stand, as a status keeps it."""
    found = None if asked is None else gates_status(asked.asked)
    if asked is None or found is None:
        return None
    return StepGatesStatus(step=asked.step, since=found.since, entered=asked.entered or None, gates=found.gates)


def restore_step_gates(stored: StepGatesStatus | None) -> StepGates | None:
    """Inverse of `step_gates_status`."""
    if stored is None:
        return None
    asked = restore_gates(GatesStatus(since=stored.since, gates=stored.gates))
    assert asked is not None  # there is a status to restore
    return StepGates(stored.step, asked, bool(stored.entered))
