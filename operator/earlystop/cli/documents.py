"""YAML and JSON files of people, read within bounds of size, depth and number of nodes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from earlystop.cli.failure import CommandFailure

LARGEST_FILE = 8 * 2**20
DEEPEST = 100
MOST_NODES = 1_000_000
"""A verdict of 1,400 looks has about 50,000 nodes."""
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_text(path: Path) -> str:
    """The text of a file, without a byte order mark. Raises CommandFailure with a sentence for a person."""
    try:
        if path.is_dir():
            raise CommandFailure(f"{path} is a directory; name a file in it.")
        if path.stat().st_size > LARGEST_FILE:
            raise CommandFailure(f"{path} has more than {LARGEST_FILE // 2**20} MiB, so it is no manifest.")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CommandFailure(f"{path} is no text in UTF-8. Save it as UTF-8 and try again.") from None
    except OSError as error:
        raise CommandFailure(f"{path} cannot be read: {error.strerror or error}.") from None


def read_documents(path: Path) -> list[dict[str, Any]]:
    """The objects in a YAML or JSON file, those of a `kind: List` one by one.

    Raises CommandFailure for what is neither, too deep, or grows beyond bounds by aliases.
    """
    text = read_text(path)
    try:
        if text.lstrip().startswith("{"):
            found = [json.loads(text)]
        else:
            _ensure_bounded(path, text)
            found = list(yaml.load_all(text, LOADER))
    except (yaml.YAMLError, ValueError) as error:
        raise CommandFailure(f"{path} is neither YAML nor JSON: {' '.join(str(error).split())[:300]}.") from None
    except RecursionError:
        raise CommandFailure(f"{path} is nested too deep to be a manifest.") from None
    objects = [each for each in found if isinstance(each, dict)]
    return [item for each in objects for item in _items(each)]


def _items(document: dict[str, Any]) -> list[dict[str, Any]]:
    if document.get("kind") != "List" or not isinstance(document.get("items"), list):
        return [document]
    return [each for each in document["items"] if isinstance(each, dict)]


def _ensure_bounded(path: Path, text: str) -> None:
    """Refuse what would be too deep, or too large once its aliases are written out, before it is loaded."""
    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = []  # anchor of each collection that is open, and nodes before it
    nodes = 0
    for event in yaml.parse(text, LOADER):
        if isinstance(event, yaml.AliasEvent):
            nodes += sizes.get(str(event.anchor), 1)
        elif isinstance(event, yaml.ScalarEvent):
            nodes += 1
            if event.anchor:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, nodes))
            nodes += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            if anchor:
                sizes[anchor] = nodes - before
        if nodes > MOST_NODES or len(open_nodes) > DEEPEST:
            raise CommandFailure(f"{path} is deeper or larger than any manifest, once its aliases are written out.")
