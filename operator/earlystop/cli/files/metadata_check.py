"""Whether an API server would take an object's metadata: the names, labels and annotations that people write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from earlystop.cli.files.words import nearest, shown

LONGEST_NAME = 253
LONGEST_LABEL = 63
"""Of a namespace, of a label's value and of the name in a key."""
ANNOTATION_BYTES = 2**18
FIELDS = (
    *("name", "generateName", "namespace", "labels", "annotations", "finalizers", "ownerReferences"),
    *("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"),
    *("deletionTimestamp", "deletionGracePeriodSeconds"),
)
_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
NAMESPACE = re.compile(_LABEL)
NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
WORD = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")


def metadata_problems(manifest: dict[str, Any]) -> Iterator[str]:
    """A sentence for each part of `metadata` that an API server refuses, with its field."""
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict):
        yield "metadata.name: write a name."
        return
    for field in metadata.keys() - set(FIELDS):
        yield f"metadata.{field}: there is no such field{nearest(str(field), FIELDS)}."
    yield from _name_problems(metadata.get("name"))
    namespace = metadata.get("namespace")
    if namespace is not None and not _is_name(namespace, NAMESPACE, LONGEST_LABEL):
        yield (
            f"metadata.namespace: {shown(namespace)} cannot be a namespace; write at most {LONGEST_LABEL} small "
            "letters, digits and hyphens."
        )
    for field in ("labels", "annotations"):
        yield from _map_problems(field, metadata.get(field))


def _name_problems(name: object) -> Iterator[str]:
    if name is None or name == "":
        yield "metadata.name: write a name."
    elif not isinstance(name, str):
        yield f'metadata.name: {shown(name)} is no text; write "{name}", with the quotes.'
    elif not _is_name(name, NAME, LONGEST_NAME):
        yield (
            f"metadata.name: {shown(name)} cannot be a name; write at most {LONGEST_NAME} small letters, digits and "
            "hyphens."
        )


def _is_name(value: object, form: re.Pattern[str], longest: int) -> bool:
    return isinstance(value, str) and len(value) <= longest and form.fullmatch(value) is not None


def _map_problems(field: str, found: object) -> Iterator[str]:
    """What is wrong with labels or annotations: both map keys to texts."""
    if found is None:
        return
    if not isinstance(found, dict):
        yield f"metadata.{field}: {shown(found)} is of the wrong type; write fields, each on a line of its own."
        return
    for key, value in found.items():
        where = f"metadata.{field}.{key}"
        if not isinstance(key, str) or not _is_key(key.lower() if field == "annotations" else key):
            yield f"{where[:LONGEST_NAME]}: this is no key; write one such as example.com/team."
        if not isinstance(value, str):
            yield f"{where}: {shown(value)} is no text; write it in quotes."
        elif field == "labels" and value and not _is_name(value, WORD, LONGEST_LABEL):
            yield (
                f"{where}: {shown(value)} cannot be a label's value; write at most {LONGEST_LABEL} letters, digits, "
                "hyphens, underscores and dots."
            )
    size = sum(len(str(part).encode()) for pair in found.items() for part in pair)
    if field == "annotations" and size > ANNOTATION_BYTES:
        yield f"metadata.annotations: they have {size:,} bytes; an API server takes {ANNOTATION_BYTES:,}."


def _is_key(key: str) -> bool:
    """Whether a text is a name, or a name behind a DNS name and a slash."""
    prefix, slash, name = key.rpartition("/")
    return _is_name(name, WORD, LONGEST_LABEL) and (not slash or _is_name(prefix, NAME, LONGEST_NAME))
