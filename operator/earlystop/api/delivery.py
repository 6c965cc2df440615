"""The part of a policy that says how a setting reaches requests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.values import ObjectName, Value, rules

HeaderPrefix = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[a-z][-a-z0-9]*-$")]


class RouteReference(Value):
    """An HTTPRoute in the policy's namespace. It is read, never changed."""

    name: ObjectName = Field(description="Name of the HTTPRoute that leads to the target.")


class GatewayHeader(Value):
    """Per-request headers that a Gateway API data plane sets on each variant's share."""

    route_ref: RouteReference = Field(description="The HTTPRoute that leads to the target.")
    header_prefix: HeaderPrefix = Field(
        "x-early-stop-", description="Beginning of every header that carries a setting, with its final hyphen."
    )


class Delivery(Value):
    """How a variant's setting reaches the requests."""

    model_config = rules(
        {
            "rule": "self.mode != 'GatewayHeader' || has(self.gatewayHeader)",
            "message": "delivery.mode GatewayHeader needs delivery.gatewayHeader with a routeRef",
        },
        {
            "rule": "self.mode == 'GatewayHeader' || !has(self.gatewayHeader)",
            "message": "delivery.gatewayHeader belongs to delivery.mode GatewayHeader; remove it or change the mode",
        },
    )

    mode: Literal["Shadow", "GatewayHeader", "HeaderCohort", "Workload", "ConfigMap"] = Field(
        description="GatewayHeader: an overlay HTTPRoute sets headers on each variant's share of requests."
    )
    gateway_header: GatewayHeader | None = Field(None, description="Settings of mode GatewayHeader.")
