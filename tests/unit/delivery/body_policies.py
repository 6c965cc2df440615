"""Policies whose settings a gateway writes into bodies, an agentgateway or an Envoy AI Gateway."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from earlystop.api.policy import PolicySpec
from earlystop.delivery.envoy_ai_gateway import DEFINITIONS
from earlystop.delivery.inputs import ClusterInputs
from earlystop.rollout.unsupported import refusal_of_spec
from tests.unit.delivery.cluster import BY_AGENTGATEWAY, BY_ENVOY, inputs, spec_in
from tests.unit.rollout.policies import policy

ENVOY_CLASS = {"traefik": {"spec": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"}}}
NAMES = ("qa-es-baseline-body", "qa-es-candidate-body")
CHAT = "/v1/chat/completions"
CAP: dict[str, Any] = {
    "name": "cap",
    "type": "Integer",
    "minimum": "16",
    "maximum": "4096",
    "stopsSooner": "WhenLower",
    "body": {"knob": "AnswerCap"},
}


def refusal_with(body: dict[str, Any], delivery: dict[str, Any] | None = None, **settings: Any) -> str:
    """Why a policy with such a parameter is refused, "" where it is not."""
    own = {"routeRef": {"name": "qa"}, **BY_AGENTGATEWAY, **settings}
    written = {"gatewayHeader": None, "mode": "GatewayBody", "gatewayBody": own, **(delivery or {})}
    tried = [{"name": "w10", "values": [{"name": "cap", "value": "128"}]}]
    changes = {"parameters": [{**CAP, **body}], "baseline": {"values": []}, "candidates": tried, "delivery": written}
    found = refusal_of_spec(policy({**changes, "objective": {"exactMatch": {"evidence": "Pairs"}}}))
    return "" if found is None else f"{found.reason}: {found.message}"


def envoy_spec() -> PolicySpec:
    """A policy in mode GatewayBody behind an Envoy AI Gateway, whose parameters overwrite what clients wrote."""
    wire = spec_in("GatewayBody").wire()
    told = [{**each, "body": {**each["body"], "apply": "Always"}} for each in wire["parameters"]]
    own = {**wire["delivery"]["gatewayBody"], **BY_ENVOY}
    delivery = {**wire["delivery"], "gatewayHeader": None, "gatewayBody": own}
    return policy({"parameters": told, "delivery": delivery, "candidates": wire["candidates"]})


def behind_envoy(*rules: dict[str, Any], **more: Any) -> ClusterInputs:
    """What is observed of the cluster of such a policy, with the definitions that an Envoy AI Gateway brings."""
    found = inputs(*rules, **{"spec": envoy_spec(), "gateway_classes": ENVOY_CLASS, **more})
    known = {key: {"metadata": {"name": key.name}} for key in DEFINITIONS}
    return replace(found, objects={**found.objects, **known})
