"""Structural OpenAPI schemas from the typed kinds: what pydantic describes, in the form that the API server wants."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

KEPT = (
    "type",
    "description",
    "format",
    "enum",
    "pattern",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "default",
    "required",
    "x-kubernetes-validations",
)


def structural_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The model's schema with references inlined and only what a structural schema allows.

    Below a list there are no defaults: whoever applies a file compares and replaces a list as a whole, so an item that
    the API server had filled in would differ from the file for ever. The model supplies the value where it is read.

    Raises ValueError for a field whose type the API server could not prune or bound.
    """
    document = model.model_json_schema(by_alias=True, schema_generator=_LongNames)
    return _convert(document, document.get("$defs", {}), model.__name__)


class _LongNames(GenerateJsonSchema):
    """Leaves the definitions their names with modules, by which they are referred to: to find short ones takes half of
    the time that `validate` and `plan` need for a schema, where no reference is left."""

    def generate(self, schema: Any, mode: JsonSchemaMode = "validation") -> dict[str, Any]:
        """The schema of a model, with all definitions that it refers to."""
        if mode != "validation":
            raise ValueError(f"{mode}: these are the schemas of what is read")
        return dict(self.sort({**self.generate_inner(schema), "$defs": self.definitions}))


def _convert(node: dict[str, Any], definitions: dict[str, Any], where: str) -> dict[str, Any]:
    node = _resolve(node, definitions)
    if "const" in node:
        node = {**node, "enum": [node["const"]], "type": "string"}
    if "type" not in node:
        raise ValueError(f"{where}: a structural schema needs one type, pydantic gave {sorted(node)}")
    result = {key: node[key] for key in KEPT if key in node}
    if node["type"] == "object":
        result["properties"] = {
            name: _property(name, child, node, definitions, where) for name, child in node.get("properties", {}).items()
        }
    if node["type"] == "array":
        result |= _array(node, definitions, where)
    if node["type"] == "integer":
        result["format"] = "int64"
    if node["type"] == "string" and not {"maxLength", "enum", "format"} & node.keys():
        raise ValueError(f"{where}: every string needs a maxLength, or the CEL cost budget fails")
    return result


def _property(
    name: str, child: dict[str, Any], parent: dict[str, Any], definitions: dict[str, Any], where: str
) -> dict[str, Any]:
    """A part that may be left out and has a default for everything in it is filled in by the server, so that the
    stored object shows what holds."""
    converted = _convert(child, definitions, f"{where}.{name}")
    optional = name not in parent.get("required", []) and "anyOf" not in child
    if optional and converted["type"] == "object":
        converted["default"] = {}
    return converted


def _resolve(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Follow references and drop the null branch of optional fields; outer descriptions win."""
    outer = {key: value for key, value in node.items() if key not in ("$ref", "anyOf", "allOf")}
    if "anyOf" in node:
        (inner,) = [branch for branch in node["anyOf"] if branch.get("type") != "null"]
        outer.pop("default", None)
    elif "$ref" in node:
        inner = definitions[node["$ref"].rsplit("/", 1)[-1]]
    else:
        return node
    return _resolve({**inner, **outer}, definitions)


def _array(node: dict[str, Any], definitions: dict[str, Any], where: str) -> dict[str, Any]:
    if "maxItems" not in node:
        raise ValueError(f"{where}: every list needs a maxItems, or the CEL cost budget fails")
    # A tuple of fixed length would come as prefixItems; the kinds use tuples of one element type only.
    result: dict[str, Any] = {"items": _without_defaults(_convert(node["items"], definitions, f"{where}[]"))}
    key = node.get("x-list-map-key")
    result["x-kubernetes-list-type"] = "map" if key else "atomic"
    if key:
        result["x-kubernetes-list-map-keys"] = [key]
    return result


def _without_defaults(schema: dict[str, Any]) -> dict[str, Any]:
    """The same schema, where nothing in it has a default."""
    kept = {key: value for key, value in schema.items() if key != "default"}
    if "properties" in kept:
        kept["properties"] = {name: _without_defaults(child) for name, child in kept["properties"].items()}
    if "items" in kept:
        kept["items"] = _without_defaults(kept["items"])
    return kept
