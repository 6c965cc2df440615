"""JSON of others that decides something: an object in which a key stands twice says two things, so it says neither."""

from __future__ import annotations

import json
from typing import Any


def object_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, also one within another: a hook of `json`, which would take the last of two values without a word.

    Raises ValueError for a key that stands twice.
    """
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:64]!r} stands twice; write it once")
        found[key] = value
    return found


def read_json(text: str | bytes) -> Any:
    """The value of a JSON text. Raises ValueError for another text, and for a key that stands twice in one object;
    RecursionError for one that is too deep."""
    return json.loads(text, object_pairs_hook=object_once)
