"""What every mode with a route shares: which rules of the user's route are overlaid, and the overlay HTTPRoute itself.

The user's route is read and never changed. The overlay is more specific, so it wins while it exists; it is owned by
the policy, so garbage collection alone brings the original route back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from earlystop.api.conditions import Refusal
from earlystop.delivery.alias_service import is_external
from earlystop.delivery.inputs import INFERENCE_POOL, POOL_GROUP, ClusterInputs, Manifest
from earlystop.delivery.names import overlay_name
from earlystop.delivery.ownership import owned_metadata
from earlystop.delivery.routes.carried_metadata import carried_annotations, carried_labels, with_carried
from earlystop.delivery.routes.competing_matches import competing_neighbours, competing_rules
from earlystop.delivery.routes.gateways import other_orders
from earlystop.delivery.routes.matches import JSON_CONTENT_TYPES, narrowed
from earlystop.delivery.routes.precedence import Match
from earlystop.delivery.routes.rewrites import is_of_one_prefix, replaces_prefix, with_full_path

POOL_PORT = 80
"""Of an injector's Services before an InferencePool, whose reference names none."""
# What an overlay's rule has of its own. All else, also what a later Gateway API adds, is the user's: what is done with
# requests on their way.
OWN_FIELDS = ("matches", "backendRefs")


@dataclass(frozen=True, slots=True)
class TargetRule:
    """A rule of the user's route that leads to the target, and the overlay's matches for it or why there are none.

    rule: the user's. Of one that replaces a prefix there is one of these for each path of the overlay, with the filter
        that replaces that path.
    backend: the user's reference to a Service, or to an InferencePool, which has a port here in any case.
    """

    rule: dict[str, Any]
    backend: dict[str, Any]
    matches: list[Match] | Refusal

    def base(self) -> dict[str, Any]:
        """The overlay's rule before any header is set: what the user wrote beside matches and backends is kept."""
        return {"matches": self.matches, **{key: value for key, value in self.rule.items() if key not in OWN_FIELDS}}

    @property
    def is_pool(self) -> bool:
        """Whether the rule leads to an InferencePool."""
        return self.backend.get("kind") == INFERENCE_POOL

    def users_reference(self) -> dict[str, Any]:
        """The user's own reference, with all requests."""
        return {**next(each for each in in_use(self.rule) if each["name"] == self.backend["name"]), "weight": 1}

    def backend_reference(self, name: str, weight: int) -> dict[str, Any]:
        """A reference to a Service at the user's port."""
        port = {"port": self.backend["port"]} if "port" in self.backend else {}
        return {"group": "", "kind": "Service", "name": name, **port, "weight": weight}


def target_rules(inputs: ClusterInputs) -> Sequence[TargetRule]:
    """The rules that lead to the target, in the route's order. A check asks for them some twenty times."""
    return inputs.once(_target_rules)


def _target_rules(inputs: ClusterInputs) -> tuple[TargetRule, ...]:
    assert inputs.route is not None  # preflight refuses a policy without its route
    rules = inputs.route["spec"].get("rules", [])
    backends = [target_backend(rule, inputs) for rule in rules]
    ours = [backend is not None for backend in backends]
    paths = inputs.spec.delivery.request_paths
    # A long route would outgrow what Gateway API allows.
    content_types = JSON_CONTENT_TYPES[: None if sum(len(rule.get("matches", [])) for rule in rules) <= 8 else 1]
    others, orders = (competing_neighbours(inputs), other_orders(inputs)) if any(ours) else ([], ())
    return tuple(
        each
        for index, (rule, backend) in enumerate(zip(rules, backends, strict=True))
        if backend is not None
        for each in _by_path(
            rule, backend, narrowed(rule, [*competing_rules(rules, index, ours, orders), *others], paths, content_types)
        )
    )


def _by_path(rule: dict[str, Any], backend: dict[str, Any], matches: list[Match] | Refusal) -> Iterable[TargetRule]:
    """One for all matches, or for each path where a prefix is replaced."""
    if isinstance(matches, Refusal) or not matches or not replaces_prefix(rule) or not is_of_one_prefix(rule):
        return [TargetRule(rule, backend, matches)]
    return [TargetRule(with_full_path(rule, each["path"]["value"]), backend, [each]) for each in matches]


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
        if own and selected_by_pool(backend, inputs):
            return {"port": POOL_PORT, **backend}
    return None


def selected_by_pool(backend: dict[str, Any], inputs: ClusterInputs) -> bool:
    """Whether a backend is an InferencePool that sends to the target's Pods, and the mode can lead there."""
    if (backend.get("group"), backend.get("kind")) != (POOL_GROUP, INFERENCE_POOL):
        return False
    pool = inputs.pools.get(backend["name"])
    if pool is None or not can_lead_to_pools(inputs):
        return False
    labels = ((pool.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    return selects({"spec": {"selector": labels}}, inputs.deployment)


def can_lead_to_pools(inputs: ClusterInputs) -> bool:
    """Whether the policy's mode can lead to InferencePools, and the operator may."""
    return inputs.inference_pools and inputs.spec.delivery.leads_to_pools


def mirrors(rule: dict[str, Any], inputs: ClusterInputs) -> list[str]:
    """Names of the Services of the policy's namespace to which a rule sends copies of its requests, or of a share of
    them that is not 0."""
    filters = [each.get("requestMirror", {}) for each in rule.get("filters", [])]
    sent = [each for each in filters if each.get("percent") != 0 and each.get("fraction", {}).get("numerator") != 0]
    copied = [each.get("backendRef", {}) for each in sent]
    return [
        each["name"]
        for each in copied
        if each.get("kind", "Service") == "Service"
        and each.get("namespace", inputs.namespace) == inputs.namespace
        and "name" in each
    ]


def in_use(rule: dict[str, Any]) -> list[dict[str, Any]]:
    """The backends to which a rule sends requests."""
    return [each for each in rule.get("backendRefs", []) if each.get("weight", 1) > 0]


def selects(service: Manifest, deployment: Manifest | None) -> bool:
    """Whether a Service sends to the Pods of a Deployment. One of type ExternalName sends to a name, and a selector
    that it may still have is of no effect."""
    if deployment is None or is_external(service):
        return False
    template = (deployment.get("spec") or {}).get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    selector = (service.get("spec") or {}).get("selector") or {}
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def overlay_route(inputs: ClusterInputs, rules: Iterable[dict[str, Any]]) -> Manifest:
    """The overlay with these rules, attached as the user's route is, and with what others read on that route."""
    assert inputs.route is not None  # preflight refuses a policy without its route
    spec, users = inputs.route["spec"], inputs.route["metadata"]
    labels, annotations = carried_labels(users.get("labels")), carried_annotations(users.get("annotations"))
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": with_carried(owned_metadata(inputs, overlay_name(inputs.policy)), labels, annotations),
        "spec": {
            "parentRefs": spec["parentRefs"],
            **({"hostnames": spec["hostnames"]} if spec.get("hostnames") else {}),
            "rules": _named_once(rules),
        },
    }


def _named_once(rules: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rules, of which only the last one that was made of a user's rule keeps its name: it is the one for everybody,
    and a route has each name but once."""
    named: set[str] = set()
    result = []
    for rule in reversed(list(rules)):
        name = rule.get("name")
        result.append({key: value for key, value in rule.items() if key != "name" or name not in named})
        named |= {name} if name else set()
    return result[::-1]


def detached_route(route: Manifest) -> Manifest:
    """A route that is attached to no Gateway, so that none leads a request by it."""
    return {**route, "spec": {key: value for key, value in route["spec"].items() if key != "parentRefs"}}


def with_rules(route: Manifest, rules: Iterable[dict[str, Any]]) -> Manifest:
    """A route with other rules."""
    return {**route, "spec": {**route["spec"], "rules": list(rules)}}
