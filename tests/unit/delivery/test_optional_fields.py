"""Whatever a user may leave out of an object, the operator has an answer: a decision, or a refusal with a sentence."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.conditions import Condition, ConditionStatus, ConditionType, Refusal
from earlystop.api.modes import route_modes
from earlystop.controller.cache.stripped import gist_of_users_objects, stripped
from earlystop.controller.watched_routes import WatchedRoutes
from earlystop.delivery.agentgateway import DEFINITION
from earlystop.delivery.alias_service import alias_service, mirror_digest
from earlystop.delivery.decide import decide, decide_while_frozen
from earlystop.delivery.desired import desired_traffic
from earlystop.delivery.inputs import (
    ClusterInputs,
    Manifest,
    Neighbours,
)
from earlystop.delivery.modes import mode_of
from earlystop.delivery.object_key import ObjectKey
from earlystop.delivery.orphans import orphaned_overlays, policy_of, unused_aliases
from earlystop.delivery.preflight import preflight
from earlystop.delivery.routes.neighbours import Neighbourhood, neighbour_route
from earlystop.delivery.traffic_view import TrafficView
from tests.unit.delivery.cluster import AGENTGATEWAYS, inputs, running, service, settable_deployment, spec_in, split
from tests.unit.delivery.optional_fields import optional_paths, without

NOW = 1_800_000_000.0
WANTED = split(25, shadows=0)
SAID = Condition(ConditionType.TRAFFIC_APPLIED, ConditionStatus.TRUE, "InForce", "Weights are in force.")
ACCEPTED = {"type": "Accepted", "status": "True", "reason": "Accepted", "message": "", "lastTransitionTime": "x"}


def metadata(name: str, **more: Any) -> Manifest:
    words = {"labels": {"team": "qa", "argoproj.io/x": "1"}, "annotations": {"external-dns/target": "a"}}
    return {"name": name, "namespace": "llm", "uid": f"{name}-uid", "generation": 1, **words, **more}


PARENT = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": "llm", "name": "edge", "port": 80}
ROUTE = {
    "kind": "HTTPRoute",
    "metadata": metadata("qa", creationTimestamp="2024-01-01T00:00:00Z", ownerReferences=[]),
    "spec": {
        "parentRefs": [{**PARENT, "sectionName": "web"}],
        "hostnames": ["qa.example"],
        "rules": [
            {
                "name": "ask",
                "matches": [
                    {
                        "path": {"type": "PathPrefix", "value": "/v1"},
                        "method": "POST",
                        "headers": [{"type": "Exact", "name": "x-a", "value": "1"}],
                        "queryParams": [{"type": "Exact", "name": "q", "value": "1"}],
                    }
                ],
                "filters": [
                    {
                        "type": "RequestHeaderModifier",
                        "requestHeaderModifier": {
                            "set": [{"name": "x-b", "value": "1"}],
                            "add": [{"name": "x-c", "value": "1"}],
                            "remove": ["x-d"],
                        },
                    },
                    {"type": "URLRewrite", "urlRewrite": {"hostname": "b", "path": {"type": "ReplaceFullPath"}}},
                ],
                "timeouts": {"request": "9s", "backendRequest": "8s"},
                "backendRefs": [
                    {"group": "", "kind": "Service", "namespace": "llm", "name": "qa", "port": 80, "weight": 1}
                ],
            },
            {"backendRefs": [{"name": "other", "port": 80}]},
        ],
    },
    "status": {
        "parents": [
            {
                "parentRef": {**PARENT, "sectionName": "web"},
                "controllerName": "traefik.io/gateway-controller",
                "conditions": [{**ACCEPTED, "observedGeneration": 1}],
            }
        ]
    },
}
NEIGHBOUR = {**ROUTE, "metadata": metadata("rival", creationTimestamp="2023-01-01T00:00:00Z")}
GRPC = {
    "kind": "GRPCRoute",
    "metadata": metadata("calls"),
    "spec": {
        "parentRefs": [PARENT],
        "hostnames": ["qa.example"],
        "rules": [
            {
                "matches": [
                    {
                        "method": {"type": "Exact", "service": "llm.Ask", "method": "Ask"},
                        "headers": [{"type": "Exact", "name": "x-a", "value": "1"}],
                    }
                ],
                "backendRefs": [{"name": "qa", "port": 80}],
            }
        ],
    },
}
GATEWAY = {
    "kind": "Gateway",
    "metadata": metadata("edge"),
    "spec": {
        "gatewayClassName": "traefik",
        "addresses": [{"type": "IPAddress", "value": "10.1.2.3"}],
        "listeners": [
            {
                "name": "web",
                "hostname": "*.example",
                "port": 80,
                "protocol": "HTTP",
                "allowedRoutes": {
                    "kinds": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute"}],
                    "namespaces": {"from": "Selector", "selector": {"matchLabels": {"a": "b"}}},
                },
            },
            {
                "name": "tls",
                "port": 443,
                "protocol": "HTTPS",
                "tls": {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": "cert"}]},
            },
        ],
    },
    "status": {"addresses": [{"type": "IPAddress", "value": "10.1.2.3"}], "conditions": [ACCEPTED]},
}
CLASS = {
    "kind": "GatewayClass",
    "metadata": {"name": "traefik", "uid": "class-uid", "labels": {"a": "b"}},
    "spec": {"controllerName": "traefik.io/gateway-controller", "description": "edge"},
    "status": {
        "conditions": [ACCEPTED],
        "supportedFeatures": [
            {"name": "HTTPRouteBackendRequestHeaderModification"},
            {"name": "HTTPRouteMethodMatching"},
        ],
    },
}
SERVICE = {
    "kind": "Service",
    "metadata": metadata("qa"),
    "spec": {
        "type": "ClusterIP",
        "clusterIP": "None",
        "clusterIPs": ["None"],
        "selector": {"app": "qa-server"},
        "sessionAffinity": "ClientIP",
        "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10}},
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "publishNotReadyAddresses": True,
        "ports": [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP", "appProtocol": "http"}],
    },
}
DEPLOYMENT = {
    **settable_deployment(),
    "metadata": {**metadata("qa-server"), "annotations": settable_deployment()["metadata"]["annotations"]},
}
KEYS = {
    "route": ObjectKey("HTTPRoute", "llm", "qa"),
    "gateway": ObjectKey("Gateway", "llm", "edge"),
    "class": ObjectKey("GatewayClass", None, "traefik"),
    "service": ObjectKey("Service", "llm", "qa"),
    "deployment": ObjectKey("Deployment", "llm", "qa-server"),
}
WRITTEN: Mapping[str, Manifest] = {
    "route": ROUTE,
    "gateway": GATEWAY,
    "class": CLASS,
    "service": SERVICE,
    "deployment": DEPLOYMENT,
    "neighbour": NEIGHBOUR,
    "grpc": GRPC,
}


def fit_for_agentgateway(objects: Mapping[ObjectKey, Manifest]) -> dict[ObjectKey, Manifest]:
    """The objects as an agentgateway would have them: its own class, and a route that rewrites no path."""
    found = {DEFINITION: AGENTGATEWAYS}
    if KEYS["class"] in objects:
        own = {"controllerName": "agentgateway.dev/agentgateway"}
        found[KEYS["class"]] = {**objects[KEYS["class"]], "spec": {**objects[KEYS["class"]].get("spec", {}), **own}}
    if KEYS["route"] in objects:
        route = copy.deepcopy(objects[KEYS["route"]])
        for rule in route["spec"].get("rules", []):
            for each in rule.get("filters", []):
                each.get("urlRewrite", {}).pop("path", None)
        found[KEYS["route"]] = route
    return found


def here(mode: str, written: Mapping[str, Manifest]) -> ClusterInputs:
    """What the operator reads of these objects, beside a second Service."""
    other = {**SERVICE, "metadata": metadata("other"), "spec": {"selector": {"app": "other"}}}
    objects = {KEYS[name]: each for name, each in written.items() if name in KEYS}
    objects[ObjectKey("Service", "llm", "other")] = other
    spec = spec_in(mode)
    if spec.delivery.traits.gateway_writes:
        objects |= fit_for_agentgateway(objects)
    gateways = {("llm", "edge"): written["gateway"]}
    beside = [neighbour_route(written[name], written[name]["kind"], gateways) for name in ("neighbour", "grpc")]
    users = neighbour_route(written["route"], "HTTPRoute", gateways)
    found = replace(inputs(spec=spec), objects=objects)
    service = objects.get(ObjectKey("Service", "llm", "qa"))
    if found.spec.delivery.traits.through_injector and service is not None:
        # A headless Service is unfit for it, and one with session affinity.
        addressed = {"clusterIP": "10.0.0.7", "clusterIPs": ["10.0.0.7"], "sessionAffinity": "None"}
        objects[ObjectKey("Service", "llm", "qa")] = {**service, "spec": {**service.get("spec", {}), **addressed}}
    return replace(found, neighbours=Neighbours(routes=Neighbourhood(beside).beside(users)))


def as_stored(made: Iterable[Manifest]) -> list[Manifest]:
    """Objects of the operator as a server keeps them."""
    old = "2024-01-01T00:00:00Z"
    return [running({**each, "metadata": {**each["metadata"], "creationTimestamp": old}}) for each in made]


def answered(mode: str, written: Mapping[str, Manifest]) -> Refusal | None:
    """Everything that is worked out of users' objects, before an overlay is there and while one is. Returns why the
    policy is refused."""
    found = here(mode, written)
    refusal = preflight(found, WANTED)
    assert refusal is None or (refusal.reason and refusal.message.endswith("."))
    offered = mode_of(found.spec.delivery)
    assert list(offered.objects_needed(found)) and offered.detached(found) == []
    gist_of_users_objects(found)
    made = desired_traffic(here(mode, WRITTEN), WANTED, rolling_back=False).rendered.objects
    for observed in (found, found.with_objects(as_stored(made))):
        desired = desired_traffic(observed, WANTED, rolling_back=False)
        view = TrafficView(condition=SAID, proven=WANTED)
        decide(observed, desired, view, NOW)
        decide_while_frozen(observed, desired, view, NOW)
    return refusal


def watched(written: Mapping[str, Manifest]) -> None:
    """What watches make of each object by itself."""
    routes = WatchedRoutes()
    for name, each in written.items():
        stripped(each["kind"], each)
        policy_of(each)
        if each["kind"] == "HTTPRoute":
            routes.changed(each, listed=name == "neighbour")
        if each["kind"] == "Service":
            mirror_digest(each)
    services = [each for each in written.values() if each["kind"] == "Service"]
    unused_aliases(services, [written["route"]], ())
    orphaned_overlays([written["route"]], ())


def every_omission() -> Iterator[tuple[str, tuple[str | int, ...]]]:
    for name, manifest in WRITTEN.items():
        for path in optional_paths(manifest["kind"], manifest):
            yield name, path


@pytest.mark.slow
def test_the_whole_objects_are_accepted_in_every_mode_and_very_many_fields_may_be_left_out() -> None:
    alone = {**WRITTEN, "neighbour": without(NEIGHBOUR, ("spec", "parentRefs"))}
    assert [answered(mode, alone) for mode in sorted(route_modes())] == [None] * len(route_modes())
    assert len(list(every_omission())) > 120


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_an_object_without_any_one_of_its_optional_fields_is_answered(name: str) -> None:
    for number, (of, path) in enumerate(each for each in every_omission() if each[0] == name):
        written = {**WRITTEN, of: without(WRITTEN[of], path)}
        mode = sorted(route_modes())[number % len(route_modes())]
        answered(mode, written)
        watched(written)


@pytest.mark.slow
@pytest.mark.parametrize("mode", sorted(route_modes()))
def test_an_overlay_or_alias_from_which_somebody_took_a_field_is_answered(mode: str) -> None:
    alone = here(mode, {**WRITTEN, "neighbour": without(NEIGHBOUR, ("spec", "parentRefs"))})
    desired = desired_traffic(alone, WANTED, rolling_back=False)
    stored = as_stored(desired.rendered.objects)
    for made in stored:
        paths = optional_paths(made["kind"], made)
        for path in random.Random(7).sample(paths, min(40, len(paths))):
            observed = alone.with_objects([*stored, without(made, path)])
            again = desired_traffic(observed, WANTED, rolling_back=False)
            off = (*again.baseline_only, *again.detached)
            assert off and (again.refusal is None or "makes it anew" in again.refusal.message)
            decide(observed, again, TrafficView(condition=SAID, proven=WANTED), NOW)
            if made is stored[-1]:
                mode_of(alone.spec.delivery).has_split(without(made, path), alone.spec.delivery, WANTED)


@pytest.mark.slow
def test_objects_without_any_of_several_optional_fields_are_answered() -> None:
    omissions, rng = list(every_omission()), random.Random(7)
    for number in range(60):
        written = dict(WRITTEN)
        for of, path in rng.sample(omissions, rng.randint(2, 12)):
            written[of] = without(written[of], path)
        answered(sorted(route_modes())[number % len(route_modes())], written)
        watched(written)


def test_a_service_that_became_another_name_for_a_host_has_another_digest_than_its_alias() -> None:
    users = service()
    external = {**users, "spec": {**users["spec"], "type": "ExternalName", "externalName": "engine.example"}}
    assert mirror_digest(users) == mirror_digest(alias_service(inputs(), "qa", "candidate")) != mirror_digest(external)
