"""Gateways that weigh a method against headers and paths otherwise than Gateway API: they mislead no request either."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.conditions import Refusal
from earlystop.api.modes import route_modes
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.object_key import ObjectKey
from earlystop.delivery.overlay import target_rules
from tests.unit.delivery.cluster import exact, header, prefix, rule
from tests.unit.delivery.corpus import CorpusCluster, backends
from tests.unit.delivery.corpus_cases import Case
from tests.unit.delivery.gateway_model import TIES
from tests.unit.delivery.led_elsewhere import READINGS, misled
from tests.unit.delivery.neighbouring import CHAT, beside, other, users

CONTROLLERS = {
    "methods as headers": "gateway.envoyproxy.io/gatewayclass-controller",
    "points": "traefik.io/gateway-controller",
    "fewer points": "traefik.io/gateway-controller",
}
A, B, C = (header(f"x-{name}", "1") for name in "abc")
EVERY = header("x-a", ".*", "RegularExpression")
PATHS = (prefix("/v1"), prefix("/v1/"), prefix("/v1/chat"), prefix("/v1/c"), prefix("/"), exact(CHAT))
ASKED: tuple[dict[str, Any], ...] = (
    *({}, {"method": "POST"}, {"method": "POST"}),
    *({"headers": each} for each in ([A], [B], [A, B], [A, B, C], [EVERY], [EVERY, B])),
    *({"queryParams": [{"name": name, "value": "1"} for name in each]} for each in ("q", "qr")),
)


def at(controller: str, here: ClusterInputs) -> ClusterInputs:
    """The same at Gateways of this controller."""
    (gateway, *_) = here.gateways.values()
    key = ObjectKey("GatewayClass", None, gateway["spec"]["gatewayClassName"])
    made = {"metadata": {"name": key.name}, "spec": {"controllerName": controller}}
    return replace(here, objects={**here.objects, key: made})


def drawn(rng: random.Random) -> CorpusCluster:
    """A Gateway and up to three routes of one host, whose matches are near each other."""
    gateway = {
        "metadata": {"name": "edge", "namespace": "llm"},
        "spec": {"gatewayClassName": "drawn", "listeners": [{"name": "any", "port": 80, "protocol": "HTTP"}]},
        "status": {"addresses": [{"value": "10.0.0.1"}]},
    }
    routes = [_drawn_route(rng, f"r{number}") for number in range(rng.randint(1, 3))]
    service = {"spec": {"ports": [{"name": "http", "port": 80}]}}
    services = {
        ("llm", name): {
            **service,
            "metadata": {"name": name, "uid": name},
            "spec": {**service["spec"], "selector": {"app": name}},
        }
        for each in routes
        for name in backends(each)
    }
    return CorpusCluster("drawn", (gateway,), tuple(routes), services)


def _drawn_route(rng: random.Random, name: str) -> dict[str, Any]:
    rules = [
        {
            "matches": [
                rng.choice(PATHS) | rng.choice(ASKED) | rng.choice(ASKED) for _ in range(rng.choice((1, 1, 2)))
            ],
            "backendRefs": [{"name": f"{name}-{rng.choice('ab')}", "port": 80}],
            **rng.choice(({}, {"timeouts": {"request": "9s"}})),
        }
        for _ in range(rng.choice((1, 1, 2, 3)))
    ]
    metadata = {"name": name, "namespace": "llm", "creationTimestamp": f"2024-01-0{rng.randint(1, 3)}T00:00:00Z"}
    spec = {"parentRefs": [{"name": "edge"}], "hostnames": ["a.example"], "rules": rules}
    return {"kind": "HTTPRoute", "metadata": metadata, "spec": spec}


def played(order: str, controller: str, seeds: range) -> tuple[int, list[int]]:
    """How many overlays there are on routes of these seeds at a gateway of this order, and the seeds of those that
    mislead requests there. controller: that the operator reads."""
    overlays, misleading = 0, []
    modes = sorted(set(route_modes()) - {"GatewayBody"})  # of a gateway of its own
    for seed in seeds:
        cluster = drawn(random.Random(seed))
        route = cluster.routes[0]
        here = at(controller, cluster.inputs(route, backends(route)[0], modes[seed % len(modes)]))
        case = Case(cluster, route, here)
        overlay = case.outcome
        if isinstance(overlay, Refusal):
            continue
        overlays += 1
        readings = [each._replace(order=order, ties=sorted(TIES)[seed % len(TIES)]) for each in READINGS[seed % 4 :: 4]]
        misleading += [seed] if misled(case, overlay, 40, seed, readings) else []
    return overlays, misleading


@pytest.mark.slow
@pytest.mark.parametrize("order", CONTROLLERS)
def test_no_request_ends_elsewhere_at_a_gateway_that_weighs_matches_otherwise(order: str) -> None:
    overlays, misleading = played(order, CONTROLLERS[order], range(600))
    assert overlays > 150 and not misleading, misleading


@pytest.mark.slow
@pytest.mark.parametrize("order", CONTROLLERS)
def test_overlays_that_know_the_order_of_gateway_api_alone_would_rob_routes_there(order: str) -> None:
    _, misleading = played(order, "unknown.example/controller", range(600))
    assert len(misleading) >= 2


def paths(here: ClusterInputs) -> set[str] | str:
    """The paths of the overlay, or the reason why there is none."""
    found: set[str] = set()
    for each in target_rules(here):
        if isinstance(each.matches, Refusal):
            return each.matches.reason
        found |= {match["path"]["value"] for match in each.matches}
    return found


SPECIFIED, TRAEFIK, ENVOY = "unknown.example/controller", CONTROLLERS["points"], CONTROLLERS["methods as headers"]


@pytest.mark.parametrize(
    ("mine", "theirs", "refused_by"),
    [
        (prefix("/v1/chat"), prefix("/v1", method="POST"), {TRAEFIK}),
        (prefix("/v1/chat/completions"), prefix("/v1", method="POST"), set()),
        (prefix("/v1/"), prefix("/v1", headers=[A]), {SPECIFIED, TRAEFIK, ENVOY}),
        (prefix("/v1/c"), prefix("/v1", headers=[A, B, C]), {TRAEFIK}),
        (exact(CHAT, method="POST"), exact(CHAT, headers=[A, B]), {ENVOY}),
        (prefix("/v1", method="POST"), prefix("/v1", headers=[A]), {ENVOY}),
        (prefix("/v1", method="POST"), prefix("/v1", queryParams=[{"name": "q", "value": "1"}]), set()),
        (prefix("/v1", method="POST"), prefix("/", method="POST", headers=[A, B, C]), set()),
    ],
)
def test_a_route_keeps_what_its_gateway_gives_it_by_an_order_of_its_own(
    mine: dict[str, Any], theirs: dict[str, Any], refused_by: set[str]
) -> None:
    here = beside(other(theirs), here=users(rule(mine)))
    found = {each: paths(at(each, here)) for each in (SPECIFIED, TRAEFIK, ENVOY)}
    assert {each for each, outcome in found.items() if isinstance(outcome, str) or not outcome} == refused_by, found


def test_another_rule_of_the_route_keeps_what_its_gateway_gives_it_as_well() -> None:
    here = users(rule(prefix("/v1/chat")), rule(prefix("/v1", method="POST"), to="other"))
    assert CHAT in paths(at(SPECIFIED, here)) and CHAT in paths(at(ENVOY, here))
    assert CHAT not in paths(at(TRAEFIK, here))


def test_a_longer_hostname_beside_a_shared_one_counts_for_both_where_hostnames_have_points() -> None:
    """Traefik gives a route of several hostnames the points of the longest, whichever one a request is for."""
    asked = prefix("/v1", queryParams=[{"name": "q", "value": "1"}])
    here = users(rule(asked), hostnames=["a.example"])
    longer = beside(other(prefix("/v1"), hostnames=["a.example", "a-longer-name.example"]), here=here)
    same = beside(other(prefix("/v1"), hostnames=["a.example"]), here=here)
    assert [CHAT in paths(at(each, longer)) for each in (SPECIFIED, ENVOY, TRAEFIK)] == [True, True, False]
    assert CHAT in paths(at(TRAEFIK, same))
