"""Until when a favourable decision waits: for people, for gates, and for proof that was lost meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from earlystop.api.gates import Gate
from earlystop.rollout.gate_words import awaits_gates_alone
from earlystop.rollout.gates import GateAnswer, GatesAsked, GateState
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.state import RolloutState


def waiting_ends_at(times: LiveTimes, state: RolloutState) -> int | None:
    """When the waiting of a decision ends its campaign, or drops what a person asked for, if nothing answers until
    then, Unix seconds. None where no decision waits, and where gates may take as long as they like, or their time
    stands still."""
    if state.awaiting is None:
        return None
    if not awaits_gates_alone(state.gates):
        return state.awaiting.since + times.approval.expires_seconds
    ends = _gates_end(times.gates, state.gates)
    if ends is not None:
        return ends if state.suspended_at is None else None
    return proof_is_due(times, state) if _are_open(state.gates) else None


def proof_is_due(times: LiveTimes, state: RolloutState) -> int | None:
    """Until when proof that was lost while the decision waited may come back, once everybody has agreed, Unix seconds.
    The time runs from when the last gate opened, if that was later than the proposal. None where none waits."""
    if state.awaiting is None:
        return None
    opened = [each.at for each in _answers(state.gates) if each.state is GateState.OPEN]
    return max(state.awaiting.since, *opened, 0) + times.approval.expires_seconds


def _answers(asked: GatesAsked | None) -> tuple[GateAnswer, ...]:
    return () if asked is None else asked.answers


def _are_open(asked: GatesAsked | None) -> bool:
    return all(each.state is GateState.OPEN for each in _answers(asked))


def _gates_end(gates: Sequence[Gate], asked: GatesAsked | None) -> int | None:
    """When the first gate that is waited for ends the campaign; None where none does."""
    found = [(each, None if asked is None else asked.answer(each.name)) for each in gates if each.on_timeout == "End"]
    return min(
        (answer.at + gate.timeout_seconds for gate, answer in found if answer and answer.state is GateState.WAITING),
        default=None,
    )
