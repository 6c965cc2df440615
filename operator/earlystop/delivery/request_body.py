"""Mode RequestBody: the overlay of GatewayHeader, whose variants all go through an injector before the engine.

The injector reads the headers that the overlay sets, writes them into the JSON body and counts; the engine stays as it
is. The baseline's requests go through it too, since they are counted there. It sends on to the user's own Service, so
without the overlay all is as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from earlystop.api.conditions import Refusal
from earlystop.api.counts import Variant
from earlystop.delivery.by_backend import ByBackend, has_split, probes, summary
from earlystop.delivery.injector.inner_route import detached_inner_route, inner_route
from earlystop.delivery.injector.objects import (
    disruption_budget,
    injected_alias,
    injector_deployment,
    network_policy,
)
from earlystop.delivery.injector.through_injector import Prerequisites, ThroughInjector
from earlystop.delivery.injector.upstream import injector_refusal, route_upstream, route_upstream_refusal
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.names import injected_alias_name, injector_name, inner_route_name, overlay_name
from earlystop.delivery.overlay import can_lead_to_pools
from earlystop.delivery.probes.variant_probes import through_golden_rules
from earlystop.delivery.route_mode import RouteMode, backend_pools, backend_services, detached
from earlystop.delivery.split import TrafficSplit

_BACKENDS = ByBackend(injected_alias_name, injected_alias, baseline_aliased=True)


def owned_names(inputs: ClusterInputs, candidates: Sequence[str]) -> list[tuple[str, str]]:
    """Kind and name of every object that the mode may own. candidates: labels of the candidates."""
    variants = (Variant.BASELINE.value, *candidates)
    services = [*backend_services(inputs), *backend_pools(inputs)]
    aliases = [("Service", injected_alias_name(service, each)) for service in services for each in variants]
    own = [(kind, injector_name(inputs.policy)) for kind in ("Deployment", "PodDisruptionBudget", "NetworkPolicy")]
    # Also where the route leads to no pool any more.
    inner = [inner_route_name(inputs.policy)] if can_lead_to_pools(inputs) else []
    return [*aliases, *own, *(("HTTPRoute", each) for each in (*inner, overlay_name(inputs.policy)))]


def refusal(inputs: ClusterInputs, split: TrafficSplit) -> Refusal | None:
    """Why no injector can stand before the user's Service, or no overlay lead to it; None when both can."""
    return injector_refusal(inputs) or route_upstream_refusal(inputs) or _BACKENDS.refusal(inputs, split)


def _prerequisites(inputs: ClusterInputs, split: TrafficSplit) -> Prerequisites:
    """What leads to an InferencePool, where there is one, then the alias Services and the injector."""
    upstream = route_upstream(inputs)
    deployment = injector_deployment(inputs, upstream)
    inner = [inner_route(inputs)] if upstream.inner is not None else detached_inner_route(inputs)
    beside = (disruption_budget(inputs), network_policy(inputs))
    return (*inner, *_BACKENDS.aliases(inputs, split), deployment, *beside), deployment


_THROUGH = ThroughInjector(_BACKENDS, _prerequisites)


def _detached(inputs: ClusterInputs) -> list[Manifest]:
    return [*detached(inputs), *detached_inner_route(inputs)]


@dataclass(frozen=True, kw_only=True)
class InjectedMode(RouteMode):
    """An overlay that may need a second route, which leaves the Gateway with it."""

    detached = staticmethod(_detached)


MODE = InjectedMode(
    refusal=refusal,
    render=_THROUGH.render,
    has_split=has_split,
    probe_only=_THROUGH.probe_only,
    probes=probes,
    by_variant=through_golden_rules,
    summary=summary,
    owned_names=owned_names,
)
