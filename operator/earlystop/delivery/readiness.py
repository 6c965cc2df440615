"""What to do while that is not ready which a split leads requests to."""

from __future__ import annotations

from earlystop.api.conditions import ConditionStatus, traffic_condition
from earlystop.api.wire import REVISION
from earlystop.delivery.decisions import Detach, SplitStatus, TrafficDecision, Wait, Write
from earlystop.delivery.desired import Desired
from earlystop.delivery.drift import drifted, matches_desired
from earlystop.delivery.golden_rules import rules_in_force
from earlystop.delivery.headers import headers_set
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


def while_unready(observed: ClusterInputs, desired: Desired, memory: TrafficView, now: float) -> TrafficDecision | None:
    """What to do while what the split leads to cannot serve: it is made or put right, and waited for; users whose
    requests nobody would answer, or who are led to something else, go by their own route. None when it can serve, or
    where users may stay as they are led."""
    unready, leads = desired.rendered.unready, desired.serves_users
    if unready is None:
        return None
    if unready.leads_all and leads and not unready.serves_nobody and not _leads_more(observed, desired):
        return None
    missing = tuple(drifted(observed, desired.rendered.prerequisites))
    starts = missing or are_young(observed, desired.rendered.prerequisites, now, SECONDS_TO_START)
    is_certain = unready.needs_help and not (unready.leads_all and starts and not leads)
    status = ConditionStatus.FALSE if unready.overdue or is_certain else ConditionStatus.UNKNOWN
    said = traffic_condition(status, unready.reason, unready.message)
    leave = unready.serves_nobody or (not unready.leads_all and _must_leave(observed, desired))
    if leads and leave and (off := to_detach(observed, desired)):
        return Detach(SplitStatus.NOT_WRITTEN, said, off)
    if unready.leads_all and desired.rolling_back and not leads:
        return Wait(SplitStatus.PROVEN, no_user_was_led(memory.condition))
    reached = SplitStatus.WRITTEN if leads and not unready.leads_all else SplitStatus.NOT_WRITTEN
    waiting = Wait(SplitStatus.OVERDUE if unready.overdue else reached, said)
    if not missing:
        return waiting
    return Write(missing) if leads and not unready.leads_all else Write(missing, then=waiting)


def _leads_more(observed: ClusterInputs, desired: Desired) -> bool:
    """Whether the split, once it is written, gives variants beside the baseline another share than users get now. What
    only takes candidates off, while the incumbent of the same campaign stays, leads to nothing new."""
    primary, split = desired.rendered.primary, desired.split
    if primary is None or not split.gives_others or not drifted(observed, (primary,)):
        return False
    found = observed.own(primary["kind"], primary["metadata"]["name"])
    return split.gives_candidates or found is None or _led_by(observed, found) != {split.revision}


def _must_leave(observed: ClusterInputs, desired: Desired) -> bool:
    """Whether users must not stay where they are led while what the split leads to is made ready: no candidate shall
    have requests any more, as one that was found to do harm; or they are led by another campaign, whose Pods are about
    to get this one's settings."""
    primary = desired.rendered.primary
    found = None if primary is None else observed.own(primary["kind"], primary["metadata"]["name"])
    if primary is None or found is None or not drifted(observed, (primary,)):
        return False
    return not desired.split.gives_candidates or _led_by(observed, found) != {desired.split.revision}


def _led_by(observed: ClusterInputs, overlay: Manifest) -> set[str | None]:
    """The revisions of the campaigns whose settings an overlay brings to users."""
    name = f"{observed.spec.delivery.header_prefix}{REVISION}"
    return {headers.get(name) for rule in rules_in_force(overlay) for headers in headers_set(rule)}
