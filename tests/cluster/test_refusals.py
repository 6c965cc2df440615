"""What a person writes wrongly is refused by a real API server, in a sentence that says what to write instead."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.kit import Cluster
from tests.cluster.objects import CRDS, REMOVED, Manifest, changed, policy, source
from tests.cluster.refusing import LADDER, candidate, refusal


@pytest.fixture(scope="module", autouse=True)
def kinds(cluster: Cluster) -> None:
    cluster.access.install_crds(CRDS)


WINDOW = {"name": "window", "type": "Integer", "minimum": "1", "maximum": "40", "stopsSooner": "WhenLower"}


POLICIES: dict[str, tuple[str, Any, str]] = {
    "a field that does not exist": ("spec.rollout.stepz", [], 'unknown field "spec.rollout.stepz"'),
    "a field that is missing": ("spec.objective", REMOVED, "spec.objective: Required value"),
    "no candidates": ("spec.candidates", REMOVED, "candidates: write at least one setting to try"),
    "both candidates and search": ("spec.search", LADDER, "spec.search is not built yet; remove it"),
    "a number where text belongs": (
        "spec.objective.exactMatch.margin",
        0.02,
        'spec.objective.exactMatch.margin in body must be of type string: "number"',
    ),
    "a margin of 0": (
        "spec.objective.exactMatch.margin",
        "0",
        'margin 0 must lie between 0.0 and 1.0, for example "0.02"',
    ),
    "a margin of 1": (
        "spec.objective.exactMatch.margin",
        "1",
        'margin 1 must lie between 0.0 and 1.0, for example "0.02"',
    ),
    "a dispersion below 1": (
        "spec.objective.exactMatch.dispersion",
        "0.5",
        "dispersion 0.5 must lie between 1 and 1000; 1 stands for independent answers",
    ),
    "a proof of each class without classes": (
        "spec.objective.requireEach",
        True,
        "requireEach asks for a proof of each query class; write queryClasses",
    ),
    "query classes on pairs": (
        "spec.objective",
        {
            "exactMatch": {"margin": "0.02", "evidence": "Pairs"},
            "queryClasses": [{"name": "multi-hop", "margin": "0.03"}],
        },
        "queryClasses are compared on answers; remove them or write exactMatch.evidence: Answers",
    ),
    "a margin below 0": (
        "spec.objective.exactMatch.margin",
        "-0.02",
        'margin -0.02 must lie between 0.0 and 1.0, for example "0.02"',
    ),
    "a floor of 1": (
        "spec.objective.exactMatch.floor",
        "1",
        'floor 1 must lie between 0.0 and 1.0, for example "0.80"',
    ),
    "a saving of all tokens": (
        "spec.objective.tokens",
        {"minimumSaving": "1"},
        'minimumSaving 1 must lie between 0.0 and 1.0, for example "0.10"',
    ),
    "a risk of 0": (
        "spec.objective.risk",
        {"promote": "0"},
        'risk.promote 0 must lie between 0.000001 and 0.5, for example "0.05"',
    ),
    "a guardrail that allows no rise": (
        "spec.objective.guardrails",
        [{"name": "failures", "kind": "FailureRate", "maximumRatio": "1"}],
        'guardrail failures: write a maximumRatio above 1, for example "1.5"',
    ),
    "falling weights": (
        "spec.rollout.steps",
        [{"weight": 25}, {"weight": 5}],
        "weights must rise from step to step, for example 5, 25, 50",
    ),
    "equal weights": (
        "spec.rollout.steps",
        [{"weight": 5}, {"weight": 5}],
        "weights must rise from step to step, for example 5, 25, 50",
    ),
    "a weight of 0": ("spec.rollout.steps.0.weight", 0, "should be greater than or equal to 1"),
    "a weight of 100": ("spec.rollout.steps.2.weight", 100, "should be less than or equal to 99"),
    "a look every 0 s": ("spec.rollout.lookSeconds", 0, "should be greater than or equal to 1"),
    "a workload that has no Pods of its own": (
        "spec.targetRef.kind",
        "Service",
        'Unsupported value: "Service": supported values: "Deployment"',
    ),
    "a baseline above the maximum": (
        "spec.baseline.values.0.value",
        "41",
        "baseline.values: each value needs a parameter of that name and must lie between its minimum and maximum",
    ),
    "a baseline with a fraction of an Integer": (
        "spec.baseline.values.0.value",
        "39.5",
        'baseline.values: a parameter of type Integer takes whole numbers, for example "40"',
    ),
    "a baseline without one of the parameters": (
        "spec.parameters",
        [WINDOW, {**WINDOW, "name": "patience"}],
        "baseline.values: write a value for every parameter",
    ),
    "a candidate below the minimum": (
        "spec.candidates.0.values.0.value",
        "0",
        "candidates: each value needs a parameter of that name and must lie between its minimum and maximum",
    ),
    "a candidate's value for a parameter that is not there": (
        "spec.candidates.0.values.0.name",
        "patience",
        "candidates: each value needs a parameter of that name and must lie between its minimum and maximum",
    ),
    "a candidate with a fraction of an Integer": (
        "spec.candidates.0.values.0.value",
        "10.5",
        'candidates: a parameter of type Integer takes whole numbers, for example "10"',
    ),
    "a candidate that is the baseline": (
        "spec.candidates.0.values.0.value",
        "40",
        "a candidate equals the baseline; write at least one value that differs",
    ),
    "a candidate that is the baseline spelled otherwise": (
        "spec.candidates.0.values.0.value",
        "40.0",
        'a candidate equals the baseline; write at least one value that differs ("40.0" is "40")',
    ),
    "two candidates of the same values": (
        "spec.candidates",
        [candidate("one", "10"), candidate("two", "10")],
        "two candidates have the same values; remove one",
    ),
    "two candidates of the same name": (
        "spec.candidates",
        [candidate("one", "10"), candidate("one", "20")],
        'Duplicate value: {"name":"one"}',
    ),
    "a value in exponent notation": (
        "spec.candidates.0.values.0.value",
        "1e1",
        "spec.candidates[0].values[0].value in body should match",
    ),
    "a parameter whose bounds are crossed": (
        "spec.parameters.0.minimum",
        "40",
        "parameter window: write a minimum below the maximum; 40 is not below 40",
    ),
    "a parameter whose header is the operator's own": (
        "spec.parameters.0.name",
        "revision",
        "the name revision is reserved for a header of the operator; write another name, for example revision-limit",
    ),
    "a parameter whose header names the shadows": (
        "spec.parameters.0.name",
        "shadow",
        "the name shadow is reserved for a header of the operator; write another name, for example shadow-limit",
    ),
    "a delivery mode without its settings": (
        "spec.delivery.gatewayHeader",
        REMOVED,
        "delivery.mode GatewayHeader needs delivery.gatewayHeader with a routeRef",
    ),
    "settings of another delivery mode": (
        "spec.delivery.mode",
        "Shadow",
        "delivery.gatewayHeader belongs to delivery.mode GatewayHeader; remove it or change the mode",
    ),
    "a header prefix without its hyphen": (
        "spec.delivery.gatewayHeader.headerPrefix",
        "xearlystop",
        "spec.delivery.gatewayHeader.headerPrefix in body should match",
    ),
    "a holdback of all traffic": ("spec.guard", {"holdbackWeight": 100}, "should be less than or equal to 99"),
}


@pytest.mark.parametrize(("path", "value", "sentence"), POLICIES.values(), ids=POLICIES.keys())
def test_a_wrong_policy_is_refused_with_what_to_write(cluster: Cluster, path: str, value: Any, sentence: str) -> None:
    assert sentence in refusal(cluster, changed(policy(), path, value))


def test_a_search_over_a_parameter_that_is_not_there_is_refused(cluster: Cluster) -> None:
    wrong = changed(policy(), "spec.candidates", REMOVED)
    wrong["spec"]["search"] = {**LADDER, "parameter": "patience"}
    assert "search.parameter: write the name of one of the parameters" in refusal(cluster, wrong)


SEARCHES: dict[str, tuple[Manifest, str]] = {
    "neither values nor a range": ({"values": None}, "search: write exactly one of values and range"),
    "both values and a range": (
        {"range": {"from": "20", "to": "10", "step": "5"}},
        "search: write exactly one of values and range",
    ),
    "a value outside its parameter's bounds": (
        {"values": ["20", "50"]},
        "search.values: each value must lie between the minimum and maximum of its parameter",
    ),
}


@pytest.mark.parametrize(("changes", "sentence"), SEARCHES.values(), ids=SEARCHES.keys())
def test_a_search_that_could_not_be_carried_out_is_refused(cluster: Cluster, changes: Manifest, sentence: str) -> None:
    wrong = changed(policy(), "spec.candidates", REMOVED)
    search = {**LADDER, **changes}
    wrong["spec"]["search"] = {key: value for key, value in search.items() if value is not None}
    assert sentence in refusal(cluster, wrong)


def test_two_spellings_of_one_value_are_not_two_candidates(cluster: Cluster) -> None:
    wrong = changed(policy(), "spec.candidates", [candidate("ten", "10"), candidate("also-ten", "10.0")])
    assert "two candidates have the same values; remove one" in refusal(cluster, wrong)


def test_a_step_that_outlasts_the_deadline_is_refused(cluster: Cluster) -> None:
    wrong = policy()
    wrong["spec"]["rollout"] = {"steps": [{"weight": 50, "minimumSeconds": 600}], "deadlineSeconds": 300}
    assert "write a minimumSeconds below deadlineSeconds" in refusal(cluster, wrong)


SOURCES: dict[str, tuple[str, Any, str]] = {
    "an address with a query": (
        "spec.url",
        "http://prometheus:9090/?token=1",
        "write the base address without a query",
    ),
    "credentials in the address": (
        "spec.url",
        "https://reader:secret@prometheus.monitoring",
        "url: credentials do not belong in an address; write auth.secretRef",
    ),
    "an address without a host": (
        "spec.url",
        "http:///prometheus",
        "url: write http:// or https:// with a host, for example http://prometheus.monitoring:9090",
    ),
    "an address of another scheme": ("spec.url", "ftp://prometheus", "spec.url in body should match '^https?://'"),
    "a token written out": ("spec.auth", {"type": "Bearer", "token": "x"}, 'unknown field "spec.auth.token"'),
    "a certificate without its key": (
        "spec",
        {"url": "https://prometheus", "tls": {"certificateRef": {"name": "a", "key": "tls.crt"}}},
        "tls: certificateRef and keyRef belong together; write both or neither",
    ),
    "certificates for an address without TLS": (
        "spec.tls",
        {"caRef": {"name": "a", "key": "ca.crt"}},
        "tls: certificates are of use for an https address only; write https:// in url or remove tls",
    ),
    "a server that is not known": ("spec.flavour", "Graphite", 'Unsupported value: "Graphite"'),
    "no time between scrapes": ("spec.scrapeIntervalSeconds", 0, "should be greater than or equal to 1"),
}


@pytest.mark.parametrize(("path", "value", "sentence"), SOURCES.values(), ids=SOURCES.keys())
def test_a_wrong_source_is_refused_with_what_to_write(cluster: Cluster, path: str, value: Any, sentence: str) -> None:
    assert sentence in refusal(cluster, changed(source(), path, value))
