"""Which gateways cannot do what an overlay asks for, as far as it can be known beforehand; a probe decides the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from earlystop.api.conditions import Refusal
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.routes.precedence import Order, by_fewer_points, by_points, with_method_as_header

Listed = TypeVar("Listed")

BACKEND_HEADERS = "HTTPRouteBackendRequestHeaderModification"
METHODS = "HTTPRouteMethodMatching"
"""Both are extended features of Gateway API. Each match of an overlay names the method POST."""
ELSEWHERE = (
    "Use another gateway, or delivery.mode HeaderCohort or Shadow, or RequestBody with split: Injector, which need no "
    "filter on a backend."
)

_CORE = "HTTPRoute"
"""The core feature, with whose name those of all extended ones begin."""

# By controllerName of the GatewayClass, or its beginning before a slash. They refuse, ignore or fail on filters of a
# backend.
CONTROLLERS_WITHOUT_BACKEND_FILTERS = {
    "gateway.nginx.org/nginx-gateway-controller": "NGINX Gateway Fabric answers 500 where a backend has filters",
    "konghq.com": "Kong refuses filters on a backend",
    "gateway.k8s.aws": "The AWS Load Balancer Controller does not support filters on a backend",
    "application-networking.k8s.aws/gateway-api-controller": "Amazon VPC Lattice does not support filters on a backend",
    "haproxy-ingress.github.io/controller": "HAProxy Ingress does not support filters on a backend",
    "alb.networking.azure.io/alb-controller": (
        "Azure Application Gateway for Containers does not support filters on a backend"
    ),
}
# Nothing that an overlay could be made of works there.
CONTROLLERS_WITHOUT_OVERLAYS = {
    "networking.gke.io/gateway": "GKE Gateway cannot match on a request's method, so no overlay would surely win",
}


# Gateway API gives a request to the most specific hostname first. These add a few points for a longer hostname to
# those of the path, so that an Exact path of a wildcard comes before any prefix of a narrower host.
CONTROLLERS_WITH_PATHS_FIRST = {"traefik.io/gateway-controller": "Traefik compares paths before hosts"}


def compares_paths_first(inputs: ClusterInputs) -> bool:
    """Whether one of the route's gateways compares paths before hosts."""
    return any(_listed(CONTROLLERS_WITH_PATHS_FIRST, controller) for controller, _ in _classes(inputs))


# Gateway API asks for a path, then a method, then headers, then parameters. These weigh them otherwise.
CONTROLLERS_WITH_ORDERS: Mapping[str, tuple[Order, ...]] = {
    "traefik.io/gateway-controller": (by_points, by_fewer_points),
    "gateway.envoyproxy.io": (with_method_as_header,),
}


def other_orders(inputs: ClusterInputs) -> tuple[Order, ...]:
    """The orders of matches of those of the route's gateways that differ from Gateway API."""
    found = (_listed(CONTROLLERS_WITH_ORDERS, controller) or () for controller, _ in _classes(inputs))
    return tuple(dict.fromkeys(order for each in found for order in each))


def overlay_refusal(inputs: ClusterInputs) -> Refusal | None:
    """Why no overlay can work on one of the route's gateways."""
    for controller, gateway_class in _classes(inputs):
        why = _listed(CONTROLLERS_WITHOUT_OVERLAYS, controller)
        listed = supported_features(gateway_class) - {_CORE}
        if why is None and METHODS not in listed and any(name.startswith(_CORE) for name in listed):
            name = gateway_class["metadata"]["name"]
            why = f"GatewayClass {name} lists its features, and {METHODS} is not among them"
        if why is not None:
            return Refusal("GatewayUnfit", f"{why}. Use another gateway.")
    return None


def backend_filter_refusal(inputs: ClusterInputs) -> Refusal | None:
    """Why one of the route's gateways cannot set headers by backend. A class that lists no features says nothing."""
    for controller, gateway_class in _classes(inputs):
        why = _listed(CONTROLLERS_WITHOUT_BACKEND_FILTERS, controller)
        if why is not None:
            return Refusal("GatewayUnfit", f"{why}. {ELSEWHERE}")
        features = supported_features(gateway_class)
        if features and BACKEND_HEADERS not in features:
            name = gateway_class["metadata"]["name"]
            return Refusal(
                "GatewayUnfit",
                f"GatewayClass {name} lists its features, and {BACKEND_HEADERS} is not among them. {ELSEWHERE}",
            )
    return None


def _listed(table: Mapping[str, Listed], controller: str) -> Listed | None:
    return next((why for name, why in table.items() if f"{controller}/".startswith(f"{name}/")), None)


def supported_features(gateway_class: Manifest) -> frozenset[str]:
    """The features that a GatewayClass lists: as objects with a name, or as plain strings, as older gateways wrote."""
    listed: list[Any] = gateway_class.get("status", {}).get("supportedFeatures") or []
    return frozenset(str(each.get("name", "")) if isinstance(each, dict) else str(each) for each in listed)


def _classes(inputs: ClusterInputs) -> Iterator[tuple[str, Manifest]]:
    """Controller and class of each of the route's gateways that could be read."""
    for gateway in inputs.gateways.values():
        gateway_class = inputs.gateway_classes.get(gateway["spec"]["gatewayClassName"])
        if gateway_class is not None:
            yield gateway_class["spec"]["controllerName"], gateway_class
