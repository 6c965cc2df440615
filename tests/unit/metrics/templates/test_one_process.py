"""Which rows are one counter: labels that scrape configs give to one process, and some of two processes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from earlystop.api.counts import Variant
from earlystop.metrics.templates.range_vectors import RawSeries, observe
from earlystop.metrics.templates.reset_ledger import ResetLedger, is_blind, look, totals, uncertain
from tests.unit.every_row import every_row

C = Variant.CANDIDATE
SINCE = 1000
GREW = 285
"""From the first scrape within the step to the last, one a second."""
POD = {"job": "llm/qa", "instance": "10.0.0.5:8080", "namespace": "llm", "pod": "qa-1", "container": "server"}
BARE = {"job": "static", "instance": "10.0.0.5:8080"}
FEDERATED = {"job": "federate", "instance": "prometheus:9090", "pod": "prometheus-0", "namespace": "monitoring"}
KEPT = {f"exported_{name}": text for name, text in POD.items()}
Labels = Mapping[str, str]

ONE_PROCESS: dict[str, tuple[Labels, Labels]] = {
    "two jobs": (POD, {**POD, "job": "annotations"}),
    "two Services": ({**POD, "service": "qa"}, {**POD, "service": "qa-es-candidate"}),
    "two endpoints": ({**POD, "endpoint": "http"}, {**POD, "endpoint": "metrics"}),
    "the containers of two ports": (POD, {**POD, "instance": "10.0.0.5:15020", "container": "istio-proxy"}),
    "a job without the Pod's name": (POD, BARE),
    "a job that calls the Pod otherwise": (POD, {**BARE, "kubernetes_pod_name": "qa-1", "kubernetes_namespace": "llm"}),
    "a job that maps the Pod's labels": (POD, {**POD, "job": "annotations", "app": "qa", "pod_template_hash": "5d"}),
    "scrapers of a pair, not configured": ({**POD, "replica": "a"}, {**POD, "replica": "b"}),
    "two Prometheus that write to one store": ({**POD, "prometheus": "a"}, {**POD, "prometheus": "b"}),
    "replicas of a Thanos Receive": ({**POD, "receive_replica": "0"}, {**POD, "receive_replica": "1"}),
    "a pair of Mimir's, not deduplicated": ({**POD, "__replica__": "a"}, {**POD, "__replica__": "b"}),
    "a pair under a name of one's own": ({**POD, "prom_ha_replica": "a"}, {**POD, "prom_ha_replica": "b"}),
    "two agents that write to one store": ({**POD, "agent_hostname": "n1"}, {**POD, "agent_hostname": "n2"}),
    "two rulers that copied it": ({**POD, "rule_replica": "a"}, {**POD, "rule_replica": "b"}),
    "two static jobs": (BARE, {**BARE, "job": "other"}),
}
COPIES: dict[str, tuple[Labels, Labels]] = {
    "external labels": (POD, {**POD, "region": "eu", "monitor": "main"}),
    "a federation that keeps labels": (POD, {**FEDERATED, **KEPT}),
    "a federation of a bare target": (BARE, {"job": "f", "instance": "p:9090", "exported_instance": BARE["instance"]}),
    "a sum without a target": (POD, {}),
}
TWO_PROCESSES: dict[str, tuple[Labels, Labels]] = {
    "two Pods": (POD, {**POD, "pod": "qa-2", "instance": "10.0.0.6:8080"}),
    "two Pods under one node's name": ({**POD, "instance": "node-1"}, {**POD, "pod": "qa-2", "instance": "node-1"}),
    "two bare addresses": (BARE, {**BARE, "instance": "10.0.0.5:8081"}),
}


def counted(*targets: Labels, scraped: int = 2, own: tuple[Labels, ...] = ({}, {})) -> tuple[int, int]:
    """Counted and uncertain, of rows with these labels. scraped: how many of the targets have their `up` stored."""
    moments = range(SINCE - 60, SINCE + 300, 15)
    ledger = ResetLedger(1, 1000 * SINCE)
    rows = [
        RawSeries({**target, **labels, "variant": "candidate"}, [(1000 * at, str(at)) for at in moments])
        for target, labels in zip(targets, own, strict=True)
    ]
    ups = [
        RawSeries({"__name__": "up", **target}, [(1000 * at, "1") for at in moments]) for target in targets[:scraped]
    ]
    ledger = look(ledger, observe({(C, "completed"): rows}, [], ups)).ledger
    return totals(ledger, 1)[C].completed, uncertain(ledger, 1)[C].completed


@every_row("scraped", [0, 1, 2])
@every_row("name", [*ONE_PROCESS, *COPIES])
def test_one_process_is_counted_once_by_whichever_two_ways_it_is_read(name: str, scraped: int) -> None:
    first, second = {**ONE_PROCESS, **COPIES}[name]
    assert counted(first, second, scraped=scraped)[0] == GREW


def test_labels_of_any_name_are_known_to_be_a_scrapers_by_up() -> None:
    assert counted({**POD, "team": "a"}, {**POD, "job": "other", "team": "b"}) == (GREW, 0)


@pytest.mark.parametrize("name", ONE_PROCESS)
def test_where_up_proves_that_two_ways_lead_to_one_page_nothing_is_left_open(name: str) -> None:
    first, second = ONE_PROCESS[name]
    left = GREW if first["instance"] != second["instance"] else 0
    assert counted(first, second) == (GREW, left), "at two ports of a Pod there may be two counters"


@pytest.mark.parametrize("scraped", [0, 2])
@pytest.mark.parametrize("name", TWO_PROCESSES)
def test_two_processes_are_added(name: str, scraped: int) -> None:
    assert counted(*TWO_PROCESSES[name], scraped=scraped) == (2 * GREW, 0)


@pytest.mark.parametrize(
    "own",
    [
        ({"reason": "stop"}, {"reason": "length"}),
        ({"endpoint": "/v1/chat/completions"}, {"endpoint": "/v1/completions"}),
        ({"service": "chat"}, {"service": "search"}),
        ({"code": "200"}, {"code": "500", "error": "timeout"}),
    ],
)
def test_series_that_a_process_itself_tells_apart_are_added(own: tuple[Labels, Labels]) -> None:
    assert counted(POD, POD, scraped=1, own=own) == (2 * GREW, 0)


def test_of_a_row_that_only_has_more_labels_than_another_the_larger_counts_and_the_rest_is_left_open() -> None:
    assert counted(POD, POD, scraped=1, own=({}, {"error": "timeout"})) == (GREW, GREW)


def test_series_with_moments_of_their_own_are_counted_as_those_of_one_scrape() -> None:
    ledger = ResetLedger(1, 1000 * SINCE)
    for until in range(SINCE, SINCE + 300, 60):
        moments = range(until - 120, until + 1, 15)
        rows = [
            RawSeries({**POD, "route": route}, [(1000 * at + offset, str(at)) for at in moments])
            for route, offset in (("/a", 0), ("/b", 4000))
        ]
        ledger = look(ledger, observe({(C, "completed"): rows})).ledger
    assert totals(ledger, 1)[C].completed == 2 * 240


def test_what_groups_of_a_push_gateway_share_counts_once_and_the_rest_is_left_open() -> None:
    assert counted({"job": "a"}, {"job": "b"}, scraped=0) == (GREW, GREW)


def test_a_process_is_blind_only_where_no_way_says_when_it_began() -> None:
    rows = {(C, "completed"): [RawSeries({**target, "variant": "candidate"}, [(9000, "1")]) for target in (POD, BARE)]}
    start = RawSeries({**POD, "job": "annotations"}, [(9000, "1")])
    assert is_blind(look(ResetLedger(0, 0), observe(rows, [start])).ledger)
    pod = {(C, "completed"): [*rows[C, "completed"][:1], RawSeries({**POD, "job": "annotations"}, [(9000, "1")])]}
    assert not is_blind(look(ResetLedger(0, 0), observe(pod, [start])).ledger)
