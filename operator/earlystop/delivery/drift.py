"""Whether an object in the cluster has drifted from what is desired of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from earlystop.delivery.alias_service import without_outdated
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.routes.carried_metadata import carries_the_same

# What an object is apart from its identity.
IDENTITY = frozenset({"apiVersion", "kind", "metadata", "status"})
# Kinds whose spec must equal the desired one to the letter: all that a server would add to it was copied from the
# user's object, and one more condition in a route's match would let requests slip past.
EXACT_KINDS = frozenset({"HTTPRoute"})


def content(manifest: Manifest) -> dict[str, Any]:
    """What an object holds: `spec`, `data` and the like."""
    return {field: value for field, value in manifest.items() if field not in IDENTITY}


def drifted(observed: ClusterInputs, desired: Iterable[Manifest]) -> list[Manifest]:
    """The desired objects that are missing in the cluster or differ there, in their order."""
    return [each for each in desired if not matches_desired(observed.own(each["kind"], each["metadata"]["name"]), each)]


def matches_desired(observed: Manifest | None, desired: Manifest) -> bool:
    """Whether an object in the cluster holds all that is desired of it. Fields that the server adds do not matter, but
    every list must have just the desired entries, and kinds of `EXACT_KINDS` just the desired fields. An alias has
    nothing that its Service has lost."""
    if observed is None or not _covers(observed["metadata"], desired["metadata"]):
        return False
    if not carries_the_same(observed["metadata"], desired["metadata"]):
        return False
    if desired["kind"] in EXACT_KINDS:
        return all(observed.get(field) == value for field, value in content(desired).items())
    if desired["kind"] == "Service" and without_outdated(observed, desired) != observed:
        return False
    return _covers(content(observed), content(desired))


def _covers(observed: Any, desired: Any) -> bool:
    if isinstance(desired, Mapping):
        return isinstance(observed, Mapping) and all(
            key in observed and _covers(observed[key], value) for key, value in desired.items()
        )
    if isinstance(desired, list):
        return (
            isinstance(observed, list)
            and len(observed) == len(desired)
            and all(_covers(mine, theirs) for mine, theirs in zip(observed, desired, strict=True))
        )
    return bool(observed == desired)
