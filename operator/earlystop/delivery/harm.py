"""Whether users must be taken off a split that leads them: a variant is not served, or nothing proves that any is."""

from __future__ import annotations

from earlystop.api.conditions import Condition
from earlystop.delivery.desired import Desired
from earlystop.delivery.proof import Proof, Reports
from earlystop.delivery.split import TrafficSplit
from earlystop.delivery.traffic_conditions import taken_off, unproven_for_long, unreported_for_long
from earlystop.delivery.traffic_view import Rest, TrafficView

# A gateway that serves no part of a split for longer is not slow.
SECONDS_TO_SERVE = 60.0
# Users are led by a split that nothing has proven for at most so long; then they go by their own route, and only after
# a rest is it tried again.
SECONDS_UNPROVEN = 600.0
SECONDS_OF_REST = 1800.0
# A split that the gateway was found not to serve rests for this time first, and each time for twice as long as before.
SECONDS_OF_FIRST_REST = 60.0


def harm(desired: Desired, memory: TrafficView, now: float) -> tuple[Condition, float] | None:
    """Why users must no longer be led by the split, and for how many seconds; None when they may."""
    fault = memory.fault
    if fault is not None and fault.split == desired.split:
        waited = now - fault.since >= SECONDS_TO_SERVE
        if fault.proof == Proof.CANDIDATE_FAILS or (fault.proof == Proof.NOT_YET and waited):
            rest = _next_rest(memory.rest, desired.split, now)
            return taken_off(fault, rest, now), rest
    if _is_overdue(memory, desired, now):
        if isinstance(desired.proof, Reports):
            return unreported_for_long(SECONDS_UNPROVEN, SECONDS_OF_REST, now), SECONDS_OF_REST
        return unproven_for_long(memory.missing, SECONDS_UNPROVEN, SECONDS_OF_REST, now), SECONDS_OF_REST
    return None


def _next_rest(before: Rest | None, split: TrafficSplit, now: float) -> float:
    """For how many seconds a split rests in which a fault was found: twice as long as before, until it has served for
    as long as the longest rest."""
    if before is None or before.split != split:
        return SECONDS_OF_FIRST_REST
    if before.proven_at is not None and now - before.proven_at >= SECONDS_OF_REST:
        return SECONDS_OF_FIRST_REST
    return min(SECONDS_OF_REST, 2 * before.seconds)


def _is_overdue(memory: TrafficView, desired: Desired, now: float) -> bool:
    """Whether users must no longer be led by the split, since nothing proves that it serves them."""
    since = memory.unproven_since
    if memory.proven == desired.split or since is None:
        return False
    return memory.missing or now - since >= SECONDS_UNPROVEN
