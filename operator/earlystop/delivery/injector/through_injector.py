"""What the modes share whose overlay leads all variants, by backend, through an injector that the operator runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from earlystop.delivery.by_backend import ByBackend
from earlystop.delivery.injector.readiness import injector_unready
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.proof import ProbeOnlyRules
from earlystop.delivery.rendered import Rendered
from earlystop.delivery.route_mode import serves_users
from earlystop.delivery.split import TrafficSplit

Prerequisites = tuple[tuple[Manifest, ...], Manifest]
"""All objects but the overlay, in the order of writing, and the injector's Deployment among them."""


@dataclass(frozen=True, slots=True)
class ThroughInjector:
    """Renders such a mode. backends: how its overlay leads to the variants. prerequisites: what stands before it.
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
