"""Values in a YAML text changed where they stand: comments, quotes, order and every other line stay as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from earlystop.api.values import canonical_setting
from earlystop.cli.failure import CommandFailure


class Edit(NamedTuple):
    """A part of a text that is replaced. begin, end: positions of characters."""

    begin: int
    end: int
    text: str


def applied(text: str, edits: Sequence[Edit]) -> str:
    """The text with all edits, which must not overlap."""
    for each in sorted(edits, key=lambda edit: edit.begin, reverse=True):
        text = text[: each.begin] + each.text + text[each.end :]
    return text


def policy_node(text: str, name: str | None) -> MappingNode | None:
    """The node of the EarlyStopPolicy of a name, of the only one for None; None where there is none."""
    documents = [each for each in yaml.compose_all(text, Loader=yaml.SafeLoader) if isinstance(each, MappingNode)]
    found = [each for each in documents if _scalar(each, "kind") == "EarlyStopPolicy"]
    named = [each for each in found if name is None or _scalar(child(each, "metadata"), "name") == name]
    return named[0] if len(named) == 1 else None


def child(node: Node | None, key: str) -> Node | None:
    """The value of a key, None where the node is no mapping or has no such key."""
    if not isinstance(node, MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _scalar(node: Node | None, key: str) -> str | None:
    found = child(node, key)
    return str(found.value) if isinstance(found, ScalarNode) else None


def set_values(text: str, values: Node | None, wanted: Mapping[str, str]) -> list[Edit]:
    """The edits that let a list of `name` and `value` have these values, and no others. Raises CommandFailure where the
    list is not written so that it can be changed in place."""
    if not isinstance(values, SequenceNode):
        raise CommandFailure("spec.baseline.values is no list that can be changed in place; write the values by hand.")
    edits = []
    known = set()
    for item in values.value:
        name, value = _scalar(item, "name"), child(item, "value")
        if name is None or name not in wanted or not isinstance(value, ScalarNode):
            raise CommandFailure(f"spec.baseline.values names {name}, which was not proven; write the values by hand.")
        known.add(name)
        if canonical_setting(str(value.value)) != wanted[name]:
            edits.append(Edit(value.start_mark.index, value.end_mark.index, _quoted(wanted[name])))
    missing = {name: value for name, value in wanted.items() if name not in known}
    return edits + ([_added(text, values, missing)] if missing else [])


def _quoted(value: str) -> str:
    return yaml.safe_dump(value, default_style='"').strip()


def _added(text: str, values: SequenceNode, missing: Mapping[str, str]) -> Edit:
    """The edit that adds items at the end of a list, in the way in which it is written."""
    if values.flow_style or not values.value:
        at = values.end_mark.index - 1  # before the bracket
        items = ", ".join(f"{{name: {name}, value: {_quoted(value)}}}" for name, value in missing.items())
        return Edit(at, at, f", {items}" if values.value else items)
    last = values.value[-1]
    indent = " " * max(0, last.start_mark.column - 2)
    end = _end_of_content(text, last.end_mark.index)
    items = "".join(f"\n{indent}- name: {name}\n{indent}  value: {_quoted(value)}" for name, value in missing.items())
    return Edit(end, end, items)


def _end_of_content(text: str, index: int) -> int:
    """The end of a block node: its mark stands where the next token begins, after blanks and comments."""
    content = text[:index]
    lines = content.split("\n")
    while lines and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    return len("\n".join(lines))


def remove_items(text: str, items: Node | None, names: frozenset[str]) -> list[Edit]:
    """The edits that take the items of these names out of a list in block style, with the comments on their lines.
    Raises CommandFailure where the list is written in brackets, or nothing of it would be left."""
    if not isinstance(items, SequenceNode):
        return []
    gone = [each for each in items.value if _scalar(each, "name") in names]
    if not gone:
        return []
    if items.flow_style:
        raise CommandFailure("spec.candidates is written in brackets; take the promoted candidate out of it by hand.")
    edits = []
    for item in gone:
        begin = text.rfind("\n", 0, item.start_mark.index) + 1
        end = _end_of_content(text, item.end_mark.index)
        edits.append(Edit(begin, min(len(text), end + 1), ""))
    return edits


def is_policy(document: Any, name: str) -> bool:
    """Whether a document, whatever it holds, is the EarlyStopPolicy of a name."""
    if not isinstance(document, dict) or document.get("kind") != "EarlyStopPolicy":
        return False
    metadata = document.get("metadata")
    return isinstance(metadata, dict) and metadata.get("name") == name


def loaded(text: str, name: str) -> Any:
    """The policy of a name in a text that was changed. Raises CommandFailure where it is not there any more."""
    for each in yaml.safe_load_all(text):
        if is_policy(each, name):
            return each
    raise CommandFailure("The file could not be changed in place; write the values by hand.")
