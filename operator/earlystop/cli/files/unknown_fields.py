"""Where a field that is unknown at its place was probably meant to stand, or which field was meant by it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from earlystop.cli.files.words import closest, nearest

Schema = dict[str, Any]

MOST_PLACES = 6
"""Places of one name that a sentence bears; a name that stands in more of them, as `name`, tells nothing."""
LEAST_WORD = 5
"""Letters of a first word, as `deadline`, that tell which field is meant by another unit or ending."""


def field_meant(name: str, schema: Schema, spec: Schema) -> str:
    """The end of a sentence about a field that is not known where it stands: which is meant, or into which object below
    it belongs, or all that there are and the one object elsewhere that has it.

    schema: of the object in which it stands. spec: of the whole spec, which that is a part of.
    """
    known = list(schema.get("properties", {}))
    if closest(name, known):
        return nearest(name, known)
    same = [each for each in known if len(_first_word(name)) >= LEAST_WORD and _first_word(each) == _first_word(name)]
    if len(same) == 1:
        return f"; perhaps {same[0]} is meant"
    below = list(_places(name, schema, ""))
    if 0 < len(below) <= MOST_PLACES:
        return f"; write it in {' or '.join(each.removeprefix('.') for each in below)}"
    elsewhere = list(_places(name, spec, "spec"))
    return nearest(name, known) + (f"; {elsewhere[0]} has one" if len(elsewhere) == 1 else "")


def _first_word(name: str) -> str:
    """The first word of a name in camel case: `deadline` of `deadlineSeconds`."""
    found = re.match(r"[a-z]+", name)
    return found[0] if found else ""


def _places(name: str, schema: Schema, where: str) -> Iterator[str]:
    """The objects that have a field of this name, by their paths."""
    fields = schema.get("properties", {})
    if name in fields:
        yield where
    for each, below in fields.items():
        yield from _places(name, below, f"{where}.{each}")
    if "items" in schema:
        yield from _places(name, schema["items"], f"{where}[]")
