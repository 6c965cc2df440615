"""What the modes share whose overlay leads all variants through an injector that the operator runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from earlystop.delivery.by_backend import ByBackend
from earlystop.delivery.injector.inner_route import detached_inner_route, inner_route
from earlystop.delivery.injector.objects import disruption_budget, injector_deployment, network_policy
from earlystop.delivery.injector.readiness import injector_unready
from earlystop.delivery.injector.upstream import route_upstream
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.names import injector_name, inner_route_name
from earlystop.delivery.overlay import can_lead_to_pools
from earlystop.delivery.proof import ProbeOnlyRules
from earlystop.delivery.rendered import Rendered
from earlystop.delivery.route_mode import RouteMode, detached, serves_users
from earlystop.delivery.split import TrafficSplit

Prerequisites = tuple[tuple[Manifest, ...], Manifest]
"""All objects but the overlay, in the order of writing, and the injector's Deployment among them."""


def before_the_engine(inputs: ClusterInputs, services: tuple[Manifest, ...]) -> Prerequisites:
    """What leads to an InferencePool, where there is one, then the Services before the injector, and the injector."""
    upstream = route_upstream(inputs)
    deployment = injector_deployment(inputs, upstream)
    inner = [inner_route(inputs)] if upstream.inner is not None else detached_inner_route(inputs)
    return (*inner, *services, deployment, disruption_budget(inputs), network_policy(inputs)), deployment


def owned_before_the_engine(inputs: ClusterInputs) -> list[tuple[str, str]]:
    """Kind and name of what `before_the_engine` may make beside the Services."""
    own = [(kind, injector_name(inputs.policy)) for kind in ("Deployment", "PodDisruptionBudget", "NetworkPolicy")]
    # Also where the route leads to no pool any more.
    return [*own, *([("HTTPRoute", inner_route_name(inputs.policy))] if can_lead_to_pools(inputs) else [])]


def _detached(inputs: ClusterInputs) -> list[Manifest]:
    return [*detached(inputs), *detached_inner_route(inputs)]


@dataclass(frozen=True, kw_only=True)
class InjectedMode(RouteMode):
    """An overlay that may need a second route, which leaves the Gateway with it."""

    detached = staticmethod(_detached)


@dataclass(frozen=True, slots=True)
class ThroughInjector:
    """Renders such a mode whose overlay leads by backend. backends: how it does. prerequisites: what stands before it.
    settle_seconds: as `Rendered` has them."""

    backends: ByBackend
    prerequisites: Callable[[ClusterInputs, TrafficSplit], Prerequisites]
    settle_seconds: float = 0.0

    def render(self, inputs: ClusterInputs, split: TrafficSplit) -> Rendered:
        """What the overlay leads to first, the injector among it, then the overlay route."""
        before, deployment = self.prerequisites(inputs, split)
        overlay = self.backends.overlay(inputs, split)
        unready = injector_unready(inputs, deployment, led=serves_users(inputs))
        return Rendered((*before, overlay), overlay, unready, settle_seconds=self.settle_seconds)

    def probe_only(self, inputs: ClusterInputs, split: TrafficSplit) -> ProbeOnlyRules | None:
        """What `GatewayHeader` asks for, led to the injector, which passes signed questions on to the engine."""
        found = self.backends.probe_only(inputs, split, self.prerequisites(inputs, split)[0])
        return None if found is None else replace(found, asks_engine=bool(split.token))
