"""Where a probe is sent, so that it meets the overlay."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.api.wire import PROBE_HEADER
from earlystop.delivery.gateway_header import MODE, probes, render
from earlystop.delivery.headers import nonce_of
from earlystop.delivery.proof import Metrics, ProbeTarget
from tests.unit.delivery.cluster import (
    SHARE,
    exact,
    gateway,
    gateway_class,
    header,
    inputs,
    overlay_in,
    prefix,
    route,
    rule,
)
from tests.unit.rollout.policies import policy

WEB = {"name": "web", "protocol": "HTTP", "port": 8000}
TLS = {"name": "tls", "protocol": "HTTPS", "port": 8443}
API = {"name": "api", "protocol": "HTTP", "port": 9000, "hostname": "api.example.com"}


def target(*listeners: dict[str, Any], address: str | None = "10.1.2.3", **users: Any) -> ProbeTarget | None:
    here = inputs(route=route(**users), gateways={("llm", "edge"): gateway(*listeners, address=address)})
    found = probes(here, SHARE, overlay_in(render(here, SHARE)))
    assert len(found) <= 1
    return found[0] if found else None


def test_a_probe_goes_through_the_gateway_with_the_nonce_of_its_share() -> None:
    found = target()
    assert found is not None
    assert (found.url, found.host, found.nonce) == ("http://10.1.2.3:8000/v1/chat/completions", None, nonce_of(SHARE))


def test_an_ipv6_address_is_put_in_brackets() -> None:
    found = target(address="fd00::7")
    assert found is not None and found.url.startswith("http://[fd00::7]:8000/")


@pytest.mark.parametrize(
    ("listeners", "parent", "url"),
    [
        ([TLS, WEB], {}, "http://10.1.2.3:8000"),
        ([WEB, API], {"sectionName": "api"}, "http://10.1.2.3:9000"),
        ([WEB, API], {"port": 9000}, "http://10.1.2.3:9000"),
        ([TLS], {}, "https://10.1.2.3:8443"),
        ([TLS, WEB], {"sectionName": "tls"}, "https://10.1.2.3:8443"),
        ([{**TLS, "tls": {"mode": "Passthrough"}}], {}, None),
        ([{**WEB, "protocol": "TCP"}], {}, None),
        ([WEB], {"sectionName": "tls"}, None),
        ([WEB], {"name": "another"}, None),
        ([WEB], {"namespace": "edge-system"}, None),
    ],
)
def test_a_probe_goes_to_a_listener_that_the_route_is_attached_to_by_plain_http_if_there_is_one(
    listeners: list[dict[str, Any]], parent: dict[str, Any], url: str | None
) -> None:
    found = target(*listeners, parentRefs=[{"name": "edge", **parent}])
    assert (found and found.url.removesuffix("/v1/chat/completions")) == url


def test_a_gateway_without_an_address_cannot_be_probed() -> None:
    assert target(address=None) is None


@pytest.mark.parametrize(
    ("hostnames", "listener", "host"),
    [
        ([], None, None),
        (["qa.example.com"], None, "qa.example.com"),
        (["*.example.com"], None, "probe.example.com"),
        ([], "api.example.com", "api.example.com"),
        ([], "*.example.com", "probe.example.com"),
        (["*.example.com"], "api.example.com", "api.example.com"),
        (["qa.example.com"], "*.example.com", "qa.example.com"),
        (["qa.example.org", "qa.example.com"], "*.example.com", "qa.example.com"),
    ],
)
def test_a_probe_names_a_host_that_both_the_route_and_the_listener_accept(
    hostnames: list[str], listener: str | None, host: str | None
) -> None:
    web = {**WEB, "hostname": listener} if listener else WEB
    found = target(web, hostnames=hostnames)
    assert found is not None and found.host == host


def test_a_listener_for_other_hosts_is_passed_over() -> None:
    found = target(API, WEB, hostnames=["qa.example.org"])
    assert found is not None and found.url.startswith("http://10.1.2.3:8000/")
    assert target(API, hostnames=["qa.example.org"]) is None


def test_a_probe_carries_what_the_users_rule_asks_for() -> None:
    asked = prefix("/v1/chat", headers=[header("x-model", "qa")], queryParams=[header("v", "a b")])
    found = target(rules=[rule(asked)])
    assert found is not None
    assert found.url.endswith("/v1/chat/completions?v=a+b")
    assert found.headers == (("x-model", "qa"), (PROBE_HEADER, nonce_of(SHARE)))


def test_of_what_a_rule_asks_for_twice_a_probe_carries_the_first_which_counts() -> None:
    twice = [header("X-Model", "qa"), header("x-model", "other")]
    asked = prefix("/v1/chat", headers=twice, queryParams=[header("v", "1"), header("v", "2"), header("V", "3")])
    found = target(rules=[rule(asked)])
    assert found is not None and found.url.endswith("/v1/chat/completions?v=1&V=3")
    assert found.headers == (("X-Model", "qa"), (PROBE_HEADER, nonce_of(SHARE)))


def test_a_probe_has_the_content_type_that_the_rule_asks_for_and_has_it_once() -> None:
    asked = prefix("/v1/chat", headers=[header("Content-Type", "application/json; charset=utf-8")])
    for matches, expected in ((asked, "application/json; charset=utf-8"), (prefix("/v1/chat"), "application/json")):
        found = target(rules=[rule(matches)])
        assert found is not None
        sent = found.asked_headers
        assert [sent[name] for name in sent if name.lower() == "content-type"] == [expected]


def test_what_a_rule_asks_for_by_a_regular_expression_is_not_asked_of_probes() -> None:
    vague = exact("/ask", headers=[header("x-model", "qa.*", "RegularExpression"), header("x-team", "a")])
    found = target(rules=[rule(vague, exact("/tell"))])
    assert found is not None and found.url.endswith("/tell")
    alone = target(rules=[rule(vague)])
    assert alone is not None and alone.url.endswith("/ask") and dict(alone.headers).keys() == {"x-team", PROBE_HEADER}


def test_a_probe_rule_that_leaves_a_condition_out_is_met_by_nobody_who_does_not_know_the_policys_uid() -> None:
    vague = rule(prefix("/", headers=[header("authorization", "Bearer .+", "RegularExpression")]))
    nonces = set()
    for uid in ("uid-1", "uid-2"):
        here = inputs(vague, uid=uid)
        overlay = overlay_in(render(here, SHARE))
        nonces |= {each["value"] for each in overlay["spec"]["rules"][0]["matches"][0]["headers"]}
        for each in overlay["spec"]["rules"][1:]:
            assert all(match["headers"][0]["type"] == "RegularExpression" for match in each["matches"])
    assert len(nonces) == 2 and nonce_of(SHARE) not in nonces


@pytest.mark.parametrize(
    ("parts", "reason", "words"),
    [
        ({"gateways": {("llm", "edge"): gateway(address=None)}}, "NoGatewayAddress", "Gateway edge reports no address"),
        ({"gateways": {}}, "NoGatewayAddress", "no Gateways that can be read"),
        ({"gateways": {("llm", "edge"): gateway(API)}}, "NoProbeListener", "No http or https listener of Gateway edge"),
        ({"gateway_classes": {}}, "GatewayClassNotAccepted", "No controller has accepted GatewayClass traefik"),
        (
            {"gateway_classes": {"traefik": gateway_class("Unknown")}},
            "GatewayClassNotAccepted",
            "No controller has accepted GatewayClass traefik",
        ),
    ],
)
def test_why_no_probe_can_be_sent_is_said_as_it_is(parts: dict[str, Any], reason: str, words: str) -> None:
    here = inputs(route=route(hostnames=["qa.example.org"]), **parts)
    found = MODE.proof(here, SHARE, render(here, SHARE))
    assert isinstance(found, Metrics) and found.reason == reason and words in found.message


def test_the_trust_that_a_policy_states_goes_with_its_probes() -> None:
    for trust in ("Any", "System"):
        delivery = {**policy().delivery.wire(), "probe": {"trust": trust}}
        here = inputs(spec=policy({"delivery": delivery}), gateways={("llm", "edge"): gateway(TLS)})
        (found,) = probes(here, SHARE, overlay_in(render(here, SHARE)))
        assert found.trust == trust
