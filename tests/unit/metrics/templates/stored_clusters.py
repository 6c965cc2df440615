"""What the stores of ordinary clusters hold of a counter, by the way that it came there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from earlystop.metrics.templates.range_vectors import RawSeries

AT = 1_760_000_000
BEGIN, RESTART = AT - 300, AT - 150
"""Of the step, and of a process within it. One event happens each second."""
POD = {
    **{"job": "llm/qa", "instance": "10.0.0.5:8080", "namespace": "llm", "pod": "qa-1"},
    **{"container": "server", "endpoint": "http", "service": "qa"},
}
Labels = dict[str, str]


class Store:
    """Answers a query by the name of its metric, for the baseline alone."""

    def __init__(self, rows: Iterable[RawSeries]) -> None:
        self._rows = list(rows)

    def range_vector(self, query: str, at: float) -> list[RawSeries]:
        name, _, rest = query.partition("{")
        if 'variant="candidate"' in rest:
            return []
        return [row for row in self._rows if row.labels["__name__"] == name]


def moments(begin: int = AT - 600, end: int = AT, shift: int = 0) -> list[int]:
    return list(range(begin + shift, end, 15))


def counter(labels: Labels, before: int = 9_400, since: int = AT - 600, at: list[int] | None = None) -> RawSeries:
    """A counter that was `before` at `since`, and grows by one a second."""
    points = [(1000 * each, str(before + each - since)) for each in at or moments()]
    return RawSeries({"__name__": "done", **labels}, points)


def constant(name: str, labels: Labels, value: int = 1, at: list[int] | None = None) -> RawSeries:
    return RawSeries({"__name__": name, **labels}, [(1000 * each, str(value)) for each in at or moments()])


def scraped(labels: Labels, start: int = AT - 50_000, at: list[int] | None = None) -> list[RawSeries]:
    """What a scrape of a target stores beside its counters."""
    return [constant("up", labels, at=at), constant("process_start_time_seconds", labels, start, at)]


FEDERATION = {"job": "federate", "instance": "prometheus:9090"}
EXPORTED = {f"exported_{name}": POD[name] for name in ("job", "instance", "namespace", "pod")} | FEDERATION
PUSHED = {"job": "qa", "instance": "uid-1", "service_name": "qa", "service_instance_id": "uid-1"}
POINTED = {"job": "qa", "instance": "i-1", "service.name": "qa", "k8s.pod.name": "qa-1", "service.instance.id": "u1"}
COLLECTOR = {"job": "otel", "instance": "otel:8889"}
ROUTES = ({"http_route": "/a"}, {"http_route": "/b"})
BY_PODS = {**POD, "job": "llm/qa-pods", "endpoint": "metrics"}
MOVED = {**POD, "instance": "10.0.0.9:8080"}
SIDECAR = {**POD, "container": "second", "instance": "10.0.0.5:8081"}
EARLY, LATE = moments(end=RESTART), moments(RESTART + 15)
GAP = [*moments(end=AT - 200), *moments(AT - 80)]
REPLICAS = [{**POD, "prometheus_replica": each} for each in "ab"]
CELLS = [{**POD, "cell": each} for each in "ab"]

PROXY = {**POD, "container": "istio-proxy"}
CANARIES = [{**POD, "service": each} for each in ("qa", "qa-es-baseline", "qa-es-candidate")]
MERGED = {**PROXY, "instance": "10.0.0.5:15020", "endpoint": "http-envoy-prom"}
ALLOCATED: list[tuple[Labels, dict[str, Any]]] = [
    ({**POD, "collector": "a"}, {"at": EARLY}),
    ({**POD, "collector": "b"}, {"at": moments(RESTART + 30)}),
]
SHARDS: list[tuple[Labels, dict[str, Any]]] = [
    ({**POD, "prometheus_replica": "k8s-0"}, {"at": moments(end=RESTART + 45)}),
    ({**POD, "prometheus_replica": "k8s-shard-1-0"}, {"at": moments(RESTART - 30, shift=5)}),
]
SCOPED = {**COLLECTOR, **{f"exported_{name}": POD[name] for name in ("job", "instance")}, "otel_scope_name": "receiver"}
WRITTEN = {"job": POD["job"], "instance": POD["instance"], "k8s_pod_name": "qa-1", "otel_scope_name": "receiver"}
V6 = {**POD, "instance": "[fd00::5]:8080"}


def up(labels: Labels) -> RawSeries:
    return constant("up", labels)


def about(labels: Labels) -> RawSeries:
    return constant("target_info", labels)


def collector(number: int) -> Labels:
    return {"job": "otel", "instance": f"10.0.1.{number}:8889", "namespace": "otel", "pod": f"otel-{number}"}


def collected(number: int) -> Labels:
    return {**collector(number), "exported_job": "qa", "exported_instance": "u1"}


def held(labels: Labels, seconds: int) -> RawSeries:
    """A counter whose value changes only so often."""
    points = [(1000 * each, str(9_400 + (each - AT + 600) // seconds * seconds)) for each in moments()]
    return RawSeries({"__name__": "done", **labels}, points)


NAMED = {"job": "static", "instance": "qa-1.qa.llm.svc:8080"}
TWIN = {"job": "static", "instance": "qa-2.qa.llm.svc:8080"}
SERVICE = {"job": "vip", "instance": "10.96.0.7:80"}
FEDERATOR = {**FEDERATION, "namespace": "monitoring", "pod": "prometheus-0"}
FEDERATED_SERVICE = {**FEDERATOR, "exported_job": "vip", "exported_instance": "10.96.0.7:80"}
OTHER = {**POD, "pod": "qa-2", "instance": "10.0.0.6:8080"}


def balanced(labels: Labels, between: tuple[int, int]) -> list[RawSeries]:
    """A Service that leads to a Pod, and every other time to another one, which each began at one of these moments."""
    at = moments(shift=7)
    counts = [(1000 * each, str(9_400 + each - AT + 600 + 500 * (n % 2))) for n, each in enumerate(at)]
    begun = [(1000 * each, str(between[n % 2])) for n, each in enumerate(at)]
    start = RawSeries({"__name__": "process_start_time_seconds", **labels}, begun)
    return [RawSeries({"__name__": "done", **labels}, counts), start, constant("up", labels, at=at)]
