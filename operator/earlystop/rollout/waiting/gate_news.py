"""Gates that stand otherwise than before, with what each holds: of events and of hooks alike."""

from __future__ import annotations

from earlystop.rollout.state import RolloutState
from earlystop.rollout.waiting.gate_words import asked_of, before_step, new_answers
from earlystop.rollout.waiting.gates import GateAnswer


def news_of_gates(before: RolloutState, after: RolloutState) -> list[tuple[GateAnswer, str]]:
    """Each gate that is asked, or has answered, or did not in time, since `before`; and what it holds, in words with a
    blank in front, "" for a promotion."""
    of_promotion = new_answers(before.gates, after.gates)
    of_step = new_answers(asked_of(before.step_gates), asked_of(after.step_gates))
    words = before_step(after.step_gates, after.plan)
    return [*((each, "") for each in of_promotion), *((each, words) for each in of_step)]
