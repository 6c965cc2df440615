"""Which fields of an object its writer may leave out, as the schemas of Gateway API and Kubernetes say."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FieldPath = tuple[str | int, ...]
SCHEMAS = Path(__file__).parents[2] / "cluster" / "gateway-api"
PLURALS = {
    "HTTPRoute": "httproutes",
    "GRPCRoute": "grpcroutes",
    "Gateway": "gateways",
    "GatewayClass": "gatewayclasses",
}
# The API server itself writes these.
SERVERS_OWN = ("name", "namespace", "uid", "creationTimestamp")
ALWAYS_THERE = frozenset({("metadata",), *(("metadata", each) for each in SERVERS_OWN)})
# By rules of the definitions: a filter of a type has that type's part.
REQUIRED_BY_RULE = frozenset({"requestHeaderModifier"})
# Of kinds without a definition: fields of a list's entries that Kubernetes asks for.
REQUIRED_IN_ENTRIES = {"ports": {"port"}, "ownerReferences": {"apiVersion", "kind", "name", "uid"}}


@cache
def _schema(kind: str) -> Mapping[str, Any]:
    (path,) = SCHEMAS.glob(f"*_{PLURALS[kind]}.yaml")
    versions = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)["spec"]["versions"]
    schema: Mapping[str, Any] = next(each for each in versions if each["name"] == "v1")["schema"]["openAPIV3Schema"]
    return schema


def optional_paths(kind: str, manifest: Mapping[str, Any]) -> list[FieldPath]:
    """Where the fields are that may be left out, outermost first."""
    schema = _schema(kind) if kind in PLURALS else {}
    found = _optional(manifest, schema, ())
    return [path for path in found if path not in ALWAYS_THERE and path not in {("kind",), ("apiVersion",)}]


def _optional(value: Any, schema: Mapping[str, Any], at: FieldPath) -> Iterator[FieldPath]:
    if isinstance(value, Mapping):
        required = set(schema.get("required", ()))
        if not schema.get("properties") and len(at) >= 2 and isinstance(at[-1], int):
            required |= REQUIRED_IN_ENTRIES.get(str(at[-2]), set())
        for name, each in value.items():
            inner = schema.get("properties", {}).get(name, {})
            if name not in required | REQUIRED_BY_RULE:
                yield (*at, name)
            yield from _optional(each, inner, (*at, name))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _optional(each, schema.get("items", {}), (*at, index))


def without(manifest: Mapping[str, Any], path: FieldPath) -> dict[str, Any]:
    """The manifest without the field at a path; the same where another one took it away already."""
    made: dict[str, Any] = copy.deepcopy(dict(manifest))
    holder: Any = made
    for part in path[:-1]:
        if isinstance(holder, Mapping) and part not in holder:
            return made
        holder = holder[part]
    holder.pop(path[-1], None)
    return made
