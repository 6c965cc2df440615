"""The words for why a search is over (`api/reasons/trial.py`), and after which of them it never begins by itself."""

from __future__ import annotations

from earlystop.rollout.decision import GUARD_ALARM

NOTHING_LEFT = "NothingLeftToTry"
BUDGET_USED = "SearchBudgetUsed"
RISK_USED = "SearchRiskUsed"
ENDED_BY_PERSON = "SearchEndedByPerson"
ENDED_FOR_GOOD = frozenset({ENDED_BY_PERSON, GUARD_ALARM})
"""Why a search ended that does not begin again by itself: after an alarm it would promote the same setting again."""
