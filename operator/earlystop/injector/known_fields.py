"""Which fields of a body an engine knows, by the list that it publishes of itself: it ignores others without a word."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from earlystop.api.wire import ENGINE_PAGES

DOCUMENT = ENGINE_PAGES[1]
MAX_DOCUMENT = 8 << 20


def known_fields(document: bytes, path: str) -> frozenset[str] | None:
    """The fields of a POST request's body at a path, by an OpenAPI document; None where it does not tell them."""
    try:
        root = json.loads(document)
        content = root["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        schema = _followed(root, content["schema"])
        return frozenset(schema["properties"]) or None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def unknown_fields(known: frozenset[str] | None, paths: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """The fields, joined by dots, whose first key the engine does not know; none where it does not tell which it
    knows."""
    if known is None:
        return ()
    return tuple(dict.fromkeys(".".join(path) for path in paths if path[0] not in known))


def _followed(root: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema that a reference leads to."""
    for _ in range(8):
        if "$ref" not in schema:
            break
        found: Any = root
        for key in schema["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        schema = found
    return schema
