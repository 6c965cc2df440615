"""Taking the look that is due: read its counts, and say which state follows from them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from earlystop.controller.cluster import Cluster
from earlystop.controller.counts.alarm import after_alarm
from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.counts.cross_check import with_disagreement
from earlystop.controller.counts.look import look_failed, state_or_failure
from earlystop.controller.counts.look_request import look_request
from earlystop.controller.counts.observations import lost, readable
from earlystop.controller.counts.replicas import explained_by_replicas
from earlystop.controller.fairness.turns import FairTurns
from earlystop.controller.memory.tracked import Progress, TrackedPolicy
from earlystop.controller.telemetry import LOOK_LATENESS, LOOKS
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.rollout.look_schedule import next_look


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
    sources = reader.known()
    if at is None or clock() < max(at + delay, tracked.read_again_at):
        return None
    request = look_request(tracked, sources, at)
    result = await reader.read(tracked.plan.spec.metrics.source_ref.name, request, at)
    async with judging.of():
        # The policies of a whole batch have their counts at the same moment. Whoever waits for a turn is noted before
        # one of them computes, so that dear policies of one namespace, however many, hold up others by one look.
        await asyncio.sleep(0)
        found = result if isinstance(result, MetricsFailure) else state_or_failure(tracked, result, at)
    if isinstance(found, MetricsFailure):
        found = await explained_by_replicas(cluster, tracked, found)
        LOOKS.labels(found.kind.value).inc()
        tracked.observe(replace(tracked.observations, metrics=lost(found)), clock())
        state, again = look_failed(tracked.state, found, at, int(clock()))
        tracked.note_failed_reading(clock(), again=again)
        return Progress(state)
    state, ledger = found
    state = await after_alarm(reader, tracked, state)
    LOOKS.labels("read").inc()
    LOOK_LATENESS.observe(max(0.0, clock() - at - delay))
    tracked.note_reading()
    source = tracked.plan.spec.metrics.source_ref.name
    said = readable(ledger, reader.differing_interval(source, tracked.label), reader.seconds_behind(source))
    metrics = with_disagreement(tracked, said)
    tracked.observe(replace(tracked.observations, metrics=metrics), clock())
    return Progress(state, ledger)
