"""Why mode GatewayHeader cannot be used as the policy says: small checks in a row, the first violation wins."""

from __future__ import annotations

from collections.abc import Callable

from earlystop.api.conditions import Refusal
from earlystop.delivery.gateway_header import alias_name, overlay_name, target_backend
from earlystop.delivery.matches import narrowed
from earlystop.delivery.surroundings import Surroundings, controller_of

MAXIMUM_RULES = 15
ARGO_LABEL = "rollouts.argoproj.io/gatewayapi-canary"

# Known by their GatewayClass: they refuse or fail on per-backend header filters while the route looks accepted.
UNFIT_CONTROLLERS = {
    "gateway.nginx.org/nginx-gateway-controller": "NGINX Gateway Fabric answers 500 where a backend has filters",
    "konghq.com/kic-gateway-controller": "Kong refuses filters on a backend",
    "konghq.com/gateway-operator": "Kong refuses filters on a backend",
}


def preflight(around: Surroundings) -> Refusal | None:
    """The first reason not to touch any traffic, or None."""
    for check in CHECKS:
        refusal = check(around)
        if refusal is not None:
            return refusal
    return None


def _target_exists(around: Surroundings) -> Refusal | None:
    if around.deployment is None:
        name = around.spec.target_ref.name
        return Refusal(
            "TargetNotFound",
            f"There is no Deployment {name} in namespace {around.namespace}. Create it or correct spec.targetRef.name.",
        )
    return None


def _route_exists(around: Surroundings) -> Refusal | None:
    if around.route is None:
        name = _route_name(around)
        return Refusal(
            "RouteNotFound",
            f"There is no HTTPRoute {name} in namespace {around.namespace}. Create it or correct "
            "spec.delivery.gatewayHeader.routeRef.name.",
        )
    return None


def _route_is_the_users(around: Surroundings) -> Refusal | None:
    assert around.route is not None  # checked before
    owner = controller_of(around.route)
    if owner is not None:
        return Refusal(
            "RouteManaged",
            f"HTTPRoute {_route_name(around)} is managed by {owner['kind']} {owner['name']}, which moves traffic too. "
            "Name a route that no other controller owns.",
        )
    if ARGO_LABEL in around.route["metadata"].get("labels", {}):
        return Refusal(
            "RouteManaged",
            f"HTTPRoute {_route_name(around)} is in use by an Argo Rollouts canary. Wait until it ends.",
        )
    return None


def _route_reaches_target(around: Surroundings) -> Refusal | None:
    assert around.route is not None  # checked before
    rules = [rule for rule in around.route["spec"].get("rules", []) if target_backend(rule, around) is not None]
    if not rules:
        return Refusal(
            "RouteMissesTarget",
            f"No rule of HTTPRoute {_route_name(around)} leads to a Service that selects the Pods of Deployment "
            f"{around.spec.target_ref.name}. Point a backendRef at such a Service, or correct spec.targetRef.",
        )
    for rule in rules:
        if len(rule["backendRefs"]) > 1:
            return Refusal(
                "RouteSplitsAlready",
                f"A rule of HTTPRoute {_route_name(around)} splits traffic between several backends. Give the target a "
                "rule with one backendRef.",
            )
        if "sessionPersistence" in rule:
            return Refusal(
                "SessionPersistence",
                f"A rule of HTTPRoute {_route_name(around)} has sessionPersistence, which beats weights. Remove it.",
            )
    return None


def _overlay_can_win(around: Surroundings) -> Refusal | None:
    assert around.route is not None  # checked before
    rules = [rule for rule in around.route["spec"]["rules"] if target_backend(rule, around) is not None]
    matched = 0
    for rule in rules:
        matches = narrowed(rule)
        if isinstance(matches, Refusal):
            return matches
        matched += bool(matches)
    if not 1 <= matched <= MAXIMUM_RULES:
        return Refusal(
            "RouteTooSpecific",
            f"{matched} rules of HTTPRoute {_route_name(around)} carry POST requests to the target; between 1 and "
            f"{MAXIMUM_RULES} can be overlaid.",
        )
    return None


def _gateway_is_fit(around: Surroundings) -> Refusal | None:
    for gateway in around.gateways.values():
        gateway_class = around.gateway_classes.get(gateway["spec"]["gatewayClassName"])
        controller = gateway_class["spec"]["controllerName"] if gateway_class else ""
        if controller in UNFIT_CONTROLLERS:
            return Refusal("GatewayUnfit", f"{UNFIT_CONTROLLERS[controller]}. Use another gateway or delivery.mode.")
    return None


def _names_are_free(around: Surroundings) -> Refusal | None:
    assert around.route is not None  # checked before
    wanted = [("HTTPRoute", overlay_name(around.policy))]
    for rule in around.route["spec"]["rules"]:
        backend = target_backend(rule, around)
        if backend is not None:
            wanted.append(("Service", alias_name(backend["name"])))
    for key in wanted:
        existing = around.owned.get(key)
        owner = controller_of(existing) if existing is not None else None
        if existing is not None and (owner is None or owner.get("uid") != around.uid):
            holder = f"belongs to {owner['kind']} {owner['name']}" if owner else "was made by someone else"
            return Refusal(
                "NameTaken",
                f"{key[0]} {key[1]} exists and {holder}. Remove or rename it.",
            )
    return None


def _route_name(around: Surroundings) -> str:
    assert around.spec.delivery.gateway_header is not None  # the CRD demands it for this mode
    return around.spec.delivery.gateway_header.route_ref.name


CHECKS: tuple[Callable[[Surroundings], Refusal | None], ...] = (
    _target_exists,
    _route_exists,
    _route_is_the_users,
    _route_reaches_target,
    _overlay_can_win,
    _gateway_is_fit,
    _names_are_free,
)
