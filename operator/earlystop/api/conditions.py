"""The types of conditions, and the values that hold a condition or a refusal. Their reasons stand in `api/reasons`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ConditionType(StrEnum):
    """What a policy's status says about itself, in the order shown."""

    READY = "Ready"
    ACCEPTED = "Accepted"
    METRICS_AVAILABLE = "MetricsAvailable"
    TRAFFIC_APPLIED = "TrafficApplied"
    SETTING_EFFECTIVE = "SettingEffective"
    SAMPLE_RATIO_OK = "SampleRatioOK"
    PROGRESSING = "Progressing"
    PROMOTED = "Promoted"
    ROLLED_BACK = "RolledBack"
    COMPLETED = "Completed"
    STALLED = "Stalled"
    GUARDED = "Guarded"
    CERTIFIED = "Certified"
    HOOKS_DELIVERED = "HooksDelivered"
    JOBS_SUCCEEDED = "JobsSucceeded"
    GATES_OPEN = "GatesOpen"
    LOAD_FOLLOWED = "LoadFollowed"


class ConditionStatus(StrEnum):
    """Status of a condition."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Condition:
    """One statement with its reason (a CamelCase word) and a message for a person."""

    type: ConditionType
    status: ConditionStatus
    reason: str
    message: str


def traffic_condition(status: ConditionStatus, reason: str, message: str) -> Condition:
    """The condition TrafficApplied with these words."""
    return Condition(ConditionType.TRAFFIC_APPLIED, status, reason, message)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a policy is not accepted: the condition's reason, and what to write or create instead. by_spec: whether it is
    the policy's own text, so that nothing but an edit of it helps."""

    reason: str
    message: str
    by_spec: bool = False
