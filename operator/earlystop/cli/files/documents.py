"""YAML and JSON files of people, read within bounds of size, depth and number of nodes."""

from __future__ import annotations

import codecs
import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

from earlystop.api.json_once import first_repeated, object_once, refusal_of_repeated
from earlystop.cli.failure import CommandFailure
from earlystop.cli.files.words import shown
from earlystop.cli.files.yaml_values import ManifestLoader

LARGEST_FILE = 8 * 2**20
STANDARD_INPUT = Path("-")
DEEPEST = 100
MOST_NODES = 1_000_000
"""A verdict of 1,400 looks has about 50,000 nodes."""
MOST_DOCUMENTS = 10_000
"""Documents of JSON in one file, one after the other."""
LONGEST_REASON = 300
NO_BLANK = re.compile(r"\S")
STRAY_CHARACTER = " (a tab, @ or `: indent by spaces, and write such text in quotes)"
TEMPLATE = " (is it a template? Render it first, as by helm template)"
HINTS = {"cannot start any token": STRAY_CHARACTER, "found unhashable key": TEMPLATE}
"""What else to say of a parser's words that end so."""


def read_bytes(path: Path) -> bytes:
    """The content of a file, of standard input for `-`. Raises CommandFailure with a sentence for a person."""
    try:
        if path == STANDARD_INPUT:
            content = sys.stdin.buffer.read(LARGEST_FILE + 1)
        else:
            with path.open("rb") as file:
                content = file.read(LARGEST_FILE + 1)
    except IsADirectoryError:
        raise CommandFailure(f"{named(path)} is a directory; name a file in it.") from None
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        raise CommandFailure(f"{named(path)} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    if len(content) > LARGEST_FILE:
        raise CommandFailure(f"{named(path)} has more than {LARGEST_FILE // 2**20} MiB; name a smaller file.")
    return content


def named(path: Path) -> str:
    """The path as a message says it."""
    return "the standard input" if path == STANDARD_INPUT else str(path)


def decoded(content: bytes) -> str:
    """Text in UTF-8, or in UTF-16 as its byte order mark says; without that mark. Raises UnicodeDecodeError."""
    is_utf_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if is_utf_16 else "utf-8-sig")


def read_text(path: Path) -> str:
    """The text of a file. Raises CommandFailure with a sentence for a person."""
    try:
        text = decoded(read_bytes(path))
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:  # as of UTF-16 or UTF-32 without a mark that says so
        raise CommandFailure(f"{named(path)} is no text in UTF-8 or UTF-16. Save it as UTF-8 and try again.")
    return text


def read_documents(path: Path) -> list[dict[str, Any]]:
    """The objects in a YAML or JSON file, those of a list of any kind one by one, as `kubectl apply` takes them.

    Raises CommandFailure for what is neither, holds something else than objects, has a key twice, is too deep, or grows
    beyond bounds by aliases.
    """
    text = read_text(path)
    try:
        found = _json(text)
        if found is None:
            _ensure_bounded(path, text)
            found = _loaded(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise CommandFailure(f"{named(path)} cannot be read as YAML or JSON: {_where_and_why(error)}.") from None
    return [item for number, each in enumerate(found, 1) if each is not None for item in _items(path, number, each)]


def _json(text: str) -> list[Any] | None:
    """The documents of a JSON text, one after the other. None for any other text: YAML has numbers and escapes of its
    own."""
    found: list[Any] = []
    at, decoder = 0, json.JSONDecoder(object_pairs_hook=object_once)
    while (start := NO_BLANK.search(text, at)) is not None:
        if start[0] != "{" or len(found) == MOST_DOCUMENTS:
            return None
        try:
            document, at = decoder.raw_decode(text, start.start())
        except json.JSONDecodeError:
            return None
        found.append(document)
    return found or None


def _loaded(text: str) -> list[Any]:
    """The documents of a YAML text. Raises YAMLError, also for a key that stands twice in one mapping."""
    loader, found = ManifestLoader(text), []
    try:
        while loader.check_node():
            node = loader.get_node()
            _refuse_repeated_keys(node)
            found.append(loader.construct_document(node))
    finally:
        loader.dispose()
    return found


def _refuse_repeated_keys(root: yaml.Node | None) -> None:
    """Raise MarkedYAMLError at a key that stands twice in one mapping: readers of YAML take the one or the other."""
    waiting: list[yaml.Node | None] = [root]
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            repeated = first_repeated(names)
            if repeated is not None:
                key = [key for key, _ in node.value if key.value == repeated][1]
                problem = refusal_of_repeated(repeated)
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            waiting += [part for pair in node.value for part in pair]
        else:
            waiting += node.value


def _where_and_why(error: Exception) -> str:
    """What a parser says of a document that it cannot read, in one line, with the place where it knows it."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem and error.problem_mark:
        mark = error.problem_mark
        hint = next((hint for end, hint in HINTS.items() if error.problem.endswith(end)), "")
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}{hint}"
    return " ".join(str(error).split())[:LONGEST_REASON]


def _items(path: Path, number: int, document: Any) -> list[dict[str, Any]]:
    """The objects of a document. Raises CommandFailure where it holds something else."""
    if not isinstance(document, dict):
        what = f"{shown(document)} is no object; write fields, as in kind: EarlyStopPolicy."
        raise CommandFailure(f"{named(path)}, document {number}: {what}")
    if not str(document.get("kind", "")).endswith("List") or not isinstance(document.get("items"), list):
        return [document]
    return [item for each in document["items"] for item in _items(path, number, each)]


def _ensure_bounded(path: Path, text: str) -> None:
    """Refuse what would be too deep, or too large once its aliases are written out, before it is loaded."""
    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = []  # anchor of each collection that is open, and nodes before it
    nodes = 0
    for event in yaml.parse(text, ManifestLoader):
        if isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in open_nodes):
                raise CommandFailure(f"{named(path)}: the alias *{event.anchor} is a part of what it stands for.")
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
            raise CommandFailure(
                f"{named(path)} is deeper or larger than any manifest, once its aliases are written out."
            )
