"""Mode GatewayHeader: an overlay HTTPRoute sets each variant's headers on its share of completion requests.

The user's route is read and never changed. The overlay is more specific, so it wins while it exists; it is owned by
the policy, so garbage collection alone brings the original route back. The candidate's share goes through an alias
Service, since some gateways key the filters of a backend by its Service's name. The alias is owned by the Service
that it doubles as well: a gateway that hears of its end before it hears of the overlay's would answer 500, so it
stays, without any request, until the operator lets it go (`leftovers`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from earlystop.api.conditions import Refusal
from earlystop.api.counts import Variant
from earlystop.api.values import bounded
from earlystop.delivery.golden import has_room, rules_in_force, with_golden_rules
from earlystop.delivery.matches import narrowed
from earlystop.delivery.rivals import Match, rivals
from earlystop.delivery.surroundings import (
    MANAGED_BY,
    MANAGER,
    POLICY_UID,
    Manifest,
    Share,
    Surroundings,
    owner_reference,
)

PROBE_HEADER = "x-early-stop-probe"
ECHO_HEADER = "x-early-stop-echo"
PROVEN = ".in-force"


def overlay_name(policy: str) -> str:
    """Name of the overlay HTTPRoute."""
    return f"{bounded(policy, 235)}-early-stop"


def alias_name(service: str) -> str:
    """Name of the candidate's Service: at most 63 characters, different for different Services."""
    if len(service) <= 50:
        return f"{service}-es-candidate"
    return f"{service[:41]}-{hashlib.sha256(service.encode()).hexdigest()[:8]}-es-candidate"


def nonce_of(share: Share) -> str:
    """A probe's nonce: the same whenever the same share is put in force, so that a restart changes no object."""
    return hashlib.sha256(f"{share.revision}/{share.step}/{share.weight}".encode()).hexdigest()[:16]


def target_backend(rule: dict[str, Any], around: Surroundings) -> dict[str, Any] | None:
    """The rule's backend reference when it is a Service that selects the target's Pods, else None."""
    for backend in rule.get("backendRefs", []):
        own = backend.get("namespace", around.namespace) == around.namespace
        service = around.services.get(backend["name"]) if own and backend.get("kind", "Service") == "Service" else None
        if service is not None and selects(service, around.deployment):
            return dict(backend)
    return None


@dataclass(frozen=True, slots=True)
class Overlaid:
    """A rule of the user's route that leads to the target, and the overlay's matches for it or why there are none."""

    rule: dict[str, Any]
    backend: dict[str, Any]
    matches: list[Match] | Refusal


def overlaid(around: Surroundings) -> list[Overlaid]:
    """The rules that lead to the target, in the route's order."""
    assert around.route is not None  # preflight refuses a policy without its route
    rules = around.route["spec"].get("rules", [])
    backends = [target_backend(rule, around) for rule in rules]
    ours = [backend is not None for backend in backends]
    return [
        Overlaid(rule, backend, narrowed(rule, rivals(rules, index, ours)))
        for index, (rule, backend) in enumerate(zip(rules, backends, strict=True))
        if backend is not None
    ]


def selects(service: Manifest, deployment: Manifest | None) -> bool:
    """Whether a Service sends to the Pods of a Deployment."""
    if deployment is None:
        return False
    labels = deployment["spec"]["template"]["metadata"].get("labels", {})
    selector = service["spec"].get("selector") or {}
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def render(around: Surroundings, share: Share) -> list[Manifest]:
    """The objects that put a share in force: the alias Services first, then the overlay route.

    Expects surroundings that passed preflight.
    """
    rules = []
    services: dict[str, None] = {}
    for each in overlaid(around):
        if isinstance(each.matches, list) and each.matches:
            services[each.backend["name"]] = None
            rules.append(_rule(around, share, each.rule, each.backend, each.matches))
    probe = _probe_rule(rules[0], nonce_of(share))
    if share.weight > 0 and has_room(rules):
        rules = with_golden_rules(rules)
    return [*(_alias(around, name) for name in services), _overlay(around, [probe, *rules])]


def _overlay(around: Surroundings, rules: list[dict[str, Any]]) -> Manifest:
    assert around.route is not None  # checked by render
    spec = around.route["spec"]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": _metadata(around, overlay_name(around.policy)),
        "spec": {
            "parentRefs": spec["parentRefs"],
            **({"hostnames": spec["hostnames"]} if spec.get("hostnames") else {}),
            "rules": rules,
        },
    }


def _rule(
    around: Surroundings,
    share: Share,
    rule: dict[str, Any],
    backend: dict[str, Any],
    matches: list[dict[str, Any]],
) -> dict[str, Any]:
    """One rule with both variants in constant order and constant sum of weights. Headers are `set`, on both:
    that is what overwrites headers forged by a client."""
    names = {Variant.BASELINE: backend["name"], Variant.CANDIDATE: alias_name(backend["name"])}
    weights = {Variant.BASELINE: 100 - share.weight, Variant.CANDIDATE: share.weight}
    kept: dict[str, Any] = {key: rule[key] for key in ("filters", "timeouts", "retry") if key in rule}
    return {
        "matches": matches,
        **kept,
        "backendRefs": [
            {
                "group": "",
                "kind": "Service",
                "name": names[variant],
                **({"port": backend["port"]} if "port" in backend else {}),
                "weight": weights[variant],
                "filters": [_set_headers(variant_headers(around, share, variant))],
            }
            for variant in (Variant.BASELINE, Variant.CANDIDATE)
        ],
    }


def variant_headers(around: Surroundings, share: Share, variant: Variant) -> dict[str, str]:
    """The headers that a variant's requests carry."""
    spec = around.spec
    assert spec.delivery.gateway_header is not None  # the CRD demands it for this mode
    assert spec.candidates is not None  # checked when the policy was accepted
    prefix = spec.delivery.gateway_header.header_prefix
    settings = spec.baseline_settings() if variant == Variant.BASELINE else spec.candidate_settings(spec.candidates[0])
    return {
        f"{prefix}policy": f"{around.namespace}/{around.policy}",
        f"{prefix}revision": share.revision,
        f"{prefix}step": str(share.step),
        f"{prefix}variant": variant.value,
        **{f"{prefix}param-{name}": value for name, value in settings.items()},
    }


def _set_headers(headers: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "RequestHeaderModifier",
        "requestHeaderModifier": {"set": [{"name": name, "value": value} for name, value in headers.items()]},
    }


def _probe_rule(rule: dict[str, Any], nonce: str) -> dict[str, Any]:
    """The rule again for requests with the nonce, which it marks: an answer with the mark proves this very object."""
    matches = [
        {**match, "headers": [*match.get("headers", []), {"type": "Exact", "name": PROBE_HEADER, "value": nonce}]}
        for match in rule["matches"]
    ]
    backends = []
    for backend in rule["backendRefs"]:
        headers = backend["filters"][0]["requestHeaderModifier"]["set"]
        marked = [*headers, {"name": PROBE_HEADER, "value": nonce + PROVEN}]
        modifier = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": marked}}
        backends.append({**backend, "filters": [modifier]})
    return {**rule, "matches": matches, "backendRefs": backends}


def _alias(around: Surroundings, name: str) -> Manifest:
    """A second name for the same Pods. Its labels are its own, or a ServiceMonitor would scrape each Pod twice."""
    spec = around.services[name]["spec"]
    ports = [
        {key: port[key] for key in ("name", "port", "targetPort", "protocol", "appProtocol") if key in port}
        for port in spec["ports"]
    ]
    metadata = _metadata(around, alias_name(name))
    keeper = {"apiVersion": "v1", "kind": "Service", "name": name, "uid": around.services[name]["metadata"]["uid"]}
    metadata["ownerReferences"].append(keeper)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"type": "ClusterIP", "selector": spec["selector"], "ports": ports},
    }


def _metadata(around: Surroundings, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": around.namespace,
        "labels": {
            MANAGED_BY: MANAGER,
            "earlystop.dev/policy": bounded(around.policy, 63),
            POLICY_UID: around.uid,
        },
        "ownerReferences": [owner_reference(around)],
    }


def weights_in(route: Manifest) -> set[tuple[int, ...]]:
    """The weights of each rule's backends, baseline first, whatever somebody has made of the route; a single pair
    when all is well. Rules for golden questions have weights of their own."""
    return {
        tuple(backend.get("weight", 1) for backend in rule.get("backendRefs", [])) for rule in rules_in_force(route)
    }


def withdrawn(route: Manifest) -> Manifest:
    """An overlay route with all requests on the baseline, whatever has become of what it was rendered from."""
    rules = [
        {
            **rule,
            "backendRefs": [
                {**backend, "weight": 0 if place else 100} for place, backend in enumerate(rule.get("backendRefs", []))
            ],
        }
        for rule in route["spec"]["rules"]
    ]
    return {**route, "spec": {**route["spec"], "rules": rules}}
