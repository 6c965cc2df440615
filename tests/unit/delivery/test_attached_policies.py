"""A policy that holds for the user's route or Service must hold for the overlay and its aliases, or it is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from earlystop.api.conditions import Refusal
from earlystop.delivery.inputs import ClusterInputs, Manifest, Neighbours
from earlystop.delivery.preflight import preflight
from earlystop.delivery.routes.attached_policies import namespaces_concerned, outline
from earlystop.delivery.routes.neighbours import Neighbourhood, neighbour_route
from earlystop.delivery.routes.policy_kinds import KINDS_ELSEWHERE, POLICY_KINDS, chart_file
from tests.unit.delivery.cluster import SHARE, inputs, prefix, route, rule, service, spec_in, split

GATEWAY_API = "gateway.networking.k8s.io"
ROUTE = {"group": GATEWAY_API, "kind": "HTTPRoute", "name": "qa"}
OVERLAY = {**ROUTE, "name": "qa-early-stop"}
SERVICE = {"group": "", "kind": "Service", "name": "qa"}
ALIAS = {**SERVICE, "name": "qa-es-candidate"}
CHART = Path(__file__).parents[3] / "charts" / "earlystop" / "files" / "policy-kinds.yaml"


def attached(spec: dict[str, Any], kind: str = "SecurityPolicy", namespace: str = "llm") -> Manifest:
    return {"kind": kind, "metadata": {"namespace": namespace, "name": "jwt"}, "spec": spec}


def beside(*policies: Manifest, here: ClusterInputs | None = None) -> ClusterInputs:
    return replace(here or inputs(), neighbours=Neighbours(policies=policies))


def labelled(**labels: str) -> ClusterInputs:
    """A route with these labels; slashes of a label are written as two underscores."""
    users = route()
    users["metadata"]["labels"] = {key.replace("__", "/"): value for key, value in labels.items()}
    return inputs(route=users)


HANGS: dict[str, dict[str, Any]] = {
    "Envoy Gateway's SecurityPolicy on the route": {"targetRefs": [ROUTE]},
    "a policy with one reference": {"targetRef": ROUTE},
    "a policy that says its namespace": {"targetRef": {**ROUTE, "namespace": "llm"}},
    "a policy on an overlay's section only": {"targetRefs": [ROUTE, {**OVERLAY, "sectionName": "chat"}]},
    "a policy on a section that no rule has": {"targetRefs": [{**ROUTE, "sectionName": "chat"}]},
    "a policy on the overlay of another policy": {"targetRefs": [ROUTE, {**OVERLAY, "name": "other-early-stop"}]},
    "BackendTLSPolicy on the Service": {"targetRefs": [SERVICE]},
    "a policy on the Service by its older spelling": {"targetRef": {**SERVICE, "group": "core"}},
    "AWS's configuration of a target group": {"targetReference": SERVICE},
    "a policy on a port of the Service": {"targetRefs": [{**SERVICE, "sectionName": "http"}]},
    "a policy on the alias of another candidate": {"targetRefs": [SERVICE, {**ALIAS, "name": "qa-es-w5"}]},
    "Istio's DestinationRule": {"host": "qa"},
    "Istio's DestinationRule with all of the name": {"host": "qa.llm.svc.cluster.local"},
    "Istio's DestinationRule in a cluster with a domain of its own": {"host": "qa.llm.svc.corp.example"},
    "Istio's DestinationRule with the dot of the root": {"host": "qa.llm.svc.cluster.local."},
}


def led_by_mesh(*parents: str, name: str = "mesh", kind: str = "HTTPRoute") -> ClusterInputs:
    """A route by which a mesh leads requests to these Services, beside the policy's own objects."""
    made = route()
    made["metadata"] = {"name": name, "namespace": "llm"}
    made["spec"]["parentRefs"] = [{"group": "", "kind": "Service", "name": each, "port": 80} for each in parents]
    here = inputs()
    found = Neighbourhood([neighbour_route(made, kind, here.gateways)])
    return replace(here, neighbours=Neighbours(mesh_routes=found.of_services("llm")))


@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute"])
def test_a_route_of_a_mesh_whose_parent_is_the_users_service_is_named(kind: str) -> None:
    refusal = preflight(led_by_mesh("qa", kind=kind), SHARE)
    assert refusal is not None and refusal.reason == "RouteHasPolicies"
    assert f"{kind} llm/mesh leads requests to Service qa within a mesh" in refusal.message
    assert "qa-es-candidate" in refusal.message


@pytest.mark.parametrize("parents", [("other",), ("qa", "qa-es-baseline", "qa-es-candidate"), ("qa-es-candidate",)])
def test_a_route_of_a_mesh_that_holds_for_the_aliases_or_for_another_service_is_in_nobodys_way(
    parents: tuple[str, ...],
) -> None:
    assert preflight(led_by_mesh(*parents), SHARE) is None


def test_the_users_own_route_may_have_its_service_as_a_parent_as_well() -> None:
    assert preflight(led_by_mesh("qa", name="qa"), SHARE) is None


@pytest.mark.parametrize("name", HANGS)
def test_a_policy_that_would_not_hold_for_the_overlay_is_named_with_what_to_write(name: str) -> None:
    refusal = preflight(beside(attached(HANGS[name])), SHARE)
    assert refusal is not None and refusal.reason == "RouteHasPolicies"
    assert refusal.message.startswith("SecurityPolicy llm/jwt holds for ")
    assert "Write " in refusal.message


HOLDS: dict[str, dict[str, Any]] = {
    "the Gateway": {"targetRefs": [{"group": GATEWAY_API, "kind": "Gateway", "name": "edge"}]},
    "another route": {"targetRefs": [{**ROUTE, "name": "other"}]},
    "a route of another kind": {"targetRefs": [{**ROUTE, "kind": "GRPCRoute"}]},
    "a route of another group": {"targetRefs": [{**ROUTE, "group": "policy.linkerd.io"}]},
    "the route and the overlay": {"targetRefs": [ROUTE, OVERLAY]},
    "the Service and its alias": {"targetRefs": [SERVICE, ALIAS]},
    "a Service that the route does not lead to": {"targetRefs": [{**SERVICE, "name": "db"}]},
    "a route of another namespace": {"targetRefs": [{**ROUTE, "namespace": "elsewhere"}]},
    "all hosts of the namespace": {"host": "*.llm.svc.cluster.local"},
    "nothing": {},
}


@pytest.mark.parametrize("name", HOLDS)
def test_a_policy_for_more_or_for_something_else_stands_in_no_way(name: str) -> None:
    assert preflight(beside(attached(HOLDS[name])), SHARE) is None


ODD: tuple[Any, ...] = (None, -1, 1.5, True, "", "x", [], {}, [None], [[]], [{}], ["x"], {"name": None})


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_an_object_of_a_kind_that_checks_nothing_names_nothing_and_breaks_nothing(odd: Any) -> None:
    selector = {**ROUTE, "matchLabels": {"team": "a"}, "matchExpressions": [{"key": "t", "operator": "Exists"}]}
    whole = {"targetRefs": [dict(ROUTE)], "targetSelectors": [selector], "host": "qa"}
    specs: list[Any] = [odd, *({**whole, field: odd} for field in whole)]
    specs += [{"targetRefs": [{**ROUTE, field: odd}]} for field in (*ROUTE, "namespace", "sectionName")]
    specs += [{"targetSelectors": [{**selector, field: odd}]} for field in selector]
    specs += [{"targetSelectors": [{**selector, "matchLabels": {"team": odd}}]}]
    for field in ("key", "operator", "values"):
        expression = {"key": "t", "operator": "In", "values": ["a"], field: odd}
        specs.append({"targetSelectors": [{**selector, "matchExpressions": [expression]}]})
    for spec in specs:
        found = outline(attached(spec))
        assert namespaces_concerned(found) >= {"llm"}
        refusal = preflight(beside(found, here=labelled(team="a")), SHARE)
        assert refusal is None or refusal.reason == "RouteHasPolicies"
    assert preflight(beside(outline(attached({"targetRefs": [{**ROUTE, "name": odd}]}))), SHARE) is None


def test_what_of_a_selector_cannot_be_read_narrows_it_down_no_further() -> None:
    selector = {**ROUTE, "matchLabels": ["x"], "matchExpressions": [{"operator": 1}]}
    refusal = preflight(beside(outline(attached({"targetSelectors": [selector]})), here=labelled(team="a")), SHARE)
    assert refusal is None, "what selects all selects the overlay, too"
    named = outline(attached({"targetSelectors": [{**SERVICE, "matchLabels": 7}]}))
    refusal = preflight(beside(named), SHARE)
    assert refusal is not None and refusal.reason == "RouteHasPolicies"


def test_a_policy_of_another_namespace_concerns_the_route_only_if_it_names_the_namespace() -> None:
    assert preflight(beside(attached({"targetRef": ROUTE}, namespace="gateways")), SHARE) is None
    named = attached({"targetRef": {**ROUTE, "namespace": "llm"}}, namespace="gateways")
    refusal = preflight(beside(named), SHARE)
    assert refusal is not None and "SecurityPolicy gateways/jwt" in refusal.message


@pytest.mark.parametrize("mode", ["HeaderCohort", "Shadow"])
def test_a_mode_without_aliases_may_have_policies_on_the_service_and_none_on_the_route(mode: str) -> None:
    here = inputs(spec=spec_in(mode))
    weights = split(0, shadows=1) if mode == "Shadow" else SHARE
    assert preflight(beside(attached({"targetRefs": [SERVICE]}), here=here), weights) is None
    refusal = preflight(beside(attached({"targetRefs": [ROUTE]}), here=here), weights)
    assert refusal is not None and refusal.reason == "RouteHasPolicies"


def test_a_policy_on_a_rule_that_the_overlay_does_not_touch_stands_in_no_way() -> None:
    here = inputs(
        rule(prefix("/v1"), name="chat"),
        rule(prefix("/admin"), to="other", name="admin"),
    )
    on_admin = attached({"targetRefs": [{**ROUTE, "sectionName": "admin"}]})
    on_chat = attached({"targetRefs": [{**ROUTE, "sectionName": "chat"}]})
    assert preflight(beside(on_admin, here=here), SHARE) is None
    refusal = preflight(beside(on_chat, here=here), SHARE)
    assert refusal is not None and refusal.reason == "RouteHasPolicies"


SELECTED: dict[str, tuple[dict[str, Any], bool]] = {
    "a label that the overlay carries": ({"matchLabels": {"auth": "jwt"}}, True),
    "a label of another route": ({"matchLabels": {"auth": "none"}}, True),
    "a label of a deployment tool": ({"matchLabels": {"app.kubernetes.io/instance": "qa"}}, False),
    "an expression on such a label": (
        {"matchExpressions": [{"key": "app.kubernetes.io/instance", "operator": "Exists"}]},
        False,
    ),
    "an expression": ({"matchExpressions": [{"key": "auth", "operator": "In", "values": ["jwt", "mtls"]}]}, True),
    "an expression with not": ({"matchExpressions": [{"key": "public", "operator": "DoesNotExist"}]}, True),
}


@pytest.mark.parametrize("name", SELECTED)
def test_a_policy_that_selects_the_route_by_labels_holds_where_the_overlay_carries_them(name: str) -> None:
    selector, holds = SELECTED[name]
    here = labelled(auth="jwt", **{"app.kubernetes.io__instance": "qa"})
    policy = attached({"targetSelectors": [{"group": GATEWAY_API, "kind": "HTTPRoute", **selector}]})
    refusal = preflight(beside(policy, here=here), SHARE)
    assert (refusal is None) == holds
    assert refusal is None or refusal.reason == "RouteHasPolicies"


def test_a_policy_that_selects_the_service_by_labels_is_named_since_aliases_carry_none() -> None:
    policy = attached(
        {"targetSelectors": [{"group": "", "kind": "Service", "matchLabels": {"prometheus": "scrape-me"}}]}
    )
    assert service()["metadata"]["labels"] == {"prometheus": "scrape-me"}
    refusal = preflight(beside(policy), SHARE)
    assert refusal is not None and "qa-es-candidate" in refusal.message


def test_every_alias_must_be_named() -> None:
    one = attached({"targetRefs": [SERVICE, {**SERVICE, "name": "qa-es-w10"}]})
    refusal = preflight(beside(one, here=inputs(spec=spec_in("GatewayHeader", 2))), split(20, 30))
    assert isinstance(refusal, Refusal)
    assert "name: qa-es-w5" in refusal.message and "qa-es-w10" not in refusal.message


def test_a_kind_that_may_not_be_listed_is_said_and_nothing_is_written() -> None:
    here = replace(inputs(), neighbours=Neighbours(unreadable=("headerpolicies.example.com",)))
    refusal = preflight(here, SHARE)
    assert refusal is not None and refusal.reason == "PoliciesUnreadable"
    assert "headerpolicies.example.com" in refusal.message and "extraPolicyKinds" in refusal.message


def test_the_charts_table_of_kinds_is_the_codes() -> None:
    assert CHART.read_text() == chart_file()


def test_no_kind_is_both_listed_and_passed_over() -> None:
    assert not KINDS_ELSEWHERE & set(POLICY_KINDS)
