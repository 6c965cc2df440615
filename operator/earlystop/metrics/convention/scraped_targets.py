"""Where the counters of our convention come from: the targets that they were scraped from, and how often; and the
namespaces that speak for a policy of another one."""

from __future__ import annotations

from collections.abc import Sequence

from earlystop.api.source import SourceSpec
from earlystop.api.wire import POLICY, REVISION, VARIANT
from earlystop.metrics.convention.query import READING, known_targets_query, other_namespaces_query, samples_query
from earlystop.metrics.convention.reader import CountRequest
from earlystop.metrics.convention.reading import Reading, no_data
from earlystop.metrics.liveness import SEEN_WITHIN_SECONDS, KnownTarget, label_names, target_labels
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.metrics.vectors import InstantVectors, RangeVectors


def known_targets(
    client: InstantVectors, requests: Sequence[CountRequest], source: SourceSpec
) -> dict[str, tuple[KnownTarget, ...]]:
    """By policy, the targets that its counters came from at the moments that `liveness.seen_at` names, by one query.

    Raises MetricsFailure.
    """
    seen = [(request.policy, moment) for request in requests for moment in request.liveness.seen_at]
    if not seen:
        return {}
    names, revisions = label_names(source.namespace_label), {request.policy: request.revision for request in requests}
    query = known_targets_query(seen, SEEN_WITHIN_SECONDS, names, source.namespace_label)
    found: dict[str, list[KnownTarget]] = {}
    for labels, _ in client.instant_vector(query, float(max(moment for _, moment in seen))):
        policy, moment = labels.get(POLICY, ""), labels.get(READING, "")
        if policy in revisions and moment.isdecimal():
            own = labels.get(REVISION) == revisions[policy]
            target = KnownTarget(labels.get(VARIANT, ""), target_labels(labels, names), int(moment), own)
            found.setdefault(policy, []).append(target)
    return {policy: tuple(targets) for policy, targets in found.items()}


def silent_reading(request: CountRequest, at: int, newest_sample_at: float, source: SourceSpec) -> Reading:
    """A reading without any counter, of servers that live and have had no requests."""
    return Reading(at, {}, newest_sample_at, 0)


def sample_times(
    client: RangeVectors, request: CountRequest, reading: object, at: int, window_seconds: int, source: SourceSpec
) -> list[list[float]]:
    """Unix seconds of the samples of each of a policy's series within the window. Raises MetricsFailure."""
    query = samples_query(request.policy, request.revision, window_seconds, source.namespace_label)
    return [[moment / 1000 for moment, _ in series.points] for series in client.range_vector(query, float(at))]


def no_data_explained(
    client: InstantVectors, requests: Sequence[CountRequest], at: int, source: SourceSpec
) -> dict[str, MetricsFailure]:
    """By policy, the failure (NoData) of those whose series come from another namespace than the policy's, by one
    query.

    Raises MetricsFailure.
    """
    if source.namespace_label is None or not requests:
        return {}
    query = other_namespaces_query([(each.policy, each.revision) for each in requests], source.namespace_label)
    series = {labels.get(POLICY, ""): int(count) for labels, count in client.instant_vector(query, float(at))}
    asked = {each.policy for each in requests}
    return {
        policy: no_data(policy, count, source.namespace_label) for policy, count in series.items() if policy in asked
    }
