"""Until when a favourable decision waits: for people, for gates, and for proof that was lost meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from earlystop.api.gates import Gate
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.state import RolloutState
from earlystop.rollout.waiting.gates import GateAnswer, GatesAsked, GateState, awaits_gates_alone


def waiting_ends_at(times: LiveTimes, state: RolloutState) -> int | None:
    """When the waiting of a decision ends its campaign, or drops what a person asked for, if nothing answers until
    then, Unix seconds. None where no decision waits, and where gates may take as long as they like, or their time
    stands still."""
    if state.awaiting is None:
        return None
    if not awaits_gates_alone(state.gates):
        return state.awaiting.since + times.approval.expires_seconds
    if state.suspended_at is not None:
        return None
    ends = _gates_end(times.gates, state.gates)
    if ends is not None:
        return ends
    return proof_is_due(times, state) if are_open(state.gates) else None


def proof_is_due(times: LiveTimes, state: RolloutState) -> int | None:
    """Until when proof that was lost while the decision waited may come back, once everybody has agreed, Unix seconds.
    None where none waits."""
    begins = proof_begins(state)
    return None if begins is None else begins + times.approval.expires_seconds


def proof_begins(state: RolloutState) -> int | None:
    """The Unix second from which the time for proof runs: when the last gate opened, if that was later than the
    proposal, and without the time for which the policy was suspended since. None where no decision waits."""
    if state.awaiting is None:
        return None
    opened = [each.at for each in _answers(state.gates) if each.state is GateState.OPEN]
    resumed = 0 if state.gates is None else state.gates.proof_from or 0
    return max(state.awaiting.since, resumed, *opened, 0)


def _answers(asked: GatesAsked | None) -> tuple[GateAnswer, ...]:
    return () if asked is None else asked.answers


def are_open(asked: GatesAsked | None) -> bool:
    """Whether every gate that is asked is open; so too where none is."""
    return all(each.state is GateState.OPEN for each in _answers(asked))


def _gates_end(gates: Sequence[Gate], asked: GatesAsked | None) -> int | None:
    """When the first gate that is waited for ends the campaign; None where none does."""
    found = [(each, None if asked is None else asked.answer(each.name)) for each in gates if each.on_timeout == "End"]
    return min(
        (answer.at + gate.timeout_seconds for gate, answer in found if answer and answer.state is GateState.WAITING),
        default=None,
    )
