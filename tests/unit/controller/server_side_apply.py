"""Server-side apply as the API server does it, as far as maps of plain values go: each leaf has a manager."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from earlystop.controller.cluster import Conflict, Manifest

Path = tuple[str, ...]
IDENTITY = frozenset({"apiVersion", "kind", "metadata"})


def applied(present: Manifest, part: Manifest, manager: str, *, force: bool) -> Manifest:
    """The object after a manager has applied its fields. Raises Conflict where the object has another resourceVersion
    than `part` names, and without force where a field with another value is another manager's."""
    version = part["metadata"].get("resourceVersion")
    if version is not None and version != present["metadata"]["resourceVersion"]:
        raise Conflict(409, "the object has been modified")
    wanted, found = dict(_leaves(_content(part))), dict(_leaves(_content(present)))
    owners = _owners(present)
    others = {path for name, paths in owners.items() if name != manager for path in paths}
    unowned = set(found) - {path for paths in owners.values() for path in paths}
    taken = [path for path in wanted if path in (others | unowned) and found.get(path) != wanted[path]]
    if taken and not force:
        raise Conflict(409, f"conflict with another manager: .{'.'.join(taken[0])}")
    gone = owners.get(manager, set()) - wanted.keys() - others
    after = copy.deepcopy(present)
    for path in gone:
        _parent(after, path).pop(path[-1], None)
    for path, value in wanted.items():
        _parent(after, path)[path[-1]] = value
    owners = {name: paths - (set(taken) if name != manager else set()) for name, paths in owners.items()}
    owners[manager] = set(wanted)
    after["metadata"]["managedFields"] = [
        {"manager": name, "operation": "Apply", "paths": sorted(paths)} for name, paths in owners.items() if paths
    ]
    return after


def merged(present: Any, part: Any) -> Any:
    """What an apply that nobody opposes makes of an object, or of a part of it; entries of lists are told apart by
    their name."""
    if isinstance(present, dict) and isinstance(part, dict):
        return {**present, **{key: merged(present.get(key), value) for key, value in part.items()}}
    if isinstance(part, list) and all(isinstance(each, dict) for each in part):
        there = {each["name"]: each for each in present or []}
        return list({**there, **{each["name"]: merged(there.get(each["name"]), each) for each in part}}.values())
    return part


def _content(manifest: Manifest) -> Manifest:
    return {field: value for field, value in manifest.items() if field not in IDENTITY}


def _owners(present: Manifest) -> dict[str, set[Path]]:
    fields = present["metadata"].get("managedFields") or []
    return {each["manager"]: {tuple(path) for path in each["paths"]} for each in fields}


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping) and value:
        for key, each in value.items():
            yield from _leaves(each, (*path, key))
    elif path:
        yield path, value


def _parent(manifest: Manifest, path: Path) -> dict[str, Any]:
    for name in path[:-1]:
        if not isinstance(manifest.get(name), dict):
            manifest[name] = {}
        manifest = manifest[name]
    return manifest
