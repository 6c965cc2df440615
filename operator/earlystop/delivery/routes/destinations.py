"""Where routes lead, and whether an overlay still leads where the user's route does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from earlystop.delivery.golden_rules import rules_in_force, serves_no_user
from earlystop.delivery.inputs import Manifest

Destination = tuple[str, object]
"""Name and port of a Service."""


def leads_elsewhere(overlay: Manifest, other: Manifest) -> bool:
    """Whether an overlay leads users to a Service or port to which another route does not lead.

    other: the user's route, or the overlay as it shall be.
    """
    if serves_no_user(overlay):
        return False
    return not baseline_destinations(overlay) <= destinations(other)


def baseline_destinations(overlay: Manifest) -> set[Destination]:
    """Where the rules that users meet lead the baseline's requests, which go to the user's own Service: the first
    backend of each rule."""
    return _destinations(backend for rule in rules_in_force(overlay) for backend in _backends(rule)[:1])


def destinations(route: Manifest) -> set[Destination]:
    """Where a route leads."""
    return _destinations(backend for rule in route["spec"].get("rules") or [] for backend in _backends(rule))


def attachment(route: Manifest) -> tuple[Any, Any]:
    """What a route is attached to: its parents and hostnames."""
    return route["spec"].get("parentRefs") or [], route["spec"].get("hostnames") or []


def _backends(rule: Mapping[str, Any]) -> list[dict[str, Any]]:
    return rule.get("backendRefs") or []


def _destinations(backends: Iterable[Mapping[str, Any]]) -> set[Destination]:
    return {(backend["name"], backend.get("port")) for backend in backends}
