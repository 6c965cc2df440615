"""What an injector sends requests on to: the user's own Service before the engine, and why one is unfit for that."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from earlystop.api.conditions import Refusal
from earlystop.delivery.alias_service import MIRRORED_ANNOTATIONS, is_headless
from earlystop.delivery.injector.inner_route import inner_refusal, inner_way
from earlystop.delivery.injector.objects import Upstream
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.overlay import rules_to_overlay

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


def injector_refusal(inputs: ClusterInputs) -> Refusal | None:
    """Why a policy cannot have an injector of an operator that runs none; None when it runs them."""
    if inputs.injector_image:
        return None
    return Refusal(
        "InjectorDisabled",
        f"This operator runs no injectors, which delivery.mode {inputs.spec.delivery.mode} needs. Ask the cluster's "
        "admin to set injector.enabled in the chart's values, or run one by hand with delivery.mode GatewayHeader.",
    )


def route_upstream(inputs: ClusterInputs) -> Upstream:
    """The Service and port to which the user's route leads, or its InferencePool. The inputs must have passed
    `route_upstream_refusal`."""
    first = rules_to_overlay(inputs)[0]
    return Upstream(first.backend["name"], first.backend["port"], inner_way(inputs) if first.is_pool else None)


def route_upstream_refusal(inputs: ClusterInputs) -> Refusal | None:
    """Why an injector cannot send on to where the user's route leads; None when it can."""
    users = rules_to_overlay(inputs)
    upstreams = {(each.is_pool, each.backend["name"], each.backend.get("port")) for each in users}
    is_pool, name, port = next(iter(upstreams))
    if len(upstreams) > 1:
        named = ", ".join(f"{service}:{number}" for _, service, number in sorted(upstreams, key=str))
        return _unfit(f"HTTPRoute {inputs.route_name} leads to the target by {named}", "Write one Service and port")
    if is_pool:
        return inner_refusal(inputs)
    if port is None:
        return _unfit(f"HTTPRoute {inputs.route_name} names no port of Service {name}", "Write the backendRef's port")
    return service_refusal(inputs.services[name], port)


def service_refusal(service: Manifest, port: int) -> Refusal | None:
    """Why an injector cannot send on to this port of a Service; None when it can."""
    name = service["metadata"]["name"]
    if is_headless(service):
        return _unfit(f"Service {name} is headless", "Name a Service with an address of its own")
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
                    "or name a Service of the same Pods without it.",
                )
    return None


def _unfit(what: str, advice: str) -> Refusal:
    return Refusal("UpstreamUnfit", f"{what}, and an injector sends all requests to one plain address. {advice}.")
