"""The objects of an Envoy AI Gateway that write a variant's values into bodies, and why one could not be made.

An AIGatewayRoute of its own beside the user's route would take all paths of the same hosts, so it stands behind the
overlay instead, at a host that nobody else asks for. The overlay leads each variant's share back to the gateway, with
that host and a mark; there the variant's AIGatewayRoute writes the body and leads on to the injector. Weights and users
are thus moved by the overlay alone: what the gateway's own processes learn from a Secret, later than Envoy learns of
routes, is the same from the first request to the last.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from earlystop.api.body_knobs import BodySetting, ValueType, api_of
from earlystop.api.body_settings import body_settings, written_settings
from earlystop.api.conditions import Refusal
from earlystop.api.wire import INNER_HEADER, VARIANT
from earlystop.delivery.headers import variant_headers
from earlystop.delivery.injector.inner_route import mark_of
from earlystop.delivery.injector.objects import owned_with_service, settings_of
from earlystop.delivery.injector.upstream import route_upstream
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.names import injector_name, written_backend_name
from earlystop.delivery.object_key import ObjectKey
from earlystop.delivery.overlay import TargetRule, rules_to_overlay
from earlystop.delivery.probes.target import PlainListener, plain_listeners
from earlystop.delivery.split import TrafficSplit, VariantWeight

GROUP, ENVOY_GROUP = "aigateway.envoyproxy.io", "gateway.envoyproxy.io"
ROUTE, AI_BACKEND, BACKEND = "AIGatewayRoute", "AIServiceBackend", "Backend"
AI_VERSION, ENVOY_VERSION = "v1beta1", "v1alpha1"
DEFINITIONS: Mapping[ObjectKey, str] = MappingProxyType(
    {
        ObjectKey("CustomResourceDefinition", None, f"aigatewayroutes.{GROUP}"): AI_VERSION,
        ObjectKey("CustomResourceDefinition", None, f"aiservicebackends.{GROUP}"): AI_VERSION,
        ObjectKey("CustomResourceDefinition", None, f"backends.{ENVOY_GROUP}"): ENVOY_VERSION,
    }
)
"""With the version in which each is written."""
CONTROLLERS = (ENVOY_GROUP,)
"""Beginnings, before a slash, of the controllerName of GatewayClasses that take such objects."""
SECONDS_TO_SETTLE = 150.0
"""For so long after they are made no user is led to them. What writes bodies in each proxy's Pod reads them from a
Secret, which a kubelet brings within its period of a minute and another minute of its cache."""


def reference(users: TargetRule, name: str, weight: int) -> dict[str, Any]:
    """A backend of a rule that leads back to the gateway."""
    del users
    return {"group": ENVOY_GROUP, "kind": BACKEND, "name": name, "weight": weight}


def base(inputs: ClusterInputs, users: TargetRule) -> dict[str, Any]:
    """The overlay's rule before any header is set: the gateway asks itself by the host of the inner routes."""
    rule = users.base()
    rewrite = {"type": "URLRewrite", "urlRewrite": {"hostname": inner_host(inputs)}}
    return {**rule, "filters": [*rule.get("filters", []), rewrite]}


def headers(inputs: ClusterInputs, split: TrafficSplit, variant: VariantWeight) -> dict[str, str]:
    """A variant's headers and the mark, without which no inner route takes a request."""
    return {**variant_headers(inputs, split, variant), INNER_HEADER: mark_of(inputs.uid)}


def way_back(inputs: ClusterInputs, users: TargetRule, variant: VariantWeight) -> Manifest:
    """What the overlay leads a variant's requests to: the gateway's own address. Each variant has one, as no two may go
    through one backend."""
    service = users.backend["name"]
    found = _listener(inputs)
    assert found is not None  # `unfit` refuses a route without one
    name = written_backend_name(service, variant.variant)
    return _backend(inputs, name, service, _endpoint(found.address, found.port))


def behind(inputs: ClusterInputs, split: TrafficSplit) -> tuple[Manifest, ...]:
    """What stands between the way back and the injector, in the order of writing."""
    users = rules_to_overlay(inputs)[0]
    service = users.backend["name"]
    host = f"{injector_name(inputs.policy)}.{inputs.namespace}.svc"
    endpoint = {"fqdn": {"hostname": host, "port": route_upstream(inputs).port}}
    of_variants = (made(inputs, users, each) for made in (_ai_backend, _inner_route) for each in split.variants)
    return (_backend(inputs, injector_name(inputs.policy), service, endpoint), *of_variants)


def _backend(inputs: ClusterInputs, name: str, service: str, endpoint: dict[str, Any]) -> Manifest:
    return {
        "apiVersion": f"{ENVOY_GROUP}/{ENVOY_VERSION}",
        "kind": BACKEND,
        "metadata": owned_with_service(inputs, name, service),
        "spec": {"endpoints": [endpoint]},
    }


def _ai_backend(inputs: ClusterInputs, users: TargetRule, variant: VariantWeight) -> Manifest:
    """What a variant's values are written by: the body's own first field, and none of its aliases beside it."""
    service = users.backend["name"]
    mutation = _mutation(inputs, variant)
    return {
        "apiVersion": f"{GROUP}/{AI_VERSION}",
        "kind": AI_BACKEND,
        "metadata": owned_with_service(inputs, written_backend_name(service, variant.variant), service),
        "spec": {
            "schema": {"name": "OpenAI", "prefix": "/v1"},
            "backendRef": {"group": ENVOY_GROUP, "kind": BACKEND, "name": injector_name(inputs.policy)},
            "headerMutation": {"remove": [INNER_HEADER]},
            **({"bodyMutation": mutation} if mutation else {}),
        },
    }


def _inner_route(inputs: ClusterInputs, users: TargetRule, variant: VariantWeight) -> Manifest:
    """The route of a variant's marked requests. It says nothing of models, so none is listed once more."""
    found, service = _listener(inputs), users.backend["name"]
    assert found is not None
    name = written_backend_name(service, variant.variant)
    asked = {INNER_HEADER: mark_of(inputs.uid), f"{inputs.spec.delivery.header_prefix}{VARIANT}": variant.variant}
    parent = {"group": "gateway.networking.k8s.io", "kind": "Gateway", **found.parent}
    timeouts = {"timeouts": users.rule["timeouts"]} if "timeouts" in users.rule else {}
    return {
        "apiVersion": f"{GROUP}/{AI_VERSION}",
        "kind": ROUTE,
        "metadata": owned_with_service(inputs, name, service),
        "spec": {
            "parentRefs": [parent],
            "hostnames": [inner_host(inputs)],
            "rules": [
                {
                    "matches": [
                        {"headers": [{"type": "Exact", "name": key, "value": value} for key, value in asked.items()]}
                    ],
                    "backendRefs": [{"name": name, "weight": 1}],
                    **timeouts,
                }
            ],
        },
    }


def _mutation(inputs: ClusterInputs, variant: VariantWeight) -> dict[str, Any]:
    """The fields that are set and those that are taken out, none where the variant writes nothing."""
    api = api_of(inputs.spec.delivery.request_paths[0])
    assert api is not None  # `api.gateway_fields` refuses other paths
    settings = body_settings(written_settings(inputs.spec.parameters, settings_of(inputs).engine))
    found: list[dict[str, str]] = []
    removed: list[str] = []
    for name, text in variant.settings:
        setting = settings.get(name)
        fields = setting.fields.get(api, ()) if setting is not None else ()
        if setting is None or not fields or not _may_be_written(setting, text):
            continue
        first, *aliases = (each.path[0] for each in fields)
        found.append({"path": first, "value": _literal(setting, text)})
        removed += aliases
    return {**({"set": found} if found else {}), **({"remove": removed} if removed else {})}


def _may_be_written(setting: BodySetting, text: str) -> bool:
    """Whether engines take the value at all; an injector writes no other."""
    is_number = setting.type in (ValueType.INTEGER, ValueType.DECIMAL)
    return not is_number or setting.least is None or float(text) >= setting.least


def _literal(setting: BodySetting, text: str) -> str:
    """The value as JSON."""
    match setting.type:
        case ValueType.INTEGER:
            return str(int(text))
        case ValueType.DECIMAL | ValueType.BOOLEAN:
            return text
    return json.dumps(text)


def inner_host(inputs: ClusterInputs) -> str:
    """The host of the inner routes, of which only the operator and the gateway know, within what the listener takes."""
    found = _listener(inputs)
    assert found is not None
    return _host(found, f"es-{mark_of(inputs.uid)[:16]}")


def _host(listener: PlainListener, label: str) -> str:
    return f"{label}{listener.hostname[1:]}" if listener.hostname else f"{label}.early-stop.internal"


def _listener(inputs: ClusterInputs) -> PlainListener | None:
    return next(_fit(inputs), None)


def _fit(inputs: ClusterInputs) -> Iterator[PlainListener]:
    """The listeners of plain http that take a host of the operator's choice, at an address that others can have."""
    assert inputs.route is not None  # checked before
    return (
        each
        for each in plain_listeners(inputs, inputs.route)
        if (not each.hostname or each.hostname.startswith("*.")) and _is_reachable(each.address)
    )


def _is_reachable(address: str) -> bool:
    """Whether an address may be a gateway's. Who may write a Gateway may ask for any, such as that of a cloud's own
    metadata, and what the operator makes would have requests sent there. Loopback the gateway refuses by itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return True
    mapped = getattr(found, "ipv4_mapped", None) or found
    return not (mapped.is_link_local or mapped.is_unspecified or mapped.is_multicast)


def _endpoint(address: str, port: int) -> dict[str, Any]:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return {"fqdn": {"hostname": address, "port": port}}
    return {"ip": {"address": address, "port": port}}


def way_unfit(inputs: ClusterInputs) -> Refusal | None:
    """Why the gateway could not be asked once more by itself, or None."""
    if _rewrites_urls(rule.rule for rule in rules_to_overlay(inputs)):
        return Refusal(
            "GatewayCannotWrite",
            f"A rule of HTTPRoute {inputs.route_name} has a URLRewrite, and the overlay needs its own, by which "
            "requests come to the routes that write bodies. Let the engine take path and host as they are, or write "
            "delivery.mode RequestBody.",
        )
    if _listener(inputs) is None:
        return Refusal(
            "GatewayCannotWrite",
            f"HTTPRoute {inputs.route_name} has no http listener with an address that takes other hosts too, and the "
            "overlay leads requests back to the gateway by a host of its own. Attach it to an http listener without a "
            "hostname, or with one that begins with *., which may be reached from within the cluster alone; or write "
            "delivery.mode RequestBody.",
        )
    return None


def _rewrites_urls(rules: Iterable[dict[str, Any]]) -> bool:
    return any("urlRewrite" in each for rule in rules for each in rule.get("filters", []))
