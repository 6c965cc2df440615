"""The decision when no more evidence will come: the best that is proven, or none. Pure."""

from __future__ import annotations

from earlystop.rollout.golden_questions import exhausted_message
from earlystop.rollout.state import (
    Decision,
    RolloutState,
    Verdict,
)
from earlystop.rollout.strategy import strategy_of
from earlystop.rollout.words.held_messages import unless_held


def questions_used_up(state: RolloutState, at: int) -> Decision:
    """The decision once each golden question that there is has been asked."""
    message = exhausted_message(state.comparison(state.leader))
    return last_decision(state, "QuestionsExhausted", message, at)


def last_decision(state: RolloutState, reason: str, message: str, at: int) -> Decision:
    """The decision when no more evidence will come: the best that is proven, or none. Where something holds what is
    proven, the message says what."""
    plan = state.pinned_plan
    best = strategy_of(plan).decision_at(plan, state, at, time_is_over=True)
    return best or Decision(Verdict.INCONCLUSIVE, reason, unless_held(message, state, at), at, state.leader)
