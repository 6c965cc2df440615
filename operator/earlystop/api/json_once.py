"""JSON of others that decides something: an object in which a key stands twice says two things, so it says neither;
and a text of a few thousand brackets is refused as any other that is no JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any


def first_repeated(names: Iterable[str]) -> str | None:
    """The first name that equals one before it, None where all differ."""
    before: set[str] = set()
    for name in names:
        if name in before:
            return name
        before.add(name)
    return None


def refusal_of_repeated(name: str) -> str:
    """What a person is told of a key that stands twice in one object."""
    return f"the key {name[:64]!r} stands twice; write it once"


def object_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, also one within another: a hook of `json`, which would take the last of two values without a word.

    Raises ValueError for a key that stands twice.
    """
    repeated = first_repeated(key for key, _ in pairs)
    if repeated is not None:
        raise ValueError(refusal_of_repeated(repeated))
    return dict(pairs)


def read_json(text: str | bytes) -> Any:
    """The value of a JSON text. Raises ValueError for another text, for a key that stands twice in one object, and for
    one that is nested too deep."""
    return _decoded(text, object_pairs_hook=object_once)


def read_any_json(text: str | bytes) -> Any:
    """As `read_json`, but of a key that stands twice it takes the last value: for what others' programs write, which
    decides nothing. Raises ValueError."""
    return _decoded(text)


def _decoded(text: str | bytes, **options: Any) -> Any:
    try:
        return json.loads(text, **options)
    except RecursionError:  # of a server's answer it would pass every `except ValueError`
        raise ValueError("it is nested too deep") from None
