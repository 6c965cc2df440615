"""What a message to people may hold, and the decisions that messages are written about."""

from __future__ import annotations

import re

from earlystop.api.conditions import ConditionStatus
from earlystop.rollout.conditions import conditions
from earlystop.rollout.observations import Observation, Observations
from earlystop.rollout.state import RolloutState

REASON = re.compile(r"[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?")

# Words of the program instead of a person's: None, objects, enums, floats with all their digits, braces.
PROGRAMMERS_WORDS = re.compile(r"None|nan|\binf\b|[<>{}]|\w+\(|\d\.\d{5}|Phase\.|Verdict\.|  ")

GOOD = Observation(ConditionStatus.TRUE, "InForce", "Weights are in force.")
BAD = Observation(ConditionStatus.FALSE, "RouteNotFound", "There is no HTTPRoute qa. Create it.")


def progressing(state: RolloutState) -> tuple[str, str]:
    """Reason and message of the condition Progressing."""
    found = next(each for each in conditions(state, Observations()) if each.type == "Progressing")
    return found.reason, found.message
