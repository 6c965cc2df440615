"""Taking the look that is due: read its counts, and say which state follows from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from earlystop.api.conditions import ConditionStatus
from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.counts.look import look_failed, look_request, reading_or_failure
from earlystop.controller.reconcile.tracked import Progress, TrackedPolicy
from earlystop.controller.telemetry import LOOK_LATENESS, LOOKS
from earlystop.metrics.count_ledger import CountLedger, restarts_can_hide
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.observations import Observation


async def take_look_due(
    reader: CountBatcher, tracked: TrackedPolicy, delay: float, clock: Callable[[], float]
) -> Progress | None:
    """Take the earliest look that is due, at its own moment of the grid. None when nothing is to be read now.

    delay: seconds from a look's moment until its counts are complete. clock: Unix seconds.
    """
    at = next_look(tracked.times, tracked.state)
    sources = reader.known()
    if at is None or clock() < max(at + delay, tracked.read_again_at):
        return None
    request = look_request(tracked, sources, at)
    result = await reader.read(tracked.plan.spec.metrics.source_ref.name, request, at)
    found = result if isinstance(result, MetricsFailure) else reading_or_failure(tracked, result, at)
    if isinstance(found, MetricsFailure):
        LOOKS.labels(found.kind.value).inc()
        tracked.observe(replace(tracked.observations, metrics=_lost(found)))
        state, again = look_failed(tracked.state, found, at, int(clock()))
        tracked.note_failed_reading(clock(), again=again)
        return Progress(state)
    state, ledger = found
    LOOKS.labels("read").inc()
    LOOK_LATENESS.observe(max(0.0, clock() - at - delay))
    tracked.note_reading()
    tracked.observe(replace(tracked.observations, metrics=_readable(ledger)))
    return Progress(state, ledger)


def _readable(ledger: CountLedger) -> Observation:
    message = "Counts can be read."
    if restarts_can_hide(ledger):
        message += (
            " Some of their processes export no process_start_time_seconds, so after a restart nothing of theirs is "
            "counted until a counter passes its old value."
        )
    return Observation(ConditionStatus.TRUE, "Readable", message)


def _lost(failure: MetricsFailure) -> Observation:
    return Observation(
        ConditionStatus.FALSE, failure.kind.value, f"Counts cannot be used: {failure.message}. Nothing is decided."
    )
