"""The API reference for users, generated from the CRDs: `python -m earlystop.api.reference_pages DIRECTORY`.

One page a kind, with every field of its spec and status, so that whoever reads a field's name on a screen finds what it
means without a cluster (`kubectl explain` says the same with one).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from earlystop.api.crds import definitions
from earlystop.api.wire import GROUP, VERSION

PARTS = ("spec", "status")
LEAST_FIELDS = 4
"""An object that has so many fields or more, and all of another's above it, is described there alone."""
CONDITION_KEY = ["type"]
"""The key of a list of conditions, whose fields are those of every Kubernetes kind and have no rows of their own."""


def pages() -> dict[str, str]:
    """Every page in Markdown, by file name."""
    return {f"{crd['spec']['names']['singular']}.md": page(crd) for crd in definitions().values()}


def page(crd: dict[str, Any]) -> str:
    """The page of one kind. crd: its definition, as `definitions` makes it."""
    names = crd["spec"]["names"]
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    head = [
        f"# {names['kind']}",
        "",
        schema["description"],
        "",
        f"`apiVersion: {GROUP}/{VERSION}`, short name `{names['shortNames'][0]}`, {crd['spec']['scope'].lower()}.",
        "A field in **bold** must be there; `[]` marks the items of a list.",
        "",
        "Generated from the typed kinds in `operator/earlystop/api`; edit the descriptions there and run `make docs`.",
    ]
    parts = [_part(name, schema["properties"][name]) for name in PARTS if name in schema["properties"]]
    return "\n".join([*head, *parts]) + "\n"


def _part(name: str, schema: dict[str, Any]) -> str:
    rows = [
        f"| {_field(path, required)} | {_type(node)} | {_meaning(node)}{like} |"
        for path, required, node, like in _fields(schema, {})
    ]
    return "\n".join(["", f"## {name}", "", "| field | value | meaning |", "|---|---|---|", *rows])


def _fields(
    node: dict[str, Any], above: dict[str, str], parent: str = ""
) -> Iterator[tuple[str, bool, dict[str, Any], str]]:
    """Path, whether it must be there beside its siblings, and schema of each field below a node, depth first, and a
    sentence where its own fields are those of one above.

    above: paths of the objects so far, by the form of their fields. It grows.
    """
    for name, child in node.get("properties", {}).items():
        path = f"{parent}.{name}" if parent else name
        of_items = "items" in child
        inner, inner_path = (child["items"], f"{path}[]") if of_items else (child, path)
        if name == "conditions" and child.get("x-kubernetes-list-map-keys") == CONDITION_KEY:
            inner = {}
        form, known = _form(inner), len(inner.get("properties", ())) >= LEAST_FIELDS
        described = above.get(form) if known else None
        like = "" if described is None else f" Its fields are those of `{described}`."
        yield path, name in node.get("required", ()), child, like
        if described is None:
            above[form] = inner_path
            yield from _fields(inner, above, inner_path)


def _form(node: dict[str, Any]) -> str:
    """The fields of an object and what they mean, as text; whatever their defaults are, and which must be there."""
    if "properties" not in node:
        return ""

    def without(part: Any) -> Any:
        if not isinstance(part, dict):
            return part
        return {key: without(value) for key, value in part.items() if key not in ("default", "required")}

    return json.dumps(without(node["properties"]), sort_keys=True)


def _field(path: str, required: bool) -> str:
    return f"**`{path}`**" if required else f"`{path}`"


def _type(node: dict[str, Any]) -> str:
    """What may be written there: its type, the only values, bounds and the default."""
    if "enum" in node:
        said = [" \\| ".join(f"`{each}`" for each in node["enum"])]
    elif node["type"] == "array":
        said = [f"list of {node['items']['type']}"]
    else:
        said = [str(node["type"])]
    said += _bounds(node)
    if node.get("default") not in (None, {}, ""):
        said.append(f"default `{_literal(node['default'])}`")
    return ", ".join(said)


def _bounds(node: dict[str, Any]) -> list[str]:
    low, high = node.get("minimum"), node.get("maximum")
    if low is not None and high is not None:
        return [f"{low} to {high}"]
    if low is not None or high is not None:
        return [f"{low} or more" if high is None else f"{high} or less"]
    return [f"at most {node['maxItems']}"] if "maxItems" in node else []


def _literal(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _meaning(node: dict[str, Any]) -> str:
    return " ".join(str(node["description"]).split()).replace("|", "\\|").replace("<", "&lt;")


def main() -> None:
    """Write the pages into the directory named by the first argument."""
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (directory / name).write_text(text)


if __name__ == "__main__":
    main()
