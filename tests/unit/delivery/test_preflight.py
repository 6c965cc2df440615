"""Why no traffic is touched: each refusal has its reason, and says what to do."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.delivery.gateway_header import alias_name, overlay_name
from earlystop.delivery.preflight import UNFIT_CONTROLLERS, preflight
from earlystop.delivery.surroundings import Surroundings
from tests.unit.delivery.cluster import (
    around,
    backend,
    deployment,
    exact,
    gateway,
    header,
    owned_by,
    prefix,
    route,
    rule,
    service,
)
from tests.unit.rollout.policies import UID

REWRITE = {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}}
HEADERS = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "a", "value": "b"}]}}


def managed(**metadata: Any) -> dict[str, Any]:
    users = route()
    users["metadata"] |= metadata
    return users


OVERLAY = ("HTTPRoute", overlay_name("qa"))
ALIAS = ("Service", alias_name("qa"))
REFUSED: dict[str, tuple[Surroundings, str, str]] = {
    "no deployment": (around(deployment=None), "TargetNotFound", "Create it or correct spec.targetRef.name"),
    "no route": (around(route=None), "RouteNotFound", "Create it or correct spec.delivery.gatewayHeader.routeRef.name"),
    "no gateway": (around(route=route(parentRefs=[])), "RouteDetached", "Write its parentRefs"),
    "managed": (
        around(route=managed(ownerReferences=[{"kind": "Canary", "name": "qa", "uid": "u", "controller": True}])),
        "RouteManaged",
        "managed by Canary qa",
    ),
    "argo": (
        around(route=managed(labels={"rollouts.argoproj.io/gatewayapi-canary": "qa"})),
        "RouteManaged",
        "Wait until it ends",
    ),
    "other pods": (around(services={"qa": service(app="else")}), "RouteMissesTarget", "Point a backendRef at"),
    "no service": (around(services={}), "RouteMissesTarget", "Point a backendRef at"),
    "no selector": (
        around(services={"qa": {"metadata": {}, "spec": {"ports": []}}}),
        "RouteMissesTarget",
        "Point a backendRef at",
    ),
    "no rules": (around(route=route(rules=[])), "RouteMissesTarget", "Point a backendRef at"),
    "splits": (
        around({"matches": [prefix("/")], "backendRefs": [backend(), backend("other")]}),
        "RouteSplitsAlready",
        "Give the target a rule with one backendRef",
    ),
    "backend filters": (
        around({"matches": [prefix("/")], "backendRefs": [backend(filters=[HEADERS])]}),
        "BackendFilters",
        "Move them to the filters of the rule",
    ),
    "rewrites": (around(rule(prefix("/qa"), filters=[REWRITE])), "RouteRewritesPrefix", "use ReplaceFullPath"),
    "sessions": (around(rule(sessionPersistence={"sessionName": "s"})), "SessionPersistence", "Remove it"),
    "regular expression": (
        around(rule({"path": {"type": "RegularExpression", "value": "/.*"}})),
        "RouteTooSpecific",
        "Write it as a PathPrefix",
    ),
    "only gets": (around(rule(prefix("/", method="GET"))), "RouteTooSpecific", "between 1 and 15 can be overlaid"),
    "too many rules": (
        around(*(rule(exact(f"/ask/{n}")) for n in range(16))),
        "RouteTooSpecific",
        "between 1 and 15 can be overlaid",
    ),
    "too many matches of a rule": (
        around(rule(*(exact(f"/ask/{n}") for n in range(65)))),
        "RouteTooSpecific",
        "Write fewer matches",
    ),
    "too many matches of a route": (
        around(rule(*(exact(f"/ask/{n}") for n in range(50))), rule(*(exact(f"/tell/{n}") for n in range(29)))),
        "RouteTooSpecific",
        "Write fewer matches",
    ),
    "overlap": (
        around(rule(), rule(prefix("/", headers=[header("x-beta", "1")]), to="other")),
        "RouteOverlaps",
        "different paths",
    ),
    "foreign overlay": (
        around(owned={OVERLAY: {"metadata": {"name": "x"}}}),
        "NameTaken",
        "was made by someone else. Remove or rename it",
    ),
    "another's overlay": (around(owned={OVERLAY: owned_by("another-uid", name="qa2")}), "NameTaken", "belongs to"),
    "foreign alias": (
        around(owned={ALIAS: {"metadata": {"name": "x"}}}),
        "NameTaken",
        "Service qa-es-candidate exists",
    ),
}


def test_a_policy_in_order_is_not_refused() -> None:
    assert preflight(around()) is None
    assert preflight(around(gateways={}, gateway_classes={})) is None


def test_what_the_policy_itself_owns_is_not_in_its_way() -> None:
    assert preflight(around(owned={OVERLAY: owned_by(UID), ALIAS: owned_by(UID)})) is None


@pytest.mark.parametrize("name", REFUSED)
def test_each_refusal_has_its_reason_and_says_what_to_do(name: str) -> None:
    here, reason, advice = REFUSED[name]
    refusal = preflight(here)
    assert refusal is not None
    assert (refusal.reason, advice in refusal.message) == (reason, True), refusal
    assert "None" not in refusal.message and refusal.message.endswith(".")


@pytest.mark.parametrize("controller", UNFIT_CONTROLLERS)
def test_a_gateway_that_fails_on_filters_of_a_backend_is_refused_before_any_request_is_lost(controller: str) -> None:
    classes = {"traefik": {"spec": {"controllerName": controller}}}
    refusal = preflight(around(gateway_classes=classes))
    assert refusal is not None and refusal.reason == "GatewayUnfit"
    assert "Use another gateway or delivery.mode" in refusal.message


def test_the_first_thing_in_the_way_is_told_first() -> None:
    refusal = preflight(around(deployment=None, route=None, gateways={("llm", "edge"): gateway()}))
    assert refusal is not None and refusal.reason == "TargetNotFound"


def test_a_service_selects_the_target_by_some_of_its_labels() -> None:
    more = deployment()
    more["spec"]["template"]["metadata"]["labels"] = {"app": "qa-server", "version": "7"}
    assert preflight(around(deployment=more)) is None


def test_as_many_matches_as_gateway_api_allows_are_overlaid() -> None:
    assert preflight(around(rule(*(exact(f"/ask/{n}") for n in range(64))))) is None
