"""What the condition MetricsAvailable says after a look, and what to write instead."""

from __future__ import annotations

from earlystop.api.conditions import ConditionStatus
from earlystop.metrics.count_ledger import CountLedger, source_of
from earlystop.metrics.source.clocks import CLOCK_BEHIND, late_by
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.rollout.observations import Observation


def readable(
    ledger: CountLedger, differing: tuple[float, float] | None = None, behind: float | None = None
) -> Observation:
    """Counts can be used. differing: seconds between scrapes as measured and as declared, None when they agree. behind:
    seconds by which the operator's clock is behind the source's, None when it is not."""
    message = "Counts can be read."
    if source_of(ledger).restart_can_hide(ledger):
        message += (
            " Some of their processes export no process_start_time_seconds, so after a restart nothing of theirs is "
            "counted until a counter passes its old value."
        )
    reason = "Readable"
    if differing is not None:
        measured, declared = differing
        reason = "ScrapeIntervalDiffers"
        message += (
            f" Their targets are scraped every {measured:.3g} s, and the MetricSource declares {declared:g} s; looks "
            f"reckon with {max(measured, declared):.3g} s. Write scrapeIntervalSeconds: {max(1, round(measured))} into "
            "the MetricSource, or correct the scraper's interval."
        )
    if behind is not None:
        reason = CLOCK_BEHIND
        message += f" {late_by(behind)}"
    return Observation(ConditionStatus.TRUE, reason, message)


def lost(failure: MetricsFailure) -> Observation:
    """What conditions say where counts cannot be read or trusted, and why."""
    return Observation(
        ConditionStatus.FALSE, failure.kind.value, f"Counts cannot be used: {failure.message}. Nothing is decided."
    )
