"""What Progressing says while a favourable decision waits for people or for gates."""

from __future__ import annotations

from earlystop.api.conditions import Condition, ConditionStatus, ConditionType
from earlystop.rollout.state import RolloutState
from earlystop.rollout.waiting.approval_words import awaiting_sentence, proposal_sentence
from earlystop.rollout.waiting.gates import awaits_gates_alone


def awaits_people(state: RolloutState) -> bool:
    """Whether a decision waits for people, and not for gates alone."""
    return state.awaiting is not None and not awaits_gates_alone(state.gates)


def waiting_condition(state: RolloutState, stands: str, *, author_unknown: bool) -> Condition:
    """Who is waited for, and for what. stands: where the rollout stands, "" where no words are asked for.
    author_unknown: whether nobody's approval counts."""
    if awaits_gates_alone(state.gates):
        reason, sentence = "AwaitingGate", proposal_sentence(state)
    else:
        reason = "AuthorUnknown" if author_unknown else "AwaitingApproval"
        sentence = awaiting_sentence(state, author_unknown=author_unknown) if stands else ""
    message = f"{sentence} {stands}" if stands else ""
    return Condition(ConditionType.PROGRESSING, ConditionStatus.TRUE, reason, message)
