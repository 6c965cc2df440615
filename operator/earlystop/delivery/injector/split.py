"""Mode RequestBody with `split: Injector`, by a route: the overlay leads all requests of the user's rules to the
injector, which draws their variants.

The overlay sets no header and has one backend a rule, so any gateway that has a route's matches will do. While
all get the baseline it is attached to nothing: users go by their own route, at once, whenever the injector's Pods
take up the weights of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from earlystop.api.conditions import Refusal
from earlystop.api.delivery import Delivery
from earlystop.delivery.by_backend import summary
from earlystop.delivery.golden_rules import rules_in_force, serves_no_user
from earlystop.delivery.headers import for_nonce
from earlystop.delivery.injector import weights as injector_weights
from earlystop.delivery.injector.objects import injector_service
from earlystop.delivery.injector.readiness import injector_unready
from earlystop.delivery.injector.upstream import injector_refusal, route_upstream, route_upstream_refusal
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.names import injector_name, overlay_name
from earlystop.delivery.overlay import TargetRule, detached_route, overlay_route, rules_to_overlay
from earlystop.delivery.probes.variant_probes import a_rule_for_each
from earlystop.delivery.proof import ProbeOnlyRules, Reports
from earlystop.delivery.rendered import Rendered
from earlystop.delivery.route_mode import RouteMode, detached, serves_users
from earlystop.delivery.routes.attached_policies import policies_cover_aliases
from earlystop.delivery.split import TrafficSplit, VariantWeight


def owned_names(inputs: ClusterInputs, _: Sequence[str]) -> list[tuple[str, str]]:
    """Kind and name of every object that the mode may own."""
    return [*injector_weights.owned(inputs), ("HTTPRoute", overlay_name(inputs.policy))]


def refusal(inputs: ClusterInputs, split: TrafficSplit) -> Refusal | None:
    """Why no injector can stand before the user's Service and draw variants; None when one can."""
    refused = injector_refusal(inputs) or injector_weights.shadow_refusal(split) or route_upstream_refusal(inputs)
    if refused is not None:
        return refused
    return policies_cover_aliases(inputs, [(route_upstream(inputs).service, injector_name(inputs.policy))])


def render(inputs: ClusterInputs, split: TrafficSplit) -> Rendered:
    """The weights and the injector first, then the overlay route."""
    prerequisites, deployment = _prerequisites(inputs, split)
    overlay = overlay_route(inputs, [_rule(inputs, each) for each in rules_to_overlay(inputs)])
    if not split.gives_others:
        overlay = detached_route(overlay)
    return Rendered((*prerequisites, overlay), overlay, injector_unready(inputs, deployment, led=serves_users(inputs)))


def _prerequisites(inputs: ClusterInputs, split: TrafficSplit) -> tuple[tuple[Manifest, ...], Manifest]:
    """All objects but the overlay, and the Deployment among them."""
    upstream = route_upstream(inputs)
    deployment, *beside = injector_weights.processes(inputs, upstream)
    service = injector_service(inputs, upstream)
    # The weights before the Pods, which then have them from their start.
    return (service, injector_weights.weights(inputs, split), deployment, *beside), deployment


def _rule(inputs: ClusterInputs, users: TargetRule) -> dict[str, Any]:
    backend = users.backend_reference(injector_name(inputs.policy), 100)
    return {**users.base(), "backendRefs": [backend]}


def has_split(route: Manifest, _: Delivery, split: TrafficSplit) -> bool:
    """Whether an overlay leads users to one backend, or nobody where all get the baseline."""
    if serves_no_user(route):
        return not split.gives_others
    return split.gives_others and all(len(rule.get("backendRefs", [])) == 1 for rule in rules_in_force(route))


def probe_only(inputs: ClusterInputs, split: TrafficSplit) -> ProbeOnlyRules | None:
    """A rule for each variant that only the operator's probes meet: the gateway shows that it leads to the injector,
    and the injector that it knows the campaign. None where no probe can be sent."""
    users = rules_to_overlay(inputs)[0]

    def rule_for(_: VariantWeight, nonce: str) -> dict[str, Any]:
        return for_nonce(_rule(inputs, users), nonce)

    found = a_rule_for_each(inputs, split, rule_for, _prerequisites(inputs, split)[0])
    return None if found is None else replace(found, asks_engine=bool(split.token))


@dataclass(frozen=True, kw_only=True)
class DrawnMode(RouteMode):
    """An overlay whose split no probe has to show: the injector's processes report by which weights they draw."""

    baseline_only = staticmethod(detached)

    def proof(self, inputs: ClusterInputs, split: TrafficSplit, _: Rendered) -> Reports:
        """The split is proven by what each of the injector's Pods says of itself."""
        return injector_weights.proof(inputs, split)


MODE = DrawnMode(
    refusal=refusal,
    render=render,
    has_split=has_split,
    probe_only=probe_only,
    probes=lambda *_: [],
    summary=summary,
    owned_names=owned_names,
)
