"""What the shell has seen of the world around a rollout, as values: conditions are written from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from earlystop.api.conditions import ConditionType, Refusal, Truth


@dataclass(frozen=True, slots=True)
class Sight:
    """One thing that was looked at: whether it is as it should be, a reason constant, and a sentence."""

    status: Truth
    reason: str
    message: str


NOT_YET = Sight(Truth.UNKNOWN, "NotYet", "Nothing has been asked for yet.")


@dataclass(frozen=True, slots=True)
class Facts:
    """refusal: why the policy is not accepted, None when it is. traffic: whether the wanted weights are in force.
    metrics: whether counts can be read. storage: why a verdict could not be stored, None when nothing is wrong."""

    refusal: Refusal | None = None
    traffic: Sight = NOT_YET
    metrics: Sight = NOT_YET
    storage: str | None = None


def facts_from(conditions: Iterable[Mapping[str, Any]]) -> Facts:
    """The facts behind stored conditions, so that a restart neither repeats events nor forgets what was seen."""
    stored = {condition["type"]: condition for condition in conditions}
    accepted = stored.get(ConditionType.ACCEPTED.value)
    refused = accepted is not None and accepted["status"] == Truth.FALSE.value
    ready = stored.get(ConditionType.READY.value)
    unstored = ready is not None and ready["reason"] == "VerdictNotStored"
    return Facts(
        refusal=Refusal(accepted["reason"], accepted["message"]) if refused and accepted else None,
        traffic=_sight(stored.get(ConditionType.TRAFFIC_APPLIED.value)),
        metrics=_sight(stored.get(ConditionType.METRICS_AVAILABLE.value)),
        storage=ready["message"] if unstored and ready else None,
    )


def _sight(condition: Mapping[str, Any] | None) -> Sight:
    if condition is None:
        return NOT_YET
    return Sight(Truth(condition["status"]), condition["reason"], condition["message"])
