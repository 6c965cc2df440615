"""What every mode with a route shares: which rules of the user's route are overlaid, and the overlay HTTPRoute itself.

The user's route is read and never changed. The overlay is more specific, so it wins while it exists; it is owned by
the policy, so garbage collection alone brings the original route back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from earlystop.api.conditions import Refusal
from earlystop.delivery.competing_matches import Match, competing_matches
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.matches import JSON_CONTENT_TYPES, narrowed
from earlystop.delivery.names import overlay_name
from earlystop.delivery.ownership import owned_metadata


@dataclass(frozen=True, slots=True)
class TargetRule:
    """A rule of the user's route that leads to the target, and the overlay's matches for it or why there are none."""

    rule: dict[str, Any]
    backend: dict[str, Any]
    matches: list[Match] | Refusal

    def base(self) -> dict[str, Any]:
        """The overlay's rule before any header is set: what the user wrote beside matches and backends is kept."""
        kept: dict[str, Any] = {key: self.rule[key] for key in ("filters", "timeouts", "retry") if key in self.rule}
        return {"matches": self.matches, **kept}

    def backend_reference(self, name: str, weight: int) -> dict[str, Any]:
        """A reference to a Service at the user's port."""
        port = {"port": self.backend["port"]} if "port" in self.backend else {}
        return {"group": "", "kind": "Service", "name": name, **port, "weight": weight}


def target_rules(inputs: ClusterInputs) -> list[TargetRule]:
    """The rules that lead to the target, in the route's order."""
    assert inputs.route is not None  # preflight refuses a policy without its route
    rules = inputs.route["spec"].get("rules", [])
    backends = [target_backend(rule, inputs) for rule in rules]
    ours = [backend is not None for backend in backends]
    paths = inputs.spec.delivery.request_paths
    # A long route would outgrow what Gateway API allows.
    content_types = JSON_CONTENT_TYPES[: None if sum(len(rule.get("matches", [])) for rule in rules) <= 8 else 1]
    return [
        TargetRule(rule, backend, narrowed(rule, competing_matches(rules, index, ours), paths, content_types))
        for index, (rule, backend) in enumerate(zip(rules, backends, strict=True))
        if backend is not None
    ]


def rules_to_overlay(inputs: ClusterInputs) -> list[TargetRule]:
    """The rules that need a rule of the overlay. The inputs must have passed preflight."""
    return [each for each in target_rules(inputs) if isinstance(each.matches, list) and each.matches]


def target_backend(rule: dict[str, Any], inputs: ClusterInputs) -> dict[str, Any] | None:
    """The rule's backend reference when it is a Service that selects the target's Pods, else None. A backend of weight
    0 is drained: no request goes there, and none must."""
    for backend in in_use(rule):
        own = backend.get("namespace", inputs.namespace) == inputs.namespace
        service = inputs.services.get(backend["name"]) if own and backend.get("kind", "Service") == "Service" else None
        if service is not None and selects(service, inputs.deployment):
            return dict(backend)
    return None


def in_use(rule: dict[str, Any]) -> list[dict[str, Any]]:
    """The backends to which a rule sends requests."""
    return [each for each in rule.get("backendRefs", []) if each.get("weight", 1) > 0]


def selects(service: Manifest, deployment: Manifest | None) -> bool:
    """Whether a Service sends to the Pods of a Deployment."""
    if deployment is None:
        return False
    labels = deployment["spec"]["template"]["metadata"].get("labels", {})
    selector = service["spec"].get("selector") or {}
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def overlay_route(inputs: ClusterInputs, rules: Iterable[dict[str, Any]]) -> Manifest:
    """The overlay with these rules, attached as the user's route is."""
    assert inputs.route is not None  # preflight refuses a policy without its route
    spec = inputs.route["spec"]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": owned_metadata(inputs, overlay_name(inputs.policy)),
        "spec": {
            "parentRefs": spec["parentRefs"],
            **({"hostnames": spec["hostnames"]} if spec.get("hostnames") else {}),
            "rules": list(rules),
        },
    }


def detached_route(route: Manifest) -> Manifest:
    """A route that is attached to no Gateway, so that none leads a request by it."""
    return {**route, "spec": {key: value for key, value in route["spec"].items() if key != "parentRefs"}}


def with_rules(route: Manifest, rules: Iterable[dict[str, Any]]) -> Manifest:
    """A route with other rules."""
    return {**route, "spec": {**route["spec"], "rules": list(rules)}}
