"""Samples of the operator's own query, and what is read from them."""

from __future__ import annotations

from earlystop.metrics.convention.reader import CountRequest, read_counts
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.source.answer import Sample
from earlystop.metrics.source.failures import FailureKind, MetricsFailure


class Source:
    """Answers every query with these samples, or with a failure."""

    def __init__(self, *samples: Sample, failing: MetricsFailure | None = None) -> None:
        self.samples, self.failing = list(samples), failing
        self.asked: list[tuple[str, float]] = []

    def instant_vector(self, query: str, at: float) -> list[Sample]:
        self.asked.append((query, at))
        if self.failing is not None:
            raise self.failing
        return self.samples


def row(value: float = 1, **labels: str) -> Sample:
    base = {"__name__": "earlystop_requests_started_total", "policy": "llm/qa", "revision": "r1", "step": "0"}
    return Sample({**base, "variant": "baseline", "query_class": "default", "process": "p", **labels}, value)


def request(policy: str = "llm/qa", revision: str = "r1", window: int = 60) -> CountRequest:
    return CountRequest(policy, revision, window)


def read_one(*samples: Sample, namespace_label: str | None = None) -> Reading | MetricsFailure:
    return read_counts(Source(*samples), [request()], 1000, namespace_label=namespace_label)["llm/qa"]


def good(result: Reading | MetricsFailure) -> Reading:
    assert isinstance(result, Reading), result
    return result


def kind(result: Reading | MetricsFailure) -> FailureKind:
    assert isinstance(result, MetricsFailure), result
    return result.kind
