"""Mode GatewayBody: the overlay leads each variant's share to an object of the gateway's own, which writes the
variant's values into bodies.

Behind all of them stands an injector. It answers probes, counts by the headers that the overlay sets, and finds out
whether each body has what its variant should have; what the gateway left out it writes, and tells. So nothing is taken
on trust from the gateway: the operator's own request for each variant goes the whole way before any user's does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from earlystop.api.conditions import Refusal
from earlystop.api.counts import Variant
from earlystop.delivery.agentgateway import (
    DEFINITION,
    KIND,
    backend,
    gateway_unfit,
    path_unfit,
    reference,
)
from earlystop.delivery.by_backend import ByBackend, has_split, probes, summary
from earlystop.delivery.injector.objects import (
    disruption_budget,
    injector_deployment,
    injector_service,
    network_policy,
)
from earlystop.delivery.injector.through_injector import Prerequisites, ThroughInjector
from earlystop.delivery.injector.upstream import injector_refusal, route_upstream, route_upstream_refusal
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.names import injector_name, overlay_name, written_backend_name
from earlystop.delivery.object_key import ObjectKey
from earlystop.delivery.probes.variant_probes import through_golden_rules
from earlystop.delivery.route_mode import RouteMode, backend_services, objects_needed
from earlystop.delivery.routes.attached_policies import policies_cover_aliases
from earlystop.delivery.routes.gateways import backend_filter_refusal
from earlystop.delivery.split import TrafficSplit

_BACKENDS = ByBackend(written_backend_name, backend, baseline_aliased=True, reference=reference)
_INJECTORS = ("Service", "Deployment", "PodDisruptionBudget", "NetworkPolicy")


def needs(inputs: ClusterInputs) -> Iterable[ObjectKey]:
    """What any overlay needs, and whether the cluster knows the gateway's kind."""
    yield from objects_needed(inputs)
    if inputs.writes_gateway_objects:
        yield DEFINITION


def owned_names(inputs: ClusterInputs, candidates: Sequence[str]) -> list[tuple[str, str]]:
    """Kind and name of every object that the mode may own. candidates: labels of the candidates."""
    variants = (Variant.BASELINE.value, *candidates) if inputs.writes_gateway_objects else ()
    services = backend_services(inputs)
    written = [(KIND, written_backend_name(service, each)) for service in services for each in variants]
    own = [(kind, injector_name(inputs.policy)) for kind in _INJECTORS]
    return [*own, *written, ("HTTPRoute", overlay_name(inputs.policy))]


def refusal(inputs: ClusterInputs, split: TrafficSplit) -> Refusal | None:
    """Why no object of the gateway's can write, or no injector count behind it; None when they can."""
    del split
    refused = injector_refusal(inputs) or gateway_unfit(inputs) or route_upstream_refusal(inputs)
    if refused is not None:
        return refused
    service = route_upstream(inputs).service
    return (
        path_unfit(inputs)
        or backend_filter_refusal(inputs)
        or policies_cover_aliases(inputs, [(service, injector_name(inputs.policy))])
    )


def _prerequisites(inputs: ClusterInputs, split: TrafficSplit) -> Prerequisites:
    """The injector and the gateway's objects."""
    upstream = route_upstream(inputs)
    deployment = injector_deployment(inputs, upstream)
    beside = (disruption_budget(inputs), network_policy(inputs))
    made = (injector_service(inputs, upstream), deployment, *beside, *_BACKENDS.aliases(inputs, split))
    return made, deployment


_THROUGH = ThroughInjector(_BACKENDS, _prerequisites)
MODE = RouteMode(
    needs=needs,
    refusal=refusal,
    render=_THROUGH.render,
    has_split=has_split,
    probe_only=_THROUGH.probe_only,
    probes=probes,
    by_variant=through_golden_rules,
    summary=summary,
    owned_names=owned_names,
)
