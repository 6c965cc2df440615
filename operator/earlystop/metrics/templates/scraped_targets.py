"""Where counters that templates find come from: the targets that they were scraped from, and how often."""

from __future__ import annotations

from collections.abc import Sequence

from earlystop.api.counts import Variant
from earlystop.api.source import SourceSpec
from earlystop.metrics.liveness import SEEN_WITHIN_SECONDS, KnownTarget, label_names, target_labels
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.templates.presets import TemplateError
from earlystop.metrics.templates.reader import TemplateReading, TemplateRequest, name_of_queries, queries_of_piece
from earlystop.metrics.vectors import RangeVectors


def known_targets(
    client: RangeVectors, requests: Sequence[TemplateRequest], source: SourceSpec
) -> dict[str, tuple[KnownTarget, ...]]:
    """By policy, the targets that its counters came from at the moments that `liveness.seen_at` names.

    One field is asked for: all fields of a variant come from the same targets. Raises MetricsFailure.
    """
    names = label_names(source.namespace_label)
    found: dict[str, tuple[KnownTarget, ...]] = {}
    for request in requests:
        targets = []
        for moment in request.liveness.seen_at:
            queries = queries_of_piece(request, SEEN_WITHIN_SECONDS, source.namespace_label)
            first = queries[0].field
            for one in queries:
                if one.field == first:
                    label = request.candidate if one.variant is Variant.CANDIDATE else one.variant.value
                    rows = client.range_vector(one.text, float(moment))
                    # They may run on without a campaign's label, so that they are missing says nothing of a process.
                    targets += [KnownTarget(label, target_labels(row.labels, names), moment, False) for row in rows]
        found[request.policy] = tuple(targets)
    return found


def silent_reading(request: TemplateRequest, at: int, newest_sample_at: float, source: SourceSpec) -> TemplateReading:
    """A reading without any counter, of servers that live and have had no requests.

    Raises MetricsFailure for a template that cannot be used.
    """
    try:
        name = name_of_queries(request, source.namespace_label, source.replica_label, source.url)
    except TemplateError as error:
        raise MetricsFailure(FailureKind.TEMPLATES_UNUSABLE, str(error)) from None
    return TemplateReading(at, {}, newest_sample_at, name)


def sample_times(
    client: RangeVectors, request: TemplateRequest, reading: object, at: int, window_seconds: int, source: SourceSpec
) -> list[list[float]]:
    """Unix seconds of the samples of each series that a reading holds: no further query is needed."""
    if not isinstance(reading, TemplateReading):
        return []
    return [[sample.at_ms / 1000 for sample in each.samples] for each in reading.observed.values()]
