"""Mode RequestBody: the overlay of GatewayHeader, whose variants all go through an injector before the engine.

The injector reads the headers that the overlay sets, writes them into the JSON body and counts; the engine stays as it
is. The baseline's requests go through it too, since they are counted there. It sends on to the user's own Service, so
without the overlay all is as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from earlystop.api.body_settings import body_refusal
from earlystop.api.conditions import Refusal
from earlystop.api.counts import Variant
from earlystop.api.delivery import RequestBody
from earlystop.delivery.alias_service import MIRRORED_ANNOTATIONS, is_headless
from earlystop.delivery.by_backend import ByBackend, has_split, probes, summary
from earlystop.delivery.injector_objects import (
    disruption_budget,
    injected_alias,
    injector_deployment,
    network_policy,
)
from earlystop.delivery.injector_readiness import injector_shortage
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.names import injected_alias_name, injector_name, overlay_name
from earlystop.delivery.overlay import TargetRule, rules_to_overlay
from earlystop.delivery.proof import ProbeOnlyRules
from earlystop.delivery.rendered import Rendered
from earlystop.delivery.route_mode import RouteMode, backend_services
from earlystop.delivery.split import TrafficSplit
from earlystop.delivery.variant_probes import through_golden_rules

_BACKENDS = ByBackend(injected_alias_name, injected_alias, baseline_aliased=True)
# Of what an alias mirrors (`alias_service.MIRRORED_FIELDS`): what lets a Service choose among its Pods by the address,
# node or zone of the caller, with the values that do not.
BY_CALLER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"sessionAffinity": ("None",), "internalTrafficPolicy": ("Cluster",), "trafficDistribution": ()}
)
ANNOTATIONS_BY_CALLER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    dict.fromkeys(MIRRORED_ANNOTATIONS, ("Disabled", "disabled"))
)
# Of a port that a gateway and an injector speak plain HTTP/1.1 to.
_PLAIN = (None, "", "http")


def owned_names(inputs: ClusterInputs, candidates: Sequence[str]) -> list[tuple[str, str]]:
    """Kind and name of every object that the mode may own. candidates: labels of the candidates."""
    variants = (Variant.BASELINE.value, *candidates)
    services = backend_services(inputs)
    aliases = [("Service", injected_alias_name(service, each)) for service in services for each in variants]
    own = [(kind, injector_name(inputs.policy)) for kind in ("Deployment", "PodDisruptionBudget", "NetworkPolicy")]
    return [*aliases, *own, ("HTTPRoute", overlay_name(inputs.policy))]


def refusal(inputs: ClusterInputs, split: TrafficSplit) -> Refusal | None:
    """Why no injector can stand before the user's Service, or no overlay lead to it; None when both can."""
    if not inputs.injector_image:
        return Refusal(
            "InjectorDisabled",
            "This operator runs no injectors, which delivery.mode RequestBody needs. Ask the cluster's admin to set "
            "injector.enabled in the chart's values, or run one by hand with delivery.mode GatewayHeader.",
        )
    unwritten = body_refusal(inputs.spec.parameters, _settings(inputs).engine)
    return unwritten or _upstream_refusal(inputs) or _BACKENDS.refusal(inputs, split)


def _upstream_refusal(inputs: ClusterInputs) -> Refusal | None:
    users = rules_to_overlay(inputs)
    upstreams = {(each.backend["name"], each.backend.get("port")) for each in users}
    name, port = next(iter(upstreams))
    if len(upstreams) > 1:
        named = ", ".join(f"{service}:{number}" for service, number in sorted(upstreams, key=str))
        return _unfit(f"HTTPRoute {inputs.route_name} leads to the target by {named}", "Write one Service and port")
    if port is None:
        return _unfit(f"HTTPRoute {inputs.route_name} names no port of Service {name}", "Write the backendRef's port")
    service = inputs.services[name]
    if is_headless(service):
        return _unfit(f"Service {name} is headless", "Let the route lead to a Service with an address of its own")
    ports = (service.get("spec") or {}).get("ports") or []
    protocol = next((each.get("appProtocol") for each in ports if each.get("port") == port), None)
    if protocol not in _PLAIN:
        return _unfit(f"Port {port} of Service {name} speaks {protocol}", "Offer a port with plain HTTP/1.1")
    return _balancing_refusal(name, service)


def _balancing_refusal(name: str, service: Manifest) -> Refusal | None:
    """Why a Service would send all users to few engines once the injector's Pods are its only callers."""
    spec, annotations = service.get("spec") or {}, service["metadata"].get("annotations") or {}
    for source, fields in ((spec, BY_CALLER), (annotations, ANNOTATIONS_BY_CALLER)):
        for field, harmless in fields.items():
            value = source.get(field)
            if value and value not in harmless:
                return Refusal(
                    "UpstreamUnfit",
                    f"Service {name} has {field} {value}, which chooses among engines by who calls, and behind an "
                    "injector the only callers are its few Pods, so few engines would get all requests. Take it off, "
                    "or let the route lead to a Service of the same Pods without it.",
                )
    return None


def _unfit(what: str, advice: str) -> Refusal:
    return Refusal("UpstreamUnfit", f"{what}, and an injector sends all requests to one plain address. {advice}.")


def render(inputs: ClusterInputs, split: TrafficSplit) -> Rendered:
    """The alias Services and the injector first, then the overlay route."""
    prerequisites, deployment = _prerequisites(inputs, split)
    overlay = _BACKENDS.overlay(inputs, split)
    return Rendered((*prerequisites, overlay), overlay, injector_shortage(inputs, deployment))


def _prerequisites(inputs: ClusterInputs, split: TrafficSplit) -> tuple[tuple[Manifest, ...], Manifest]:
    """All objects but the overlay, and the Deployment among them."""
    users: TargetRule = rules_to_overlay(inputs)[0]
    deployment = injector_deployment(inputs, users)
    beside = (disruption_budget(inputs), network_policy(inputs, _settings(inputs).injector))
    return (*_BACKENDS.aliases(inputs, split), deployment, *beside), deployment


def _settings(inputs: ClusterInputs) -> RequestBody:
    assert inputs.spec.delivery.request_body is not None  # the CRD demands it for this mode
    return inputs.spec.delivery.request_body


def probe_only(inputs: ClusterInputs, split: TrafficSplit) -> ProbeOnlyRules | None:
    """As in GatewayHeader, to the injector, which passes signed questions on to the engine."""
    found = _BACKENDS.probe_only(inputs, split, _prerequisites(inputs, split)[0])
    return None if found is None else replace(found, asks_engine=bool(split.token))


MODE = RouteMode(
    refusal=refusal,
    render=render,
    has_split=has_split,
    probe_only=probe_only,
    probes=probes,
    by_variant=through_golden_rules,
    summary=summary,
    owned_names=owned_names,
)
