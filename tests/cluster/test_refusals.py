"""What a person writes wrongly is refused by a real API server, in a sentence that says what to write instead."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.kit import Cluster
from tests.cluster.objects import CRDS, changed, policy, source
from tests.cluster.refused_policies import POLICIES
from tests.cluster.refusing import candidate, refusal


@pytest.fixture(scope="module", autouse=True)
def kinds(cluster: Cluster) -> None:
    cluster.access.install_crds(CRDS)


@pytest.mark.parametrize(("path", "value", "sentence"), POLICIES.values(), ids=POLICIES.keys())
def test_a_wrong_policy_is_refused_with_what_to_write(cluster: Cluster, path: str, value: Any, sentence: str) -> None:
    assert sentence in refusal(cluster, changed(policy(), path, value))


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
    "a label that means something else as the namespace's": (
        "spec.namespaceLabel",
        "policy",
        "namespaceLabel: this label already has a meaning in counts; write the label that the scraper sets",
    ),
    "a server that is not known": ("spec.flavour", "Graphite", 'Unsupported value: "Graphite"'),
    "no time between scrapes": ("spec.scrapeIntervalSeconds", 0, "should be greater than or equal to 1"),
}


@pytest.mark.parametrize(("path", "value", "sentence"), SOURCES.values(), ids=SOURCES.keys())
def test_a_wrong_source_is_refused_with_what_to_write(cluster: Cluster, path: str, value: Any, sentence: str) -> None:
    assert sentence in refusal(cluster, changed(source(), path, value))
