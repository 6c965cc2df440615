"""The objects around a policy, as an API server would give them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from earlystop.api.policy import PolicySpec
from earlystop.delivery.agentgateway import DEFINITION
from earlystop.delivery.inputs import (
    ClusterInputs,
    Manifest,
)
from earlystop.delivery.names import overlay_name
from earlystop.delivery.object_key import ObjectKey
from earlystop.delivery.rendered import Rendered
from earlystop.delivery.split import ShadowSetting, TrafficSplit, VariantWeight
from tests.unit.rollout.policies import UID, policy

LONG_AGO = "1970-01-02T00:00:00Z"
WINDOWS = ("10", "5", "2", "1", "3", "4", "6", "7", "8", "9")
LABELS = {"app": "qa-server"}
BY_AGENTGATEWAY = {"gateway": "AgentGateway", "engine": "VLLM"}
COHORTS_IN_BODIES = "RequestBody with cohort"
"""What `spec_in` calls mode RequestBody where cohorts have their settings in bodies."""
BY_ENVOY = {"gateway": "EnvoyAIGateway", "engine": "VLLM"}
KNOBS = ({"parameter": "window", "env": "WINDOW"}, {"parameter": "patience", "argument": "--patience"})


AGENTGATEWAYS = {"metadata": {"name": DEFINITION.name}}
"""What says that the cluster knows agentgateway's kinds."""


def settings(window: str) -> tuple[tuple[str, str], ...]:
    return (("window", window), ("patience", "2.5"))


def split(
    *weights: int,
    revision: str = "0123456789",
    step: int = 1,
    shadows: int = 0,
    token: str = "",
    incumbent: int | None = None,
) -> TrafficSplit:
    """The share of each candidate: `candidate` when there is one, else w10, w5, w2, ...; the baseline has the rest.
    shadows: how many candidates are judged in the baseline's shadow. token: the campaign's, "" for one without.
    incumbent: its share in a search, None where there is none."""
    labels = ["candidate"] if len(weights) == 1 else [f"w{window}" for window in WINDOWS[: len(weights)]]
    candidates = [VariantWeight(*each) for each in zip(labels, weights, map(settings, WINDOWS), strict=False)]
    judged = tuple(ShadowSetting(f"w{window}", settings(window)) for window in WINDOWS[:shadows])
    certified = [] if incumbent is None else [VariantWeight("incumbent", incumbent, settings("20"))]
    baseline = VariantWeight("baseline", 100 - sum(weights) - (incumbent or 0), settings("40"))
    return TrafficSplit(
        revision, step, (baseline, *certified, *candidates), judged, token=token, has_incumbent=bool(certified)
    )


SHARE = split(25)


def in_bodies(below: str = "vllm_xargs.") -> list[dict[str, Any]]:
    """The parameters of every policy here, each with a field of chat completions."""
    return [
        {**each.wire(), "body": {"paths": [{"api": "ChatCompletions", "path": f"{below}{each.name}"}]}}
        for each in policy().parameters
    ]


def body_changes(mode: str) -> dict[str, Any]:
    """What a policy of this mode says of bodies: a gateway's own objects write fields of the root alone."""
    of_injector = {"parameters": in_bodies()}
    changes = {"RequestBody": of_injector, COHORTS_IN_BODIES: of_injector}
    return {**changes, "GatewayBody": {"parameters": in_bodies("")}}.get(mode, {})


def spec_in(mode: str, candidates: int = 1) -> PolicySpec:
    """A policy of this mode, or of `COHORTS_IN_BODIES`, with so many candidates, w10, w5, w2, ..., and a cohort
    `b-<name>` for each of them."""
    tried = [{"name": f"w{each}", "values": [{"name": "window", "value": each}]} for each in WINDOWS[:candidates]]
    cohorts: list[dict[str, Any]] = [{"variant": "baseline", "values": ["a", "A"]}]
    cohorts += [{"variant": each["name"], "values": [f"b-{each['name']}"]} for each in tried]
    settings: dict[str, Any] = {"routeRef": {"name": "qa"}}
    changes, by_cohort = body_changes(mode), mode in ("HeaderCohort", COHORTS_IN_BODIES)
    if mode == COHORTS_IN_BODIES:
        mode = "RequestBody"
        settings |= {"cohort": {"header": "X-Cohort", "cohorts": cohorts}}
    field = mode[0].lower() + mode[1:]
    if mode == "HeaderCohort":
        settings |= {"header": "X-Cohort", "cohorts": cohorts}
    settings |= {"RequestBody": {"engine": "VLLM"}, "GatewayBody": BY_AGENTGATEWAY}.get(mode, {})
    if mode == "Workload":
        settings |= {"container": "server", "settings": list(KNOBS)}
    delivery = {"gatewayHeader": None, field: settings, "mode": mode}
    strategy = "ABTest" if by_cohort or candidates > 1 else "Canary"
    return policy({**changes, "delivery": delivery, "candidates": tried, "rollout": {"strategy": strategy}})


def deployment() -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "qa-server", "namespace": "llm"},
        "spec": {"template": {"metadata": {"labels": {**LABELS, "track": "stable"}}}},
    }


def settable_deployment() -> Manifest:
    """The same with a container, whose owner lets policies set both parameters."""
    made = deployment()
    made["metadata"] |= {
        "uid": "target-uid",
        "annotations": {"earlystop.dev/settable": "server/WINDOW, server/--patience"},
    }
    container = {
        "name": "server",
        "image": "qa:1",
        "args": ["serve", "--patience", "2.5", "--port=8080"],
        "env": [{"name": "WINDOW", "value": "40"}],
    }
    made["spec"] |= {"replicas": 4, "selector": {"matchLabels": dict(LABELS)}}
    made["spec"]["template"]["spec"] = {"containers": [container]}
    return made


def running(made: Manifest) -> Manifest:
    """An object as a server keeps it: the Pods of a Deployment are all new and ready."""
    if made["kind"] != "Deployment":
        return made
    pods = made["spec"].get("replicas", 1)
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), pods)
    return {**made, "status": {"observedGeneration": made["metadata"].get("generation", 1), **counts}}


def stored(found: ClusterInputs, objects: Any, **status: Any) -> ClusterInputs:
    """The objects as a server keeps them, the injector's Pods ready but for this status."""
    kept = []
    for each in objects:
        whole = running(each)
        if "status" in whole:
            whole = {**whole, "status": whole["status"] | status}
        kept.append({**whole, "metadata": {**each["metadata"], "creationTimestamp": LONG_AGO, "generation": 1}})
    return found.with_objects(kept)


def service(name: str = "qa", **selector: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "llm", "uid": f"{name}-uid", "labels": {"prometheus": "scrape-me"}},
        "spec": {
            "selector": selector or dict(LABELS),
            "clusterIP": "10.0.0.7",
            "ports": [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP", "nodePort": 30080}],
        },
    }


def backend(name: str = "qa", **more: Any) -> dict[str, Any]:
    return {"group": "", "kind": "Service", "name": name, "port": 80, "weight": 1, **more}


def rule(*matches: dict[str, Any], to: str = "qa", **more: Any) -> dict[str, Any]:
    return {"matches": list(matches) or [prefix("/")], "backendRefs": [backend(to)], **more}


def prefix(value: str, **more: Any) -> dict[str, Any]:
    return {"path": {"type": "PathPrefix", "value": value}, **more}


def exact(value: str, **more: Any) -> dict[str, Any]:
    return {"path": {"type": "Exact", "value": value}, **more}


def header(name: str, value: str, kind: str = "Exact") -> dict[str, str]:
    return {"type": kind, "name": name, "value": value}


def route(*rules: dict[str, Any], **more: Any) -> Manifest:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "qa", "namespace": "llm"},
        "spec": {
            "parentRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge"}],
            "rules": list(rules) or [rule()],
            **more,
        },
    }


def gateway(*listeners: dict[str, Any], address: str | None = "10.1.2.3") -> Manifest:
    return {
        "metadata": {"name": "edge", "namespace": "llm"},
        "spec": {
            "gatewayClassName": "traefik",
            "listeners": list(listeners) or [{"name": "web", "protocol": "HTTP", "port": 8000}],
        },
        "status": {"addresses": [{"type": "IPAddress", "value": address}]} if address else {},
    }


def gateway_class(accepted: str) -> Manifest:
    """A class with the status of its condition Accepted."""
    conditions = [{"type": "Accepted", "status": accepted, "reason": "Said"}]
    spec = {"controllerName": "traefik.io/gateway-controller"}
    return {"metadata": {"name": "traefik"}, "spec": spec, "status": {"conditions": conditions}}


def inputs(*rules: dict[str, Any], **more: Any) -> ClusterInputs:
    """A policy that passes preflight, with this route's rules; `more` replaces parts as `objects` names them, or fields
    of the inputs."""
    parts: dict[str, Any] = {
        "deployment": settable_deployment(),
        "route": route(*rules),
        "services": {"qa": service(), "other": service("other", app="other")},
        "gateways": {("llm", "edge"): gateway()},
        "gateway_classes": {"traefik": {"spec": {"controllerName": "traefik.io/gateway-controller"}}},
    }
    fields: dict[str, Any] = {
        "namespace": "llm",
        "policy": "qa",
        "uid": UID,
        "spec": policy(),
        "injector_image": "earlystop:1",
        "pods": (),
        "writes_gateway_objects": True,
    }
    fields |= {name: value for name, value in more.items() if name in fields}
    if fields["spec"].delivery.traits.gateway_writes:
        parts["gateway_classes"] = {"traefik": {"spec": {"controllerName": "agentgateway.dev/agentgateway"}}}
    parts |= {name: value for name, value in more.items() if name not in fields}
    return ClusterInputs(**fields, objects=objects(**parts) | {DEFINITION: AGENTGATEWAYS})


def objects(
    *,
    deployment: Manifest | None = None,
    route: Manifest | None = None,
    services: Mapping[str, Manifest] | None = None,
    gateways: Mapping[tuple[str, str], Manifest] | None = None,
    gateway_classes: Mapping[str, Manifest] | None = None,
    owned: Mapping[tuple[str, str], Manifest] | None = None,
    namespace: str = "llm",
) -> dict[ObjectKey, Manifest]:
    """Objects of a namespace as they are found: Services and classes by name, Gateways by namespace and name, objects
    of the operator by kind and name."""
    found = {ObjectKey("Service", namespace, name): each for name, each in (services or {}).items()}
    found |= {ObjectKey("Gateway", *key): each for key, each in (gateways or {}).items()}
    found |= {ObjectKey("GatewayClass", None, name): each for name, each in (gateway_classes or {}).items()}
    found |= {ObjectKey(kind, namespace, name): each for (kind, name), each in (owned or {}).items()}
    if deployment is not None:
        found[ObjectKey("Deployment", namespace, deployment["metadata"]["name"])] = deployment
    if route is not None:
        found[ObjectKey("HTTPRoute", namespace, route["metadata"]["name"])] = route
    return found


def overlay_in(rendered: Rendered) -> Manifest:
    """The overlay route among rendered objects."""
    assert rendered.primary is not None and rendered.objects[-1] is rendered.primary
    return rendered.primary


def owned_by(uid: str, kind: str = "EarlyStopPolicy", name: str = "qa") -> Manifest:
    reference = {"apiVersion": "v1", "kind": kind, "name": name, "uid": uid, "controller": True}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": overlay_name("qa"), "uid": "overlay-uid", "ownerReferences": [reference]},
        "spec": {"rules": []},
    }


def untouched(here: ClusterInputs) -> ClusterInputs:
    """A deep copy, to show later that nothing was changed."""
    return copy.deepcopy(here)
