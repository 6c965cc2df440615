"""Counters as the stores of ordinary clusters hold them: no more is counted than happened, or they are refused."""

from __future__ import annotations

import pytest

from earlystop.api.counts import Variant
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.templates.range_vectors import RawSeries
from earlystop.metrics.templates.reader import TemplateRequest, read_templates
from earlystop.metrics.templates.reset_ledger import ResetLedger, look, totals
from tests.unit.every_row import every_row
from tests.unit.metrics.templates.stored_clusters import (
    ALLOCATED,
    AT,
    BEGIN,
    BY_PODS,
    CANARIES,
    CELLS,
    COLLECTOR,
    EARLY,
    EXPORTED,
    FEDERATED_SERVICE,
    FEDERATION,
    FEDERATOR,
    GAP,
    LATE,
    MERGED,
    MOVED,
    NAMED,
    OTHER,
    POD,
    POINTED,
    PROXY,
    PUSHED,
    REPLICAS,
    RESTART,
    ROUTES,
    SCOPED,
    SERVICE,
    SHARDS,
    SIDECAR,
    TWIN,
    V6,
    WRITTEN,
    Store,
    about,
    balanced,
    collected,
    collector,
    constant,
    counter,
    held,
    moments,
    scraped,
    up,
)

ASKED = TemplateRequest("llm/qa", "r1", 900, "Custom", {"completed": 'done{variant="{variant}"}'})
# What the store holds, how much of one counter's 300 events must be counted, and how many such counters there are.
READ: list[tuple[str, list[RawSeries], int, int]] = [
    ("kube-prometheus", [counter(POD), *scraped(POD)], 285, 1),
    ("honorLabels", [counter({**POD, "namespace": "app", "pod": "own"}), *scraped(POD)], 285, 1),
    ("labels of the application renamed", [counter({**POD, "exported_pod": "own"}), *scraped(POD)], 285, 1),
    ("two monitors", [counter(POD), counter(BY_PODS), *scraped(POD), *scraped(BY_PODS)], 285, 1),
    ("a federation beside", [counter(POD), counter(EXPORTED), *scraped(POD), constant("up", FEDERATION)], 285, 1),
    ("a federation alone", [counter(EXPORTED), *scraped(FEDERATION)], 285, 1),
    (
        "a federation that honours labels and keeps start times",
        [*(counter({**POD, **route}) for route in ROUTES), scraped(POD)[1], constant("up", FEDERATION)],
        570,
        2,
    ),
    ("replicas of Thanos", [row for one in REPLICAS for row in (counter(one), *scraped(one))], 285, 1),
    ("replicas, another taken midway", [counter(POD, at=[*EARLY, *moments(RESTART, shift=7)]), *scraped(POD)], 270, 1),
    ("replicas under a label of one's own", [row for one in CELLS for row in (counter(one), *scraped(one))], 285, 1),
    ("agents that push start times", [row for one in CELLS for row in (counter(one), scraped(one)[1])], 285, 1),
    (
        "OTLP with a resource",
        [
            *(counter({**PUSHED, **route}) for route in ROUTES),
            constant("target_info", {"job": "qa", "instance": "uid-1"}),
        ],
        570,
        2,
    ),
    (
        "a collector with resource_to_telemetry",
        [
            *(counter({**COLLECTOR, "exported_job": "qa", "exported_instance": uid}) for uid in ("u1", "u2")),
            *scraped(COLLECTOR),
        ],
        570,
        2,
    ),
    (
        "a collector that lost its state",
        [
            RawSeries(
                {"__name__": "done", **PUSHED},
                [(1000 * each, str(9_000 + each - BEGIN if each < RESTART else each - RESTART)) for each in moments()],
            )
        ],
        120,
        1,
    ),
    (
        "names with points",
        [
            row
            for labels in ({**POINTED, "host.name": host} for host in ("n1", "n2"))
            for row in (counter(labels), constant("target_info", labels))
        ],
        285,
        1,
    ),
    ("a gap of two minutes", [counter(POD, at=GAP), *scraped(POD)], 250, 1),
    ("timeouts", [counter(POD, at=[each for each in moments() if each % 45]), *scraped(POD)], 250, 1),
    (
        "a label of the target dropped",
        [counter({n: t for n, t in POD.items() if n != "service"}), *scraped(POD)],
        285,
        1,
    ),
    ("created series", [counter(POD), constant("done_created", POD, AT - 50_000), *scraped(POD)], 285, 1),
    (
        "a Pod of the same name at another address",
        [
            counter(POD, at=EARLY),
            *scraped(POD, at=EARLY),
            counter(MOVED, before=0, since=RESTART, at=LATE),
            *scraped(MOVED, RESTART, LATE),
        ],
        120,
        1,
    ),
    ("two engines in one Pod", [counter(POD), counter(SIDECAR), *scraped(POD), *scraped(SIDECAR, AT - 40_000)], 285, 2),
    # prometheus-operator#5230: a PodMonitor makes a target of each container, whichever of them has the port
    ("two containers, one port", [counter(POD), counter(PROXY), *scraped(POD), *scraped(PROXY)], 285, 1),
    ("the same without start times", [*(row for one in (POD, PROXY) for row in (counter(one), up(one)))], 285, 1),
    # seaweedfs-operator#385: Services beside the user's, as a canary's, that a ServiceMonitor selects too
    ("Services of a canary", [row for one in CANARIES for row in (counter(one), *scraped(one))], 285, 1),
    # Istio's merged metrics: the proxy shows the server's counters on a port of its own, with either's start time
    ("merged metrics", [counter(POD), counter(MERGED), *scraped(POD), *scraped(MERGED)], 285, 1),
    (
        "merged, the proxy's start",
        [counter(POD), counter(MERGED), *scraped(POD), *scraped(MERGED, AT - 50_003)],
        285,
        1,
    ),
    # opentelemetry-collector-contrib#14456: collectors behind one Service, of which each shows what it got last
    (
        "balanced collectors",
        [row for n, hold in ((1, 60), (2, 90)) for row in (held(collected(n), hold), *scraped(collector(n)))],
        200,
        1,
    ),
    # opentelemetry-operator#4090, prometheus-operator#6196: a target goes to another scraper, after a pause or before
    (
        "a target allocated anew",
        [row for one, at in ALLOCATED for row in (counter(one, **at), *scraped(one, **at))],
        120,
        1,
    ),
    ("shards that overlap", [row for one, at in SHARDS for row in (counter(one, **at), *scraped(one, **at))], 120, 1),
    # vllm-project/vllm#21257: one page tells its engines apart
    ("engines of a data-parallel server", [counter({**POD, "engine": e}) for e in "01"] + scraped(POD), 570, 2),
    # vllm-project/vllm#18053: several API servers count in files, and no page of theirs has a start time
    ("counters in files", [counter(POD), up(POD)], 285, 1),
    # an address that another Pod got, with the Pod's name among the labels and without
    (
        "an address that another Pod got",
        [
            counter(POD, at=EARLY),
            *scraped(POD, at=EARLY),
            counter({**POD, "pod": "qa-2"}, before=0, since=RESTART, at=LATE),
            *scraped({**POD, "pod": "qa-2"}, RESTART, LATE),
        ],
        120,
        1,
    ),
    ("timestamps of an exporter that lags", [counter(POD, at=moments(end=AT - 120)), *scraped(POD)], 150, 1),
    # opentelemetry-operator#3654: the Pod's page, and a collector that reads it too
    ("a collector beside", [counter(POD), counter(SCOPED), *scraped(POD), *scraped(COLLECTOR)], 285, 1),
    ("what a collector writes beside", [counter(POD), counter(WRITTEN), *scraped(POD), about(WRITTEN)], 285, 1),
    # a machine beside the Pods, whose engine began at the same moment, with requests of its own
    (
        "a machine beside",
        [counter(POD), counter(NAMED, before=9_000), *(row for one in (POD, NAMED) for row in scraped(one))],
        570,
        2,
    ),
    # two machines that a script started at the same moment, and that a balancer gives every other request of one route
    (
        "machines that began together",
        [
            *(counter({**one, **ROUTES[0]}) for one in (NAMED, TWIN)),
            counter({**NAMED, **ROUTES[1]}),
            counter({**TWIN, **ROUTES[1]}, before=9_000),
            *(row for one in (NAMED, TWIN) for row in scraped(one)),
        ],
        1140,
        4,
    ),
    ("both families of addresses", [row for one in (POD, V6) for row in (counter(one), *scraped(one))], 285, 1),
    (
        "a label that comes midway",
        [
            counter(POD, at=EARLY),
            *scraped(POD, at=EARLY),
            counter({**POD, "team": "x"}, at=LATE),
            *scraped({**POD, "team": "x"}, at=LATE),
        ],
        120,
        1,
    ),
    (
        "groups of a push gateway",
        [
            row
            for group in "ab"
            for labels in [{"job": "batch", "instance": "qa-1", "shard": group}]
            for row in (counter(labels), constant("push_time_seconds", labels))
        ],
        285,
        2,
    ),
]
REFUSED: list[tuple[str, list[RawSeries], str]] = [
    (
        "a Pod's name beside it",
        [row for one in (NAMED, POD) for row in (counter(one), *scraped(one))],
        "static at qa-1.qa",
    ),
    (
        "a Service beside its Pods",
        [
            counter(POD),
            counter(OTHER, before=9_900),
            *scraped(POD),
            *scraped(OTHER, AT - 40_000),
            *balanced(SERVICE, (AT - 50_000, AT - 40_000)),
        ],
        "job vip at 10.96.0.7:80",
    ),
    (
        "two counters of a Pod's name beside it",
        [row for one in (NAMED, POD) for row in (*(counter({**one, **route}) for route in ROUTES), *scraped(one))],
        "static at qa-1.qa",
    ),
    (
        "a federation's Pod, and a Service that it has read",
        [
            *(counter(one) for one in (POD, FEDERATED_SERVICE)),
            *scraped(POD),
            constant("process_start_time_seconds", FEDERATED_SERVICE, AT - 50_000),
            constant("up", FEDERATOR),
        ],
        "job federate at prometheus:9090",
    ),
    ("a federation of chosen metrics", [counter({**POD, **route}) for route in ROUTES], "http_route"),
    ("agents that push chosen metrics", [counter(one) for one in CELLS], "cell"),
    (
        "a rule's sum over replicas",
        [counter(POD), *(row for one in REPLICAS for row in (counter(one), *scraped(one)))],
        "prometheus_replica",
    ),
]


@every_row(("rows", "least", "counters"), [row[1:] for row in READ])
def test_of_what_a_cluster_shows_no_more_is_counted_than_happened_and_most_of_it(
    rows: list[RawSeries], least: int, counters: int
) -> None:
    ledger = look(ResetLedger(1, 1000 * BEGIN), read_templates(Store(rows), ASKED, AT).observed).ledger
    assert least <= totals(ledger, 1)[Variant.BASELINE].completed <= counters * (AT - BEGIN)


@every_row(("rows", "label"), [row[1:] for row in REFUSED])
def test_where_nothing_tells_copies_from_counters_the_label_is_named(rows: list[RawSeries], label: str) -> None:
    with pytest.raises(MetricsFailure, match=label) as caught:
        read_templates(Store(rows), ASKED, AT)
    assert caught.value.kind is FailureKind.TEMPLATES_UNUSABLE
