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
from earlystop.controller.counts.part_reading import Result
from earlystop.controller.fairness.turns import FairTurns
from earlystop.controller.memory.read_ahead import ReadAhead
from earlystop.controller.memory.tracked import Progress, TrackedPolicy
from earlystop.controller.telemetry import LOOK_LATENESS, LOOKS
from earlystop.metrics.convention.reader import CountRequest
from earlystop.metrics.convention.several_moments import most_moments
from earlystop.metrics.count_ledger import source_of
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.rollout.look_schedule import looks_due, next_look
from earlystop.rollout.state import Phase

BEHIND_SECONDS = 3.0
"""A look that is so late is one of many: it waits for those of other policies at its moments."""
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
    if at is None or clock() < max(at + delay, tracked.read_again_at):
        return None
    result, source = await _counts(reader, tracked, at, clock() - delay), tracked.plan.spec.metrics.source_ref.name
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


async def _counts(reader: CountBatcher, tracked: TrackedPolicy, at: int, until: float) -> Result:
    """What the source says for the look of Unix second `at`. Where it is behind, with those that are due by Unix second
    `until`, all are asked for at once, and each is taken in its turn from what was read, as long as it asks for the
    same."""
    source, known = tracked.plan.spec.metrics.source_ref.name, tracked.read_ahead
    request, spec = look_request(tracked, reader.sources, at), reader.sources.get(source)
    if known is None or not known.answers(spec, request, at):
        series = source_of(tracked.ledger).series_count(tracked.ledger)
        known, due = None, looks_due(tracked.times, tracked.state, until)[: most_moments(series)]
        is_behind = len(due) > 1 or (due.step > 1 and until - at > BEHIND_SECONDS)
        if is_behind and isinstance(request, CountRequest):
            known = ReadAhead(spec, request, due, await reader.read_ahead(source, request, due))
        tracked.read_ahead = known
    found = None if known is None else known.readings.get(at)
    return await reader.read(source, request, at) if found is None else found


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
