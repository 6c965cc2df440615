"""Whether the user's route is attached to a Gateway, and whether somebody else moves its traffic.

A route whose gateway reports that it does not accept it is refused. A gateway's report that it does accept the route
proves nothing: only probes prove that an overlay is served.
"""

from __future__ import annotations

from typing import Any

from earlystop.api.conditions import Refusal
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.ownership import controller_of
from earlystop.delivery.routes.served_hosts import acceptances, attaches_to

ARGO_LABEL = "rollouts.argoproj.io/gatewayapi-canary"
AI_GATEWAY_ANNOTATION = "gateway.envoyproxy.io/ai-gateway-generated"
KSERVE_LABELS = ("serving.kserve.io/inferenceservice", "serving.kserve.io/llminferenceservice")

# By kind of the owner: what to do about a route that its controller writes.
MANAGERS = {
    "Canary": "Flagger writes it anew at every step. Give the target a route of your own and remove the Canary",
    "InferenceService": "KServe writes it anew. Give the predictor's Service an HTTPRoute of your own",
    "LLMInferenceService": "KServe writes it anew. Give the service's Pods a Service and an HTTPRoute of your own",
    "AIGatewayRoute": "Envoy AI Gateway writes it anew, and routes by the model. Put a route of your own before it",
    "Rollout": "Argo Rollouts moves its weights. Wait until its canary ends, and take the route out of its strategy",
}
LISTENER_SERVES = ("ResolvedRefs", "Programmed", "Accepted")
"""Conditions of a listener without which it serves nothing, a cause before what follows from it."""
NO_LISTENER = ("NoMatchingParent", "NoMatchingListenerHostname")


def route_has_a_gateway(inputs: ClusterInputs) -> Refusal | None:
    """The route names a Gateway that is there, with a listener for it."""
    assert inputs.route is not None  # checked before
    parents = inputs.route["spec"].get("parentRefs")
    if not parents:
        return Refusal(
            "RouteDetached",
            f"HTTPRoute {inputs.route_name} names no Gateway, so no request comes by it. Write its parentRefs.",
        )
    gateways = [each for each in parents if each.get("kind", "Gateway") == "Gateway"]
    if len(gateways) < len(parents):
        return None  # a mesh's parent, of which nothing is read
    there = [each for each in gateways if _key(each, inputs) in inputs.gateways]
    if not there:
        namespace, name = _key(gateways[0], inputs)
        return Refusal(
            "GatewayNotFound",
            f"HTTPRoute {inputs.route_name} names Gateway {name}, which is not in namespace {namespace}. Create it or "
            "correct the route's parentRefs.",
        )
    if not any(_has_listener(each, inputs.gateways[_key(each, inputs)]) for each in there):
        name = there[0]["name"]
        return _no_listener(inputs, f"its parentRefs ask for a sectionName or port that Gateway {name} has not")
    return None


def route_is_accepted(inputs: ClusterInputs) -> Refusal | None:
    """A refusal when no gateway accepts the route and one reports why. Where none reports anything, probes decide."""
    assert inputs.route is not None  # checked before
    said = [each for parent in inputs.route["spec"]["parentRefs"] for each in acceptances(inputs.route, parent)]
    if any(each["status"] == "True" for each in said):
        return None
    refused = next((each for each in said if each["status"] == "False"), None)
    if refused is None:
        return None
    reason, words = refused.get("reason", ""), refused.get("message", "").strip().rstrip(".")
    if reason in NO_LISTENER:
        fault = _listener_fault(inputs)
        if fault is not None:
            return Refusal(
                "NoMatchingListener",
                f"No listener takes HTTPRoute {inputs.route_name}: {fault}. Fix the listener; requests come by the "
                "route again when it serves.",
            )
        return _no_listener(inputs, f"its Gateway says {reason}")
    if reason == "NotAllowedByListeners":
        return Refusal(
            "RouteNotAllowed",
            f"The Gateway's listeners do not admit HTTPRoute {inputs.route_name} of namespace {inputs.namespace}. Ask "
            "the Gateway's owner to allow the namespace in allowedRoutes.",
        )
    return Refusal(
        "RouteNotAccepted",
        f"The Gateway does not accept HTTPRoute {inputs.route_name}: {reason}{f', {words}' if words else ''}. Fix the "
        "route until its status shows Accepted=True.",
    )


def _listener_fault(inputs: ClusterInputs) -> str | None:
    """What a Gateway says of a listener that the route names and that does not serve, as one whose certificate is gone;
    None where it says nothing."""
    assert inputs.route is not None  # checked before
    for reference in inputs.route["spec"].get("parentRefs") or []:
        gateway = inputs.gateways.get(_key(reference, inputs))
        if gateway is None or reference.get("kind", "Gateway") != "Gateway":
            continue
        said = {each.get("name"): each for each in (gateway.get("status") or {}).get("listeners") or []}
        for listener in gateway["spec"].get("listeners", []):
            if attaches_to(reference, listener):
                conditions = said.get(listener["name"], {}).get("conditions") or []
                refused = {each.get("type"): each for each in conditions if each.get("status") == "False"}
                fault = next((refused[each] for each in LISTENER_SERVES if each in refused), None)
                if fault is not None:
                    words = str(fault.get("message") or "").strip().rstrip(".")[:200]
                    reported = f"{fault.get('reason', fault['type'])}{f', {words}' if words else ''}"
                    return f"Gateway {reference['name']} reports of its listener {listener['name']}: {reported}"
    return None


def _no_listener(inputs: ClusterInputs, why: str) -> Refusal:
    return Refusal(
        "NoMatchingListener",
        f"No listener takes HTTPRoute {inputs.route_name}: {why}. Correct sectionName, port and hostnames of the "
        "route, or add a listener.",
    )


def _key(reference: dict[str, Any], inputs: ClusterInputs) -> tuple[str, str]:
    return reference.get("namespace", inputs.namespace), reference["name"]


def _has_listener(reference: dict[str, Any], gateway: Manifest) -> bool:
    return any(attaches_to(reference, listener) for listener in gateway["spec"].get("listeners", []))


def route_is_the_users(inputs: ClusterInputs) -> Refusal | None:
    """Nobody else moves the route's traffic."""
    assert inputs.route is not None  # checked before
    metadata = inputs.route["metadata"]
    owner = controller_of(inputs.route)
    if owner is not None:
        advice = MANAGERS.get(owner["kind"], "Name a route that no other controller owns")
        return _managed(inputs, f"is managed by {owner['kind']} {owner['name']}", advice)
    if ARGO_LABEL in metadata.get("labels", {}):
        return _managed(inputs, "is in use by an Argo Rollouts canary", "Wait until it ends")
    if any(label in metadata.get("labels", {}) for label in KSERVE_LABELS):
        return _managed(inputs, "is managed by KServe", MANAGERS["InferenceService"])
    if AI_GATEWAY_ANNOTATION in metadata.get("annotations", {}):
        return _managed(inputs, "is managed by an AIGatewayRoute", MANAGERS["AIGatewayRoute"])
    return None


def _managed(inputs: ClusterInputs, how: str, advice: str) -> Refusal:
    return Refusal("RouteManaged", f"HTTPRoute {inputs.route_name} {how}, which moves traffic too. {advice}.")
