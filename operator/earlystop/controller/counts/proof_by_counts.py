"""Proving a split by the requests that are counted under its step, where no probe can be asked."""

from __future__ import annotations

from earlystop.api.conditions import ConditionStatus
from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.counts.look import (
    requests_since,
    routed_since,
    split_is_shown,
    split_request,
    variant_is_missing,
)
from earlystop.controller.reconcile.tracked import TrackedPolicy
from earlystop.controller.traffic.put_in_force import SplitResult
from earlystop.delivery.decide import SplitStatus
from earlystop.delivery.split import TrafficSplit
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.rollout.observations import Observation
from earlystop.rollout.state import DECIDED


async def proof_by_counts(
    reader: CountBatcher, tracked: TrackedPolicy, split: TrafficSplit, at: int
) -> SplitResult | None:
    """The proof that a split is in force, None while counts do not show it. at: the moment that is asked for."""
    decided = tracked.state.phase in DECIDED
    # After a decision no look moves on, so what counts is from when the objects were last written.
    since = int(tracked.traffic.written_at) or at if decided else None
    request, known = split_request(tracked, reader.known(), split, at, since)
    result = await reader.read(tracked.plan.spec.metrics.source_ref.name, request, at)
    if isinstance(result, MetricsFailure):
        return None
    counted = requests_since(result, split, known, routed_since(tracked))
    new = tracked.traffic.requests_since_change(counted)
    if not split_is_shown(new if decided or tracked.traffic.was_taken_off(split) else counted):
        if tracked.plan.spec.delivery.traits.split_known and variant_is_missing(new, split):
            tracked.traffic.note_missing()
        return None
    tracked.traffic.note_proven(split, at)
    message = "Weights are in force, proven by requests counted under this step."
    return SplitResult(SplitStatus.PROVEN, Observation(ConditionStatus.TRUE, "InForce", message))
