"""Asking a source something that it can always answer."""

from __future__ import annotations

import time

from earlystop.controller.counts.part_reading import Answers, Probed
from earlystop.metrics.source.client import ExactPrometheus
from earlystop.metrics.source.failures import MetricsFailure

PROBE_QUERY = "vector(1)"


def probe(source: str, at: int, client: ExactPrometheus) -> Answers:
    """The failure of a source that does not even answer what every Prometheus can, under its name; else nothing."""
    failure = probe_now(at, client).failure
    return {} if failure is None else {source: failure}


def probe_now(at: int, client: ExactPrometheus) -> Probed:
    """How long a source takes for what it can always answer at Unix second `at`, and why it does not."""
    began = time.monotonic()
    try:
        client.instant_vector(PROBE_QUERY, float(at))
    except MetricsFailure as failure:
        return Probed(time.monotonic() - began, failure.with_traceback(None))
    return Probed(time.monotonic() - began)
