"""A policy's route with routes of others beside it, as the operator would find them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from earlystop.delivery.inputs import ClusterInputs, Manifest, Neighbours
from earlystop.delivery.routes.neighbours import Neighbourhood, neighbour_route
from tests.unit.delivery.cluster import gateway, header, inputs, prefix, route, rule

CHAT, TEXT = "/v1/chat/completions", "/v1/completions"
OLDER, CREATED, LATER = (f"2024-0{month}-01T00:00:00Z" for month in (1, 2, 3))
Gateways = dict[tuple[str, str], Manifest]
ALL = {"namespaces": {"from": "All"}}
WEB = {"name": "web", "protocol": "HTTP", "port": 8000, "allowedRoutes": ALL}
ADMITTED = {("llm", "edge"): gateway(WEB)}
HEADER = prefix("/v1", headers=[header("x-model", "other")])


def other(*matches: dict[str, Any], created: str = OLDER, namespace: str = "web", **spec: Any) -> Manifest:
    """A route of another team for the same Gateway."""
    made = route(rule(*matches, to="theirs"), **spec)
    made["spec"]["parentRefs"] = spec.get("parentRefs", [{"name": "edge", "namespace": "llm"}])
    made["metadata"] = {"name": "theirs", "namespace": namespace, "creationTimestamp": created, "generation": 1}
    return made


def beside(*others: Manifest, here: ClusterInputs | None = None, kind: str = "HTTPRoute") -> ClusterInputs:
    """A policy on route `qa`, with these routes beside it as the operator would find them."""
    here = here or users(rule(prefix("/v1")))
    assert here.route is not None
    outlines = [neighbour_route(each, kind, here.gateways) for each in others]
    own = neighbour_route(here.route, "HTTPRoute", here.gateways)
    return replace(here, neighbours=Neighbours(routes=Neighbourhood([*outlines, own]).beside(own)))


def users(
    *rules: dict[str, Any], gateways: dict[tuple[str, str], Manifest] | None = None, **more: Any
) -> ClusterInputs:
    made = route(*rules, **more)
    made["metadata"]["creationTimestamp"] = CREATED
    return inputs(route=made, gateways=gateways or ADMITTED)
