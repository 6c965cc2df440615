"""What the feedback endpoint says of itself, beside the counts of the convention."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from earlystop.evaluator.feedback.outcomes import Outcome
from earlystop.evaluator.feedback.vote import Kind

_DELAYS = (10, 60, 300, 900, 3600, 3 * 3600, 12 * 3600, 24 * 3600, 3 * 24 * 3600, 7 * 24 * 3600)
UNREAD = ""
"""In place of a kind: of a request whose body says none."""


class Telemetry:
    """Counters in `registry`, every child at 0 from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._votes = Counter(
            "earlystop_evaluator_votes",
            "Votes and labels, by what became of them.",
            ("kind", "outcome"),
            registry=registry,
        )
        self._delays = Histogram(
            "earlystop_evaluator_vote_delay_seconds",
            "Seconds from a request to the vote or label on its response, of those that are taken or come too late.",
            ("kind",),
            buckets=_DELAYS,
            registry=registry,
        )
        self._waiting = Gauge(
            "earlystop_evaluator_labels_waiting", "Labels that are kept until they count.", registry=registry
        )
        for kind in (UNREAD, *Kind):
            for outcome in Outcome:
                self._votes.labels(str(kind), outcome.value)
        for kind in Kind:
            self._delays.labels(kind.value)

    def ended(self, kind: Kind | None, outcome: Outcome) -> None:
        """One more request, or label that waited, ended so. kind: None where it is not known."""
        self._votes.labels(UNREAD if kind is None else kind.value, outcome.value).inc()

    def came(self, kind: Kind, seconds: float) -> None:
        """A vote came so many seconds after its request."""
        self._delays.labels(kind.value).observe(max(0.0, seconds))

    def waiting(self, count: int) -> None:
        """Show how many labels wait."""
        self._waiting.set(count)
