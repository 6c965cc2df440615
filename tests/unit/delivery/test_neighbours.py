"""Other routes of the user's hosts keep their requests: the overlay is narrowed, or refused with the other's name."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.conditions import Refusal
from earlystop.delivery.gateway_header import render
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.preflight import preflight, rendered_or_refusal
from earlystop.delivery.routes.neighbours import Neighbourhood, neighbour_route
from earlystop.delivery.routes.served_hosts import ServedHost, common_hostname, served_hosts
from tests.unit.delivery.cluster import SHARE, exact, gateway, header, inputs, overlay_in, prefix, route, rule, spec_in
from tests.unit.delivery.neighbouring import (
    ADMITTED,
    ALL,
    CHAT,
    CREATED,
    HEADER,
    LATER,
    OLDER,
    TEXT,
    WEB,
    beside,
    other,
    users,
)


def paths(here: ClusterInputs) -> set[str]:
    found = rendered_or_refusal(here, SHARE)
    assert not isinstance(found, Refusal), found
    return {match["path"]["value"] for each in overlay_in(found)["spec"]["rules"] for match in each["matches"]}


def refusal_of(here: ClusterInputs) -> Refusal:
    found = preflight(here, SHARE)
    assert found is not None and found.reason == "RouteOverlaps", found
    return found


@pytest.mark.parametrize("mode", ["GatewayHeader", "HeaderCohort", "Shadow"])
def test_a_route_of_another_namespace_that_takes_some_requests_by_a_header_is_named_in_every_mode(mode: str) -> None:
    here = replace(beside(other(HEADER)), spec=spec_in(mode))
    assert "HTTPRoute web/theirs for the same host takes some" in refusal_of(here).message


REFUSED: dict[str, dict[str, Any]] = {
    "a longer path with a header": prefix("/v1/chat", headers=[header("x-model", "other")]),
    "a method": prefix("/v1", method="POST", queryParams=[header("v", "2")]),
    "a regular expression": {"path": {"type": "RegularExpression", "value": "/v1/.*"}},
    "an exact path with a header": exact(CHAT, headers=[header("x-a", "1")]),
    "the same match with another header": prefix("/v1", headers=[header("x-a", "1", "RegularExpression")]),
}


REGULAR = [header(f"x-{name}", ".+", "RegularExpression") for name in "abcd"]


def test_headers_by_regular_expression_may_count_less_than_exact_ones() -> None:
    """As at Traefik, which gives 10 points for the one and 100 for the other."""
    by_expressions = users(rule(prefix("/v1", headers=REGULAR[:2])))
    refusal_of(beside(other(prefix("/v1", headers=[header("x-model", "other")])), here=by_expressions))
    refusal_of(beside(other(exact(CHAT, method="POST", headers=REGULAR))))
    assert paths(beside(other(prefix("/v1")), here=by_expressions)) == {CHAT, TEXT}


@pytest.mark.parametrize("name", REFUSED)
def test_a_match_that_takes_some_of_the_requests_is_refused(name: str) -> None:
    assert "HTTPRoute web/theirs" in refusal_of(beside(other(REFUSED[name]))).message


LEFT: dict[str, tuple[dict[str, Any], set[str]]] = {
    "an exact path": (exact(TEXT), {CHAT}),
    "a longer prefix": (prefix("/v1/chat"), {TEXT}),
    "another path": (prefix("/metrics"), {CHAT, TEXT}),
    "a shorter path": (prefix("/", headers=[header("x-a", "1")]), {CHAT, TEXT}),
    "another method": (prefix("/v1", method="GET"), {CHAT, TEXT}),
    "a match before every rule of the overlay": (
        exact(CHAT, method="POST", headers=[header(f"x-{name}", "1") for name in "abcd"]),
        {CHAT, TEXT},
    ),
}


@pytest.mark.parametrize("name", LEFT)
def test_what_is_wholly_anothers_or_wholly_the_users_narrows_the_overlay_or_leaves_it(name: str) -> None:
    match, expected = LEFT[name]
    assert paths(beside(other(match))) == expected


@pytest.mark.parametrize("created", [OLDER, CREATED, LATER, ""])
def test_requests_of_an_equal_match_may_be_anothers_whichever_route_is_older(created: str) -> None:
    said = refusal_of(beside(other(prefix("/v1"), created=created))).message
    assert "All completion requests of HTTPRoute qa may go to HTTPRoute web/theirs first" in said
    by_header = users(rule(prefix("/v1", headers=[header("x-tier", "gold")])))
    said = refusal_of(beside(other(HEADER, created=created), here=by_header)).message
    assert "HTTPRoute web/theirs for the same host takes some" in said and "by as narrow a match" in said


def test_a_path_of_an_equal_match_is_left_out_and_others_keep_their_overlay() -> None:
    here = users(rule(prefix("/v1"), prefix("/v2")))
    assert paths(beside(other(prefix("/v1"), created=LATER), here=here)) == {f"/v2{CHAT}", f"/v2{TEXT}"}


SET = {"group": "gateway.networking.k8s.io", "kind": "ListenerSet", "name": "team"}
MESH = {"group": "", "kind": "Service", "name": "qa"}


def at_parent(parent: dict[str, Any], mine: list[str], theirs: list[str]) -> ClusterInputs:
    """Two routes of one parent that is no Gateway, with these hostnames."""
    users_route = route(rule(prefix("/v1")), hostnames=mine)
    users_route["spec"]["parentRefs"] = [parent]
    users_route["metadata"]["creationTimestamp"] = CREATED
    there = other(HEADER, hostnames=theirs, parentRefs=[{**parent, "namespace": "llm"}])
    return beside(there, here=inputs(route=users_route, gateways=ADMITTED))


@pytest.mark.parametrize(
    ("parent", "mine", "theirs", "is_shared"),
    [
        (SET, [], ["qa.example"], True),
        (SET, ["qa.example"], [], True),
        (SET, ["qa.example"], ["qa.example"], True),
        (SET, ["qa.example"], ["other.example"], False),
        (MESH, ["qa.example"], ["other.example"], True),
        (MESH, [], ["other.example"], True),
    ],
)
def test_hosts_of_a_set_of_listeners_that_nobody_can_know_may_be_shared_and_a_mesh_looks_at_none(
    parent: dict[str, Any], mine: list[str], theirs: list[str], is_shared: bool
) -> None:
    found = at_parent(parent, mine, theirs)
    assert bool(found.neighbours.routes) is is_shared
    refusal = rendered_or_refusal(found, SHARE)
    assert (isinstance(refusal, Refusal) and refusal.reason == "RouteOverlaps") is is_shared


ELSEWHERE: dict[str, dict[str, Any]] = {
    "another host": {"hostnames": ["other.example"]},
    "a more specific host": {"hostnames": ["api.qa.example"]},
    "a wider host": {"hostnames": ["*.example"]},
    "no host of its own": {"hostnames": []},
    "another Gateway": {"parentRefs": [{"name": "inner", "namespace": "llm"}]},
    "a listener that is not there": {"parentRefs": [{"name": "edge", "namespace": "llm", "sectionName": "tls"}]},
    "no Gateway": {"parentRefs": []},
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_routes_for_other_hosts_or_gateways_stand_in_no_way(name: str) -> None:
    here = users(rule(prefix("/v1")), hostnames=["*.qa.example"])
    hostnames: dict[str, Any] = {"hostnames": ["*.qa.example"]}
    assert refusal_of(beside(other(HEADER, **hostnames), here=here))
    assert paths(beside(other(HEADER, **(hostnames | ELSEWHERE[name])), here=here)) == {CHAT, TEXT}


def test_a_route_without_hostnames_has_those_of_its_listener() -> None:
    gateways = {("llm", "edge"): gateway({**WEB, "hostname": "qa.example"})}
    here = users(rule(prefix("/v1")), gateways=gateways)
    refusal_of(beside(other(HEADER, hostnames=["qa.example"]), here=here))
    refusal_of(beside(other(HEADER, hostnames=["*.example"]), here=here))


def test_a_route_for_some_of_the_users_hosts_alone_cannot_narrow_and_is_refused() -> None:
    here = users(rule(prefix("/v1")), hostnames=["a.example", "b.example"])
    refusal_of(beside(other(exact(TEXT), hostnames=["a.example"]), here=here))
    assert paths(beside(other(exact(TEXT), hostnames=["a.example", "b.example"]), here=here)) == {CHAT}


def test_gateways_of_one_address_and_port_are_one_place() -> None:
    second = gateway(WEB)
    second["metadata"]["name"] = "second"
    gateways = {("llm", "edge"): gateway(WEB), ("llm", "second"): second}
    rival = other(HEADER, parentRefs=[{"name": "second", "namespace": "llm"}])
    refusal_of(beside(rival, here=users(rule(prefix("/v1")), gateways=gateways)))
    second["status"]["addresses"][0]["value"] = "10.9.9.9"
    assert paths(beside(rival, here=users(rule(prefix("/v1")), gateways=gateways))) == {CHAT, TEXT}


@pytest.mark.parametrize(
    ("allowed", "meets"),
    [
        ({}, False),
        ({"namespaces": {"from": "Same"}}, False),
        ({"namespaces": {"from": "None"}}, False),
        ({"namespaces": {"from": "Selector", "selector": {"matchLabels": {"team": "web"}}}}, True),
        (ALL, True),
        ({**ALL, "kinds": [{"kind": "GRPCRoute"}]}, False),
        ({**ALL, "kinds": [{"kind": "HTTPRoute"}]}, True),
    ],
)
def test_a_route_that_no_listener_may_admit_keeps_nobody_from_an_overlay(allowed: dict[str, Any], meets: bool) -> None:
    gateways = {("llm", "edge"): gateway({**WEB, "allowedRoutes": allowed})}
    rival = neighbour_route(other(HEADER), "HTTPRoute", gateways)
    assert bool(rival.hosts) == meets


def status(*said: tuple[str, int]) -> dict[str, Any]:
    """What gateways say of the other route, each for a generation of it."""
    parents = [
        {
            "parentRef": {"kind": "Gateway", "name": "edge", "namespace": "llm"},
            "conditions": [{"type": "Accepted", "status": each, "observedGeneration": generation}],
        }
        for each, generation in said
    ]
    return {"parents": parents}


@pytest.mark.parametrize(
    ("said", "meets"),
    [
        ([("False", 1)], False),
        ([("False", 0)], True),
        ([("True", 1)], True),
        ([("False", 1), ("True", 1)], True),
        ([("Unknown", 1)], True),
        ([], True),
    ],
)
def test_a_route_that_its_gateway_does_not_accept_keeps_nobody_from_an_overlay(
    said: list[tuple[str, int]], meets: bool
) -> None:
    rival = {**other(HEADER), "status": status(*said)}
    assert (preflight(beside(rival), SHARE) is not None) == meets


def test_a_grpc_route_for_everything_has_its_requests_and_one_for_its_services_is_elsewhere() -> None:
    anything = other()
    anything["spec"]["rules"] = [{"backendRefs": []}]
    here = users(rule(prefix("/")))
    assert "GRPCRoute web/theirs" in refusal_of(beside(anything, here=here, kind="GRPCRoute")).message
    anything["spec"]["rules"] = [{"matches": [{"method": {"service": "lang.Translator", "method": "Translate"}}]}]
    assert paths(beside(anything, here=here, kind="GRPCRoute")) == {CHAT, TEXT}
    anything["spec"]["rules"] = [{"matches": [{"method": {"type": "RegularExpression", "service": "v1.*"}}]}]
    refusal_of(beside(anything, here=users(rule(prefix("/", headers=[header("x-a", "1")]))), kind="GRPCRoute"))


def test_the_policys_own_overlay_is_no_neighbour_and_the_overlay_of_another_policy_is_one() -> None:
    own = overlay_in(render(users(rule(prefix("/v1"))), SHARE))
    own["metadata"]["creationTimestamp"] = LATER
    assert paths(beside(own)) == {CHAT, TEXT}
    foreign = {**own, "metadata": {**own["metadata"], "name": "other-early-stop"}}
    assert "HTTPRoute llm/other-early-stop" in refusal_of(beside(foreign)).message


def test_a_mesh_route_meets_those_of_its_service_alone() -> None:
    parent = {"group": "", "kind": "Service", "name": "qa"}
    mine = served_hosts({**route(), "spec": {"parentRefs": [parent]}}, {})
    assert mine == {ServedHost("Service llm/qa", "")}
    assert not mine & served_hosts({**route(), "spec": {"parentRefs": [{**parent, "name": "other"}]}}, {})


@pytest.mark.parametrize(
    ("one", "two", "common"),
    [
        ("", "", ""),
        ("", "a.example", "a.example"),
        ("*.example", "a.example", "a.example"),
        ("*.example", "b.a.example", "b.a.example"),
        ("*.example", "example", None),
        ("*.example", "*.a.example", "*.a.example"),
        ("*.example", "*.other", None),
        ("a.example", "b.example", None),
        ("A.example", "a.example", "a.example"),
        ("*.example", "an-example", None),
    ],
)
def test_hostnames_have_in_common_what_the_narrower_one_says(one: str, two: str, common: str | None) -> None:
    assert common_hostname(one, two) == common_hostname(two, one) == common


def test_names_of_query_parameters_are_told_apart_by_capitals_and_those_of_headers_are_not() -> None:
    by_query = users(rule(prefix("/v1", queryParams=[header("v", "1")])))
    refusal_of(beside(other(prefix("/v1", queryParams=[header("V", "2")])), here=by_query))
    by_header = users(rule(prefix("/v1", headers=[header("tenant", "1")])))
    assert paths(beside(other(prefix("/v1", headers=[header("Tenant", "2")])), here=by_header)) == {CHAT, TEXT}


@pytest.mark.parametrize("kind", ["Service", "ListenerSet"])
def test_a_route_that_is_newer_than_the_list_of_routes_has_no_neighbours_where_nobody_is_listed(kind: str) -> None:
    new = {
        "metadata": {"name": "new", "namespace": "llm"},
        "spec": {"parentRefs": [{"group": "", "kind": kind, "name": "qa"}]},
    }
    route = neighbour_route(new, "HTTPRoute", {})
    assert route.hosts and Neighbourhood().beside(route) == ()


def test_equal_matches_of_many_routes_are_one_object_of_their_own() -> None:
    routes = [deepcopy(other(HEADER, namespace=name)) for name in ("web", "shop")]
    one, same = (neighbour_route(each, "HTTPRoute", ADMITTED).matches[0] for each in routes)
    assert one == HEADER and one is same
    routes[0]["spec"]["rules"][0]["matches"][0]["path"]["value"] = "/edited"
    assert one == HEADER
