"""An exporter's page of metrics as a scraper and as the operator reads it."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from earlystop.api.counts import Tally
from earlystop.exporter.assignment import Assignment
from earlystop.metrics.convention.ledger import SeriesKey
from earlystop.metrics.convention.reader import CountRequest, judge_samples
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.source.answer import Sample

POLICY, REVISION = "llm/qa", "r1"


class Clock:
    """Seconds that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def scrape(registry: CollectorRegistry) -> list[Sample]:
    """The page as a scraper reads it."""
    text = generate_latest(registry).decode()
    families = text_string_to_metric_families(text)
    return [Sample({"__name__": s.name, **s.labels}, s.value) for family in families for s in family.samples]


def read(registry: CollectorRegistry, policy: str = POLICY, revision: str = REVISION) -> dict[SeriesKey, Tally]:
    """The page as the operator reads it."""
    result = judge_samples(scrape(registry), [CountRequest(policy, revision, 60)], 0, None)[policy]
    return dict(result.observed) if isinstance(result, Reading) else {}


def unassigned(registry: CollectorRegistry) -> dict[str, float]:
    """Started requests of revision unassigned, by policy."""
    rows = [row for row in scrape(registry) if row.labels.get("revision") == "unassigned"]
    return {r.labels["policy"]: r.value for r in rows if r.labels["__name__"] == "earlystop_requests_started_total"}


def assignment(variant: str = "baseline", **changes: object) -> Assignment:
    fields: dict[str, object] = {"policy": POLICY, "revision": REVISION, "step": 0, "variant": variant, **changes}
    return Assignment(**fields)  # type: ignore[arg-type]
