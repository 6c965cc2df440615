"""Gates that stand otherwise than before, with what each holds: of events and of hooks alike."""

from __future__ import annotations

from earlystop.rollout.state import RolloutState
from earlystop.rollout.waiting.gate_words import before_step
from earlystop.rollout.waiting.gates import GateAnswer, GatesAsked, gates_of_step


def news_of_gates(before: RolloutState, after: RolloutState) -> list[tuple[GateAnswer, str]]:
    """Each gate that is asked, or has answered, or did not in time, since `before`; and what it holds, in words with a
    blank in front, "" for a promotion."""
    of_promotion = _new_answers(before.gates, after.gates)
    of_step = _new_answers(gates_of_step(before.step_gates), gates_of_step(after.step_gates))
    words = before_step(after.step_gates, after.plan)
    return [*((each, "") for each in of_promotion), *((each, words) for each in of_step)]


def _new_answers(before: GatesAsked | None, after: GatesAsked | None) -> tuple[GateAnswer, ...]:
    """The gates whose state has changed. One that only says something else while it is waited for is no news."""
    if after is None:
        return ()
    known = {each.gate: each.state for each in before.answers} if before and before.since == after.since else {}
    return tuple(each for each in after.answers if known.get(each.gate) != each.state)
