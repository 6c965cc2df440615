"""What the watch of users' routes tells: which routes a change of one of them may concern."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from earlystop.controller.resources import Key
from earlystop.delivery.routes.precedence import EVERYTHING, path_of
from earlystop.delivery.routes.served_hosts import common_hostname, is_refused

Manifest = Mapping[str, Any]
T = TypeVar("T")

SETS_REMEMBERED, MOST_SHARED = 256, 4
"""So many sets of parents or paths are kept for routes that are alike, of so many parts each: a MiB at most, since a
path has up to 1,024 characters."""


class WatchedRoute(NamedTuple):
    """What is remembered of a route.

    version: UID and generation. refused: which of its parents do not accept it. Gateways write the rest of its status
        all the time.
    marks: a hash of labels and annotations, which overlays carry.
    parents: kind, namespace and name of each parent. is_anywhere: whether it may be served at any Gateway, as by a set
        of listeners or as a default. hostnames: "" for every host. paths: where its matches begin.
    """

    version: tuple[str, int]
    refused: tuple[bool, ...]
    marks: int
    parents: frozenset[tuple[str, str, str]]
    is_anywhere: bool
    hostnames: frozenset[str]
    paths: frozenset[str]


class WatchedRoutes:
    """Every route of a user that a watch has reported, by namespace and name."""

    def __init__(self) -> None:
        self._routes: dict[Key, WatchedRoute] = {}

    def changed(self, manifest: Manifest, *, listed: bool = False) -> frozenset[Key]:
        """The routes that are concerned by one that was listed, created or changed: itself, and those that it may
        compete with, now or before. A first list concerns none, or a whole fleet would be checked whenever the operator
        starts."""
        key, now = _key(manifest), _watched(manifest)
        before, self._routes[key] = self._routes.get(key), now
        if before == now or (listed and before is None):
            return frozenset()
        if before is not None and (before.version, before.refused) == (now.version, now.refused):
            return frozenset({key})  # no other route reads its labels
        return self._with_neighbours(key, now, *([before] if before is not None else []))

    def deleted(self, manifest: Manifest) -> frozenset[Key]:
        """The routes that one which was deleted may have competed with, and itself."""
        key = _key(manifest)
        return self._with_neighbours(key, self._routes.pop(key) if key in self._routes else _watched(manifest))

    def _with_neighbours(self, key: Key, *states: WatchedRoute) -> frozenset[Key]:
        beside = (other for other, each in self._routes.items() if any(_may_meet(each, state) for state in states))
        return frozenset({key, *beside})


def _key(manifest: Manifest) -> Key:
    return manifest["metadata"]["namespace"], manifest["metadata"]["name"]


def _watched(manifest: Manifest) -> WatchedRoute:
    metadata, spec = manifest["metadata"], manifest.get("spec") or {}
    references = spec.get("parentRefs") or []
    matches = [match for rule in spec.get("rules") or [{}] for match in rule.get("matches") or [EVERYTHING]]
    return WatchedRoute(
        version=(str(metadata["uid"]), int(metadata.get("generation", 0))),
        refused=tuple(is_refused(manifest, each) for each in references),
        marks=hash(tuple(tuple(sorted((metadata.get(each) or {}).items())) for each in ("labels", "annotations"))),
        parents=_shared(
            (each.get("kind", "Gateway"), each.get("namespace", metadata["namespace"]), each["name"])
            for each in references
        ),
        is_anywhere=spec.get("useDefaultGateways") == "All"
        or any(each.get("kind", "Gateway") not in ("Gateway", "Service") for each in references),
        hostnames=frozenset(spec.get("hostnames") or [""]),
        paths=_shared(_beginning(match) for match in matches),
    )


def _shared(parts: Iterable[T]) -> frozenset[T]:
    """A set of these, which is one object for equal ones where it is small: routes of a fleet have the same parents and
    paths. A large one is let go with its route, which anybody may edit again and again."""
    found = frozenset(parts)
    return _first_equal(found) if len(found) <= MOST_SHARED else found


@lru_cache(maxsize=SETS_REMEMBERED)
def _first_equal(parts: frozenset[T]) -> frozenset[T]:
    return parts


def _beginning(match: dict[str, Any]) -> str:
    """What every path that meets a match begins with. Of a regular expression that is not known."""
    kind, value = path_of(match)
    return value.rstrip("/") if kind in ("Exact", "PathPrefix") else ""


def _may_meet(one: WatchedRoute, other: WatchedRoute) -> bool:
    """Whether some request may meet matches of both routes."""
    return (
        (one.is_anywhere or other.is_anywhere or not one.parents.isdisjoint(other.parents))
        and any(common_hostname(mine, theirs) is not None for mine in one.hostnames for theirs in other.hostnames)
        and any(mine.startswith(theirs) or theirs.startswith(mine) for mine in one.paths for theirs in other.paths)
    )
