"""What to do while that is not ready which users are led through, or which a split leads to."""

from __future__ import annotations

from earlystop.api.conditions import ConditionStatus
from earlystop.delivery.decisions import Detach, SplitStatus, TrafficDecision, Wait, Write, traffic_condition
from earlystop.delivery.desired import Desired
from earlystop.delivery.drift import drifted, matches_desired
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.ownership import is_controlled_by, is_part
from earlystop.delivery.traffic_conditions import no_user_was_led
from earlystop.delivery.traffic_view import TrafficView
from earlystop.delivery.young import are_young

# What was made just now is no trouble for so long.
SECONDS_TO_START = 60.0


def to_detach(observed: ClusterInputs, desired: Desired) -> tuple[Manifest, ...]:
    """The policy's own objects that have to be written so that no user's request meets any."""
    found = [(observed.own(each["kind"], each["metadata"]["name"]), each) for each in desired.detached]
    parts = [each for present, each in found if is_part(each) and not matches_desired(present, each)]
    own = [each for present, each in found if is_controlled_by(each, observed.uid) and present != each]
    return (*parts, *own)


def while_short(
    observed: ClusterInputs, desired: Desired, changed: list[Manifest], memory: TrafficView, now: float
) -> TrafficDecision | None:
    """What to do while that is not ready which users are led through: nobody is led there, whatever the split was to
    be. None where nothing is missing, or where users may stay as they are led."""
    shortage, primary = desired.rendered.shortage, desired.rendered.primary
    if shortage is None:
        return None
    missing = tuple(each for each in changed if each is not primary)
    starts = missing or are_young(observed, desired.rendered.prerequisites, now, SECONDS_TO_START)
    status = ConditionStatus.UNKNOWN if starts and not desired.serves_users else ConditionStatus.FALSE
    waiting = Wait(SplitStatus.NOT_WRITTEN, traffic_condition(status, shortage.reason, shortage.message))
    if desired.serves_users and not shortage.serves_as_before:
        return Detach(waiting.status, waiting.condition, to_detach(observed, desired))
    if desired.serves_users and (primary not in changed or desired.split.candidate_weight == 0):
        return None
    if desired.rolling_back and not desired.serves_users:
        return Wait(SplitStatus.PROVEN, no_user_was_led(memory.condition))
    return Write(missing, then=waiting) if missing else waiting


def while_unready(observed: ClusterInputs, desired: Desired) -> Write | Wait | Detach | None:
    """What to do while what the split leads to cannot serve: it is made or put right, and waited for; users whose
    requests nobody would answer go by their own route. None when it can serve."""
    unready = desired.rendered.unready
    if unready is None:
        return None
    status = ConditionStatus.FALSE if unready.overdue or unready.needs_help else ConditionStatus.UNKNOWN
    said = traffic_condition(status, unready.reason, unready.message)
    if unready.serves_nobody and desired.serves_users and (off := to_detach(observed, desired)):
        return Detach(SplitStatus.NOT_WRITTEN, said, off)
    reached = SplitStatus.WRITTEN if desired.serves_users else SplitStatus.NOT_WRITTEN
    waiting = Wait(SplitStatus.OVERDUE if unready.overdue else reached, said)
    missing = tuple(drifted(observed, desired.rendered.prerequisites))
    if not missing:
        return waiting
    return Write(missing) if desired.serves_users else Write(missing, then=waiting)
