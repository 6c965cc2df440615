"""Taking the look that is due: read its counts, and say which state follows from them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from earlystop.api.source import SourceSpec
from earlystop.controller.cluster import DEPLOYMENTS, Cluster, ClusterError
from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.counts.cross_check import with_disagreement
from earlystop.controller.counts.look import look_failed, state_or_failure
from earlystop.controller.counts.look_request import look_request
from earlystop.controller.counts.observations import lost, readable
from earlystop.controller.fairness.turns import FairTurns
from earlystop.controller.memory.tracked import Progress, TrackedPolicy
from earlystop.controller.telemetry import LOOK_LATENESS, LOOKS
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.state import Phase

ABSENT = frozenset({FailureKind.STALE, FailureKind.NO_DATA})


def evaluation_delay(tracked: TrackedPolicy, sources: Mapping[str, SourceSpec]) -> float:
    """Seconds from a look's moment until its counts are complete in the campaign's source; 0 before a campaign."""
    if tracked.state.phase == Phase.PENDING:
        return 0.0
    source = sources.get(tracked.plan.spec.metrics.source_ref.name)
    return float(source.evaluation_delay_seconds) if source is not None else 0.0


async def take_look_due(
    cluster: Cluster,
    reader: CountBatcher,
    tracked: TrackedPolicy,
    delay: float,
    clock: Callable[[], float],
    judging: FairTurns,
) -> Progress | None:
    """Take the earliest look that is due, at its own moment of the grid. None when nothing is to be read now.

    delay: seconds from a look's moment until its counts are complete. clock: Unix seconds. judging: turns
    at the processor.
    """
    at = next_look(tracked.times, tracked.state)
    sources = reader.sources
    if at is None or clock() < max(at + delay, tracked.read_again_at):
        return None
    request, source = look_request(tracked, sources, at), tracked.plan.spec.metrics.source_ref.name
    result = await reader.read(source, request, at)
    differing, behind = reader.differing_interval(source, tracked.label), reader.seconds_behind(source)
    async with judging.of():
        # The policies of a whole batch have their counts at the same moment. Whoever waits for a turn is noted before
        # one of them computes, so that dear policies of one namespace, however many, hold up others by one look.
        await asyncio.sleep(0)
        found = result if isinstance(result, MetricsFailure) else state_or_failure(tracked, result, at)
    if isinstance(found, MetricsFailure):
        found = await _explained_by_replicas(cluster, tracked, found)
        LOOKS.labels(found.kind.value).inc()
        tracked.observe(replace(tracked.observations, metrics=lost(found)), clock())
        state, again = look_failed(tracked.state, found, at, int(clock()))
        tracked.note_failed_reading(clock(), again=again)
        return Progress(state)
    state, ledger = found
    LOOKS.labels("read").inc()
    LOOK_LATENESS.observe(max(0.0, clock() - at - delay))
    tracked.note_reading()
    metrics = with_disagreement(tracked, readable(ledger, differing, behind))
    tracked.observe(replace(tracked.observations, metrics=metrics), clock())
    return Progress(state, ledger)


async def _explained_by_replicas(cluster: Cluster, tracked: TrackedPolicy, failure: MetricsFailure) -> MetricsFailure:
    """The failure; ScaledToZero in its place when the target was scaled to zero, by a person or an autoscaler."""
    if failure.kind not in ABSENT:
        return failure
    name, deployment = tracked.plan.spec.target_ref.name, None
    with suppress(ClusterError):  # then the failure stands as it is
        deployment = await cluster.get(DEPLOYMENTS, tracked.namespace, name)
    if deployment is None or deployment.get("spec", {}).get("replicas") != 0:
        return failure
    return MetricsFailure(FailureKind.SCALED_TO_ZERO, f"the Deployment {name} has 0 replicas")
