"""The objects of agentgateway that write a variant's values into bodies, and why one could not be made.

Each variant has an AgentgatewayBackend of its own: a provider of text whose address is the Service of the injector that
counts, and what to compute for fields of each body.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from earlystop.api.body_knobs import Api, api_of
from earlystop.api.body_settings import body_settings, written_settings
from earlystop.api.conditions import Refusal
from earlystop.delivery.body_expressions import expressions
from earlystop.delivery.injector.objects import owned_with_service, settings_of
from earlystop.delivery.inputs import (
    ClusterInputs,
    Manifest,
)
from earlystop.delivery.names import injector_name, written_backend_name
from earlystop.delivery.object_key import ObjectKey
from earlystop.delivery.overlay import TargetRule, rules_to_overlay
from earlystop.delivery.split import VariantWeight

GROUP, KIND = "agentgateway.dev", "AgentgatewayBackend"
VERSION = "v1alpha1"
DEFINITION = ObjectKey("CustomResourceDefinition", None, f"agentgatewaybackends.{GROUP}")
CONTROLLERS = (GROUP, "kgateway.dev/agentgateway")
"""Beginnings, before a slash, of the controllerName of GatewayClasses that take such objects."""
FORMATS: Mapping[Api, str] = {
    Api.CHAT_COMPLETIONS: "Completions",
    Api.RESPONSES: "Responses",
    Api.MESSAGES: "Messages",
}


def reference(users: TargetRule, name: str, weight: int) -> dict[str, Any]:
    """A backend of a rule that leads to such an object, which has a port of its own."""
    del users
    return {"group": GROUP, "kind": KIND, "name": name, "weight": weight}


def backend(inputs: ClusterInputs, users: TargetRule, variant: VariantWeight) -> Manifest:
    """The object of a variant, for a rule of the user's."""
    path = written_path(inputs)
    api, service_name = api_of(path), users.backend["name"]
    assert api is not None  # `api.gateway_fields` refuses other paths
    settings = body_settings(written_settings(inputs.spec.parameters, settings_of(inputs).engine))
    computed = expressions(settings, variant.settings, api)
    service = {"group": "", "kind": "Service", "name": injector_name(inputs.policy), "port": users.backend["port"]}
    provider = {"backendRef": service, "formats": [{"type": FORMATS[api], "path": path}]}
    writes = {"transformations": computed} if computed else {}
    name = written_backend_name(service_name, variant.variant)
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": KIND,
        "metadata": owned_with_service(inputs, name, service_name),
        "spec": {
            "ai": {"provider": {"custom": provider}},
            # Without it the gateway takes requests of every path for chat completions.
            "policies": {"ai": {"routes": {path: FORMATS[api]}, **writes}},
        },
    }


def written_path(inputs: ClusterInputs) -> str:
    """The one path of the requests that a setting is for, as the server knows it."""
    return inputs.spec.delivery.request_paths[0]


def path_unfit(inputs: ClusterInputs) -> Refusal | None:
    """Why the gateway would ask the server for another path than by the user's own route, or None."""
    path = written_path(inputs)
    for rule in rules_to_overlay(inputs):
        if any(each.get("urlRewrite", {}).get("path") for each in rule.rule.get("filters", [])):
            return _path_changes("rewrites paths", path)
        if set(_paths(rule)) != {path}:
            return _path_changes(f"leads requests for {', '.join(sorted(set(_paths(rule))))} to the target", path)
    return None


def _paths(rule: TargetRule) -> Iterator[str]:
    matches = rule.matches if isinstance(rule.matches, list) else []
    return (each.get("path", {}).get("value", "/") for each in matches)


def _path_changes(what: str, path: str) -> Refusal:
    return Refusal(
        "GatewayCannotWrite",
        f"A rule of the route {what}, and an {KIND} asks the server for {path} alone. Let the rule take that path as "
        "it is, write another one in delivery.paths, or write delivery.mode RequestBody.",
    )
