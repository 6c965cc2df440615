"""What a mode asks of the user's route before it overlays it, whatever headers it will set."""

from __future__ import annotations

from typing import Any

from earlystop.api.conditions import Refusal
from earlystop.api.wire import GOLDEN_HEADER, PROBE_HEADER
from earlystop.delivery.alias_service import is_external
from earlystop.delivery.inputs import INFERENCE_POOL, ClusterInputs
from earlystop.delivery.overlay import can_lead_to_pools, in_use, mirrors, selects, target_rules
from earlystop.delivery.routes.competing_matches import routes_before
from earlystop.delivery.routes.matches import narrowed
from earlystop.delivery.routes.precedence import EVERYTHING
from earlystop.delivery.routes.rewrites import is_of_one_prefix, replaces_prefix

RESERVED_HEADERS = frozenset({PROBE_HEADER, GOLDEN_HEADER})


def route_exists(inputs: ClusterInputs) -> Refusal | None:
    """The route that the policy names is there."""
    if inputs.route is None:
        return Refusal(
            "RouteNotFound",
            f"There is no HTTPRoute {inputs.route_name} in namespace {inputs.namespace}; one of another namespace "
            f"cannot be named. Create it or correct {inputs.spec.delivery.settings_field}.routeRef.name.",
        )
    return None


def route_reaches_target(inputs: ClusterInputs) -> Refusal | None:
    """Some rule leads to the target's Pods, else the nearest reason why none does."""
    if target_rules(inputs):
        return None
    assert inputs.route is not None  # checked before
    backends = [each for rule in inputs.route["spec"].get("rules", []) for each in rule.get("backendRefs", [])]
    services = [each for each in backends if each.get("kind", "Service") == "Service"]
    for each in services:
        namespace = each.get("namespace", inputs.namespace)
        if namespace != inputs.namespace:
            return Refusal(
                "ServiceElsewhere",
                f"HTTPRoute {inputs.route_name} leads to Service {each['name']} of namespace {namespace}. Policy, "
                "route, Service and target belong in one namespace: write the policy and a route there.",
            )
    for each in services:
        if each["name"] not in inputs.services:
            return Refusal(
                "ServiceNotFound",
                f"HTTPRoute {inputs.route_name} leads to Service {each['name']}, which is not in namespace "
                f"{inputs.namespace}. Create it or correct the route's backendRef.",
            )
    drained = next((each for each in services if each.get("weight", 1) == 0 and _is_targets(each, inputs)), None)
    if drained is not None:
        return Refusal(
            "RouteDrained",
            f"HTTPRoute {inputs.route_name} sends no request to Service {drained['name']}, since its backendRef has "
            "weight 0. Give it a weight when it is to have requests again.",
        )
    foreign = next((each for each in backends if each.get("kind", "Service") != "Service"), None)
    if foreign is not None:
        return _foreign_refusal(inputs, foreign["kind"], foreign["name"])
    external = next((each["name"] for each in services if is_external(inputs.services[each["name"]])), None)
    if external is not None:
        return Refusal(
            "RouteMissesTarget",
            f"HTTPRoute {inputs.route_name} leads to Service {external}, which is of type ExternalName: another name "
            "for a host, so it sends to no Pods. Point a backendRef at a Service that selects the Pods of Deployment "
            f"{inputs.spec.target_ref.name}, or correct spec.targetRef.",
        )
    return Refusal(
        "RouteMissesTarget",
        f"No rule of HTTPRoute {inputs.route_name} leads to a Service that selects the Pods of Deployment "
        f"{inputs.spec.target_ref.name}. Point a backendRef at such a Service, or correct spec.targetRef.",
    )


def _foreign_refusal(inputs: ClusterInputs, kind: str, name: str) -> Refusal:
    """Why an overlay cannot lead by a backend that is no Service."""
    why = f"HTTPRoute {inputs.route_name} leads to {kind} {name}, and an overlay leads to Services alone"
    if kind == INFERENCE_POOL and can_lead_to_pools(inputs):
        if name not in inputs.pools:
            return Refusal(
                "PoolNotFound",
                f"HTTPRoute {inputs.route_name} leads to InferencePool {name}, and namespace {inputs.namespace} has no "
                "such object of inference.networking.k8s.io/v1. Create it or correct the route's backendRef, whose "
                "group is inference.networking.k8s.io.",
            )
        return Refusal(
            "RouteMissesTarget",
            f"HTTPRoute {inputs.route_name} leads to InferencePool {name}, whose selector does not take in the Pods of "
            f"Deployment {inputs.spec.target_ref.name}. Name the pool's Deployment in spec.targetRef.",
        )
    if kind == INFERENCE_POOL:
        return Refusal(
            "BackendKindUnfit",
            f"{why}: it would lead past the pool's choice of a Pod. Write delivery.mode RequestBody with split: "
            "Gateway, and ask the cluster's admin for inferencePools.enabled in the chart's values. Or let the pool's "
            "own Pods draw the variant: an injector as their sidecar (manifests/examples/injector-sidecar.yaml) with "
            "delivery.mode ConfigMap, which needs no route.",
        )
    return Refusal(
        "BackendKindUnfit",
        f"{why}. Point a backendRef at a Service that selects the Pods of Deployment {inputs.spec.target_ref.name}, or "
        "write delivery.mode ConfigMap, which needs no route.",
    )


def _is_targets(backend: dict[str, Any], inputs: ClusterInputs) -> bool:
    return _selects_target(backend["name"], inputs)


def _selects_target(name: str, inputs: ClusterInputs) -> bool:
    service = inputs.services.get(name)
    return service is not None and selects(service, inputs.deployment)


def rules_can_be_overlaid(inputs: ClusterInputs) -> Refusal | None:
    """Nothing in the rules that lead to the target stands in an overlay's way."""
    for each in target_rules(inputs):
        refusal = _in_the_way(each.rule, inputs)
        if refusal is not None:
            return refusal
    return None


def _in_the_way(rule: dict[str, Any], inputs: ClusterInputs) -> Refusal | None:
    route = f"A rule of HTTPRoute {inputs.route_name}"
    backends = in_use(rule)
    if len(backends) > 1:
        return Refusal(
            "RouteSplitsAlready",
            f"{route} splits traffic between several backends. Give the target a rule with one backendRef.",
        )
    if backends[0].get("filters"):
        return Refusal(
            "BackendFilters",
            f"{route} has filters on its backendRef, where the overlay needs its own. Move them to the filters of the "
            "rule.",
        )
    if replaces_prefix(rule) and not is_of_one_prefix(rule):
        return Refusal(
            "RouteRewritesPrefix",
            f"{route} replaces a path prefix (ReplacePrefixMatch) and has not one match by PathPrefix alone, so which "
            "prefix it replaces is open. Give each prefix a rule of its own.",
        )
    copied = next((each for each in mirrors(rule, inputs) if _selects_target(each, inputs)), None)
    if copied is not None:
        return Refusal(
            "MirrorReachesTarget",
            f"{route} sends copies of its requests (RequestMirror) to Service {copied}, which selects the target's "
            "Pods. A copy carries the overlay's headers, so the servers would count each request twice. Mirror to Pods "
            "that the target does not have.",
        )
    if "sessionPersistence" in rule:
        return Refusal("SessionPersistence", f"{route} has sessionPersistence, which beats weights. Remove it.")
    taken = sorted(_conditions(rule) & RESERVED_HEADERS)
    if taken:
        return Refusal(
            "HeaderReserved",
            f"{route} matches on header {taken[0]}, which the overlay needs for itself. Match on another header.",
        )
    return None


def _conditions(rule: dict[str, Any]) -> set[str]:
    return {each["name"].lower() for match in rule.get("matches", []) for each in match.get("headers", [])}


def overlay_can_win(inputs: ClusterInputs) -> Refusal | None:
    """For each rule there are matches that are stricter than the user's, and for one at least there are any."""
    found = target_rules(inputs)
    for each in found:
        if isinstance(each.matches, Refusal):
            return each.matches
    if not any(each.matches for each in found):
        paths = inputs.spec.delivery.request_paths
        rules = [each.rule for each in found]
        split = [{**rule, "matches": [match]} for rule in rules for match in rule.get("matches") or [EVERYTHING]]
        others = routes_before(inputs, [(rule["matches"][0], narrowed(rule, paths=paths)) for rule in split])
        if others:
            return Refusal(
                "RouteOverlaps",
                f"All completion requests of HTTPRoute {inputs.route_name} may go to {' or '.join(others)} first, for "
                "the same host: by a narrower match, or by an equal one, where gateways differ in whose it is. Give "
                "the routes different hosts or paths.",
            )
        return Refusal(
            "RouteWithoutPost",
            f"No rule of HTTPRoute {inputs.route_name} brings POST requests for "
            f"{' or '.join(inputs.spec.delivery.request_paths)} to the target: its matches ask for another method or "
            "another endpoint, or other rules of the route take them first. Remove the method from a match or write "
            "POST, name other paths in spec.delivery.paths, or change those rules.",
        )
    return None
