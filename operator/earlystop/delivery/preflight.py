"""Why mode GatewayHeader cannot be used as the policy says: small checks in a row, the first violation wins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from earlystop.api.conditions import Refusal
from earlystop.delivery.gateway_header import alias_name, overlaid, overlay_name
from earlystop.delivery.leftovers import is_leftover
from earlystop.delivery.surroundings import Surroundings, controller_of

MAXIMUM_RULES = 15
MAXIMUM_MATCHES = 64
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


def _route_has_a_gateway(around: Surroundings) -> Refusal | None:
    assert around.route is not None  # checked before
    if not around.route["spec"].get("parentRefs"):
        return Refusal(
            "RouteDetached",
            f"HTTPRoute {_route_name(around)} names no Gateway, so no request comes by it. Write its parentRefs.",
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
    rules = [each.rule for each in overlaid(around)]
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
        if rule["backendRefs"][0].get("filters"):
            return Refusal(
                "BackendFilters",
                f"A rule of HTTPRoute {_route_name(around)} has filters on its backendRef, where the overlay needs its "
                "own. Move them to the filters of the rule.",
            )
        if any(_rewrites_prefix(each) for each in rule.get("filters", [])):
            return Refusal(
                "RouteRewritesPrefix",
                f"A rule of HTTPRoute {_route_name(around)} replaces a path prefix, which Gateway API refuses for the "
                "exact paths of an overlay. Let the server take the path as it is, or use ReplaceFullPath.",
            )
        if "sessionPersistence" in rule:
            return Refusal(
                "SessionPersistence",
                f"A rule of HTTPRoute {_route_name(around)} has sessionPersistence, which beats weights. Remove it.",
            )
    return None


def _overlay_can_win(around: Surroundings) -> Refusal | None:
    sizes = []
    for each in overlaid(around):
        if isinstance(each.matches, Refusal):
            return each.matches
        if each.matches:
            sizes.append(len(each.matches))
    if not 1 <= len(sizes) <= MAXIMUM_RULES:
        return Refusal(
            "RouteTooSpecific",
            f"{len(sizes)} rules of HTTPRoute {_route_name(around)} carry POST requests to the target; between 1 and "
            f"{MAXIMUM_RULES} can be overlaid.",
        )
    # The first rule comes twice, once for probes.
    if max(sizes) > MAXIMUM_MATCHES or sizes[0] + sum(sizes) > 2 * MAXIMUM_MATCHES:
        return Refusal(
            "RouteTooSpecific",
            f"The overlay of HTTPRoute {_route_name(around)} would need {sizes[0] + sum(sizes)} matches, more than "
            f"Gateway API allows ({MAXIMUM_MATCHES} a rule, {2 * MAXIMUM_MATCHES} a route). Write fewer matches in the "
            "rules that lead to the target.",
        )
    return None


def _rewrites_prefix(filter_: dict[str, Any]) -> bool:
    return bool(filter_.get("urlRewrite", {}).get("path", {}).get("type") == "ReplacePrefixMatch")


def _gateway_is_fit(around: Surroundings) -> Refusal | None:
    for gateway in around.gateways.values():
        gateway_class = around.gateway_classes.get(gateway["spec"]["gatewayClassName"])
        controller = gateway_class["spec"]["controllerName"] if gateway_class else ""
        if controller in UNFIT_CONTROLLERS:
            return Refusal("GatewayUnfit", f"{UNFIT_CONTROLLERS[controller]}. Use another gateway or delivery.mode.")
    return None


def _names_are_free(around: Surroundings) -> Refusal | None:
    wanted = [("HTTPRoute", overlay_name(around.policy))]
    wanted += [("Service", alias_name(each.backend["name"])) for each in overlaid(around)]
    for key in wanted:
        existing = around.owned.get(key)
        owner = controller_of(existing) if existing is not None else None
        if existing is not None and is_leftover(existing):
            continue
        if existing is not None and (owner is None or owner.get("uid") != around.uid):
            if owner is not None and owner["kind"] == "EarlyStopPolicy":
                return Refusal(
                    "NameTaken",
                    f"{key[0]} {key[1]} belongs to EarlyStopPolicy {owner['name']}. It goes when that policy is gone; "
                    "this one is then taken up by itself.",
                )
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
    _route_has_a_gateway,
    _route_is_the_users,
    _route_reaches_target,
    _overlay_can_win,
    _gateway_is_fit,
    _names_are_free,
)
