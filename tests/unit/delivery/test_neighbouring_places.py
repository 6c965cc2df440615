"""At which places routes meet: sets of listeners, default Gateways, and Gateways that one proxy may serve."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.conditions import Refusal
from earlystop.delivery.inputs import ClusterInputs, Manifest, Neighbours
from earlystop.delivery.preflight import preflight
from earlystop.delivery.routes.gateways import compares_paths_first
from earlystop.delivery.routes.neighbours import Neighbourhood, neighbour_route
from tests.unit.delivery.cluster import SHARE, exact, gateway, header, prefix, rule
from tests.unit.delivery.neighbouring import ADMITTED, ALL, HEADER, WEB, beside, other, users

SET = {"group": "gateway.networking.k8s.io", "kind": "ListenerSet", "name": "team", "namespace": "llm"}
MINE: dict[str, Any] = {"hostnames": ["qa.example"]}


def refused(here: ClusterInputs) -> bool:
    found = preflight(here, SHARE)
    assert found is None or (isinstance(found, Refusal) and found.reason == "RouteOverlaps"), found
    return found is not None


def rival(**spec: Any) -> Manifest:
    return other(HEADER, **{**MINE, **spec})


def test_a_route_at_a_set_of_listeners_meets_one_at_a_gateway_by_its_hostname() -> None:
    here = users(rule(prefix("/v1")), **MINE)
    assert refused(beside(rival(parentRefs=[SET]), here=here))
    assert not refused(beside(rival(parentRefs=[SET], hostnames=["other.example"]), here=here))


def test_a_users_route_at_a_set_of_listeners_meets_those_of_its_hostname_at_gateways_and_other_sets() -> None:
    routes = {
        name: neighbour_route(rival(parentRefs=[parent], **spec), "HTTPRoute", ADMITTED)
        for name, parent, spec in (
            ("mine", SET, {}),
            ("at a gateway", {"name": "edge", "namespace": "llm"}, {}),
            ("at another set", {**SET, "name": "web"}, {}),
            ("of another host", {"name": "edge", "namespace": "llm"}, {"hostnames": ["other.example"]}),
            ("of a mesh", {"group": "", "kind": "Service", "name": "qa"}, {}),
        )
    }
    keyed = [type(each)(("HTTPRoute", "web", name), each.hosts, each.matches) for name, each in routes.items()]
    found = Neighbourhood(keyed).beside(keyed[0])
    assert {each.key[2] for each in found} == {"at a gateway", "at another set"}


def two_gateways(mine: str | None, theirs: str | None, theirs_class: str = "traefik") -> dict[Any, Manifest]:
    """Gateways `llm/edge` and `web/second` with these addresses, None for none."""
    second = gateway(WEB, address=theirs)
    second["metadata"] = {"name": "second", "namespace": "web"}
    second["spec"]["gatewayClassName"] = theirs_class
    return {("llm", "edge"): gateway(WEB, address=mine), ("web", "second"): second}


@pytest.mark.parametrize(
    ("mine", "theirs", "theirs_class", "meet"),
    [
        (None, None, "traefik", True),
        ("10.0.0.1", "10.0.0.1", "traefik", True),
        ("10.0.0.1", "10.0.0.2", "traefik", False),
        (None, None, "other", False),
    ],
)
def test_gateways_of_one_class_that_tell_no_address_may_be_one_proxy(
    mine: str | None, theirs: str | None, theirs_class: str, meet: bool
) -> None:
    here = users(rule(prefix("/v1")), gateways=two_gateways(mine, theirs, theirs_class))
    elsewhere = other(HEADER, parentRefs=[{"name": "second", "namespace": "web"}])
    assert refused(beside(elsewhere, here=here)) == meet


@pytest.mark.parametrize("asks", ["All", "None"])
def test_a_route_that_asks_for_the_default_gateways_is_served_by_them(asks: str) -> None:
    default = gateway({**WEB, "allowedRoutes": ALL})
    default["spec"]["defaultScope"] = "All"
    here = users(rule(prefix("/v1")), gateways={("llm", "edge"): default})
    by_default = other(HEADER, parentRefs=[])
    by_default["spec"]["useDefaultGateways"] = asks
    assert refused(beside(by_default, here=here)) == (asks == "All")


def overlapping(other_route: Manifest, **users_spec: Any) -> ClusterInputs:
    """A policy whose gateway compares paths before hosts, beside a route of a wider or narrower host."""
    here = users(rule(prefix("/v1")), **users_spec)
    assert here.route is not None and compares_paths_first(here)
    found = neighbour_route(other_route, "HTTPRoute", here.gateways)
    own = neighbour_route(here.route, "HTTPRoute", here.gateways)
    overlaps = Neighbourhood([found, own]).overlapping(own)
    return replace(here, neighbours=Neighbours(overlapping=overlaps))


CHAT = "/v1/chat/completions"
BY_HEADER = {"headers": [header("x-model", "other")]}


@pytest.mark.parametrize(
    ("mine", "theirs", "match", "meet"),
    [
        (["*.example"], ["a.example"], prefix("/v1"), True),
        (["*.example"], ["a.example"], prefix("/"), False),
        (["*.example"], ["a.b.example"], prefix("/v1", **BY_HEADER), True),
        ([], ["a.example"], exact(CHAT), True),
        (["a.example"], ["*.example"], exact(CHAT), True),
        (["a.example"], [], exact(CHAT, **BY_HEADER), True),
        (["a.b.example"], ["*.example"], prefix("/v1/chat"), True),
        (["*.example"], ["a.example"], prefix("/metrics"), False),
        (["*.example"], ["a.example"], exact(CHAT, method="GET"), False),
        (["*.example"], ["a.other"], exact(CHAT), False),
        (["a.example"], ["b.example"], exact(CHAT), False),
        (["a.example"], ["*.a.example"], exact(CHAT), False),
    ],
)
def test_where_paths_come_before_hosts_a_wider_or_narrower_host_keeps_its_requests(
    mine: list[str], theirs: list[str], match: dict[str, Any], meet: bool
) -> None:
    """Traefik led requests for a narrower host to an overlay of a wildcard, whose path was Exact."""
    here = overlapping(other(match, hostnames=theirs), hostnames=mine)
    found = preflight(here, SHARE)
    assert (found is not None) == meet
    if found is not None:
        assert found.reason == "RouteOverlaps" and "HTTPRoute web/theirs" in found.message
        assert "paths before hosts" in found.message


def test_a_shorter_path_of_a_narrower_host_is_the_users_already_where_paths_come_first() -> None:
    long = users(rule(prefix("/team/qa/v1")), hostnames=["*.example"])
    assert long.route is not None
    own = neighbour_route(long.route, "HTTPRoute", long.gateways)
    short = neighbour_route(other(prefix("/team"), hostnames=["a.example"]), "HTTPRoute", long.gateways)
    found = Neighbourhood([short, own]).overlapping(own)
    assert found == (short,)
    assert not refused(replace(long, neighbours=Neighbours(overlapping=found)))


def test_a_gateway_that_puts_hosts_first_is_none_that_compares_paths_first() -> None:
    here = users(rule(prefix("/v1")))
    controller = {"spec": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"}}
    key = next(each for each in here.objects if each.kind == "GatewayClass")
    assert not compares_paths_first(replace(here, objects={**here.objects, key: controller}))
