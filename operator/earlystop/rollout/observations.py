"""What the controller has observed of a rollout's objects and counts, as values: conditions are written from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from earlystop.api.conditions import ConditionStatus, ConditionType, Refusal
from earlystop.rollout.certificate.evaluators import EVALUATORS_DIFFER
from earlystop.rollout.state import ENDED, RolloutState


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that was looked at: whether it is as it should be, a reason constant, and a sentence."""

    status: ConditionStatus
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class HookTrouble:
    """Why one hook cannot be told now; it is tried again. hook: its name. reason: in one word. message: a sentence."""

    hook: str
    reason: str
    message: str


VERDICT_MISSING = "VerdictMissing"
"""Reason of Ready while the verdict is not there that holds the looks of a promotion."""
NOT_YET = Observation(ConditionStatus.UNKNOWN, "NotYet", "Nothing has been asked for yet.")
NOT_READ = Observation(
    ConditionStatus.UNKNOWN,
    "NotRead",
    "The campaign is over, so no counts are read. When they were last asked for, they could not be used.",
)


@dataclass(frozen=True, slots=True)
class Observations:
    """refusal: why the policy is not accepted, None when it is. traffic: whether the wanted weights are in force.
    metrics: whether counts can be read. storage: why a verdict could not be stored, None when nothing is wrong.
    error: what to do about an error of the operator's own with this policy, None while it has none. author_unknown:
    whether a decision waits for an approval, and nobody's counts. hooks: those that cannot be told now. evaluators: how
    those of the policy differ, "" where they do not. record: what became of the verdict that holds the looks of a
    promotion, None while it is there."""

    refusal: Refusal | None = None
    traffic: Observation = NOT_YET
    metrics: Observation = NOT_YET
    storage: str | None = None
    error: str | None = None
    author_unknown: bool = False
    hooks: tuple[HookTrouble, ...] = ()
    evaluators: str = ""
    record: str | None = None


def needed(state: RolloutState, observations: Observations) -> Observations:
    """The observations that still matter: that counts could not be read matters no more once nothing reads them, and
    nobody would ever take it back."""
    reads = state.phase not in ENDED or state.is_guarded
    if reads or observations.metrics.status is not ConditionStatus.FALSE:
        return observations
    return replace(observations, metrics=NOT_READ)


def observations_from(conditions: Iterable[Mapping[str, Any]]) -> Observations:
    """The facts behind stored conditions, so that a restarted operator neither repeats events nor forgets facts."""
    stored = {condition["type"]: condition for condition in conditions}
    accepted = stored.get(ConditionType.ACCEPTED.value)
    refused = accepted is not None and accepted["status"] == ConditionStatus.FALSE.value
    ready = stored.get(ConditionType.READY.value)
    unstored = ready is not None and ready["reason"] == "VerdictNotStored"
    lost = ready is not None and ready["reason"] == VERDICT_MISSING
    failed = ready is not None and ready["reason"] == "InternalError"
    stalled = (stored.get(ConditionType.STALLED.value) or {}).get("status") == ConditionStatus.TRUE.value
    progressing = stored.get(ConditionType.PROGRESSING.value)
    certified = stored.get(ConditionType.CERTIFIED.value)
    differ = certified is not None and certified["reason"] == EVALUATORS_DIFFER
    return Observations(
        refusal=Refusal(accepted["reason"], accepted["message"], stalled) if refused and accepted else None,
        traffic=_observation(stored.get(ConditionType.TRAFFIC_APPLIED.value)),
        metrics=_observation(stored.get(ConditionType.METRICS_AVAILABLE.value)),
        storage=ready["message"] if unstored and ready else None,
        error=ready["message"] if failed and ready else None,
        author_unknown=progressing is not None and progressing["reason"] == "AuthorUnknown",
        record=ready["message"] if lost and ready else None,
        evaluators=certified["message"] if differ and certified else "",
    )


def _observation(condition: Mapping[str, Any] | None) -> Observation:
    if condition is None:
        return NOT_YET
    return Observation(ConditionStatus(condition["status"]), condition["reason"], condition["message"])
