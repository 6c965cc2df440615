"""The way from an injector to an InferencePool: back to the route's own gateway, by a rule that leads to the pool.

A pool has no address; only a gateway asks its endpoint picker which Pod gets a request. So the injector sends each
request to the gateway with a mark, and an HTTPRoute of the operator's own leads requests with the mark to the pool. It
asks for all that the overlay asks for and the mark as well, so it comes before the overlay, which would lead the
request back to the injector. It marks answers too, by which an injector finds out that it is served before it says that
it is ready. Filters of the user's rule were applied on the first way, and are none of its own.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from earlystop.api.conditions import Refusal
from earlystop.api.wire import ENGINE_PAGES, INNER_HEADER
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.names import inner_route_name
from earlystop.delivery.overlay import TargetRule, detached_route, overlay_route, rules_to_overlay
from earlystop.delivery.ownership import is_controlled_by
from earlystop.delivery.probes.target import plain_listeners


class InnerWay(NamedTuple):
    """How an injector reaches the inner rule. address: with its port. host: a name that the route is served for, ""
    where any will do. mark: value of INNER_HEADER."""

    address: str
    host: str
    mark: str


def leads_to_pool(inputs: ClusterInputs) -> bool:
    """Whether the user's route leads to the target by an InferencePool. It may not have passed any check."""
    if inputs.route is None or not inputs.pools:
        return False
    return any(each.is_pool for each in rules_to_overlay(inputs))


def inner_way(inputs: ClusterInputs) -> InnerWay | None:
    """How an injector reaches the inner rule, None where no gateway of the route's can be asked in plain HTTP."""
    assert inputs.route is not None  # checked before
    found = next(plain_listeners(inputs, inputs.route), None)
    return None if found is None else InnerWay(found.authority, found.host, mark_of(inputs.uid))


def mark_of(uid: str) -> str:
    """The mark of a policy's requests: nobody who cannot read the policy, or what is made for it, knows it."""
    return hashlib.sha256(f"inner {uid}".encode()).hexdigest()[:32]


def inner_refusal(inputs: ClusterInputs) -> Refusal | None:
    """Why no injector can send on to the InferencePool of the user's route; None when it can."""
    for each in rules_to_overlay(inputs):
        if any("path" in filter_.get("urlRewrite", {}) for filter_ in each.rule.get("filters", [])):
            return Refusal(
                "UpstreamUnfit",
                f"A rule of HTTPRoute {inputs.route_name} rewrites paths, and an injector would send on what it "
                "rewrote to a gateway that knows the original path. Let the InferencePool's servers take the path as "
                "it is.",
            )
    if inner_way(inputs) is None:
        return Refusal(
            "UpstreamUnfit",
            f"HTTPRoute {inputs.route_name} leads to an InferencePool, to which only a gateway can lead, and no http "
            "listener of its Gateways with an address leads to the route's hosts. Attach the route to an http listener "
            "too, which may be one that is reached from within the cluster alone.",
        )
    return None


def inner_route(inputs: ClusterInputs) -> Manifest:
    """The HTTPRoute with the inner rules. The inputs must have passed `inner_refusal`."""
    users = rules_to_overlay(inputs)
    route = overlay_route(inputs, [*(_rule(inputs, each) for each in users), _pages(inputs, users[0])])
    return {**route, "metadata": {**route["metadata"], "name": inner_route_name(inputs.policy)}}


def detached_inner_route(inputs: ClusterInputs) -> list[Manifest]:
    """The inner route that is found, attached to no Gateway: requests with the mark then go by the user's own route,
    and it stands in no other policy's way."""
    found = inputs.own("HTTPRoute", inner_route_name(inputs.policy))
    if found is None or not is_controlled_by(found, inputs.uid):
        return []
    return [detached_route({"kind": "HTTPRoute", **found})]


def _rule(inputs: ClusterInputs, users: TargetRule) -> dict[str, Any]:
    assert isinstance(users.matches, list)  # as `rules_to_overlay` gives them
    matches = [{**each, "headers": [*each.get("headers", []), _condition(inputs)]} for each in users.matches]
    return _to_pool(inputs, users, matches)


def _pages(inputs: ClusterInputs, users: TargetRule) -> dict[str, Any]:
    """The rule for what an injector asks of the engine by itself."""
    matches = [
        {"path": {"type": "Exact", "value": path}, "method": "GET", "headers": [_condition(inputs)]}
        for path in ENGINE_PAGES
    ]
    return _to_pool(inputs, users, matches)


def _to_pool(inputs: ClusterInputs, users: TargetRule, matches: list[dict[str, Any]]) -> dict[str, Any]:
    marked = {"name": INNER_HEADER, "value": mark_of(inputs.uid)}
    timeouts = {"timeouts": users.rule["timeouts"]} if "timeouts" in users.rule else {}
    return {
        "matches": matches,
        "filters": [{"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": [marked]}}],
        **timeouts,
        "backendRefs": [users.users_reference()],
    }


def _condition(inputs: ClusterInputs) -> dict[str, str]:
    return {"type": "Exact", "name": INNER_HEADER, "value": mark_of(inputs.uid)}
