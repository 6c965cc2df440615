"""What a policy's status says by itself: no kind and no campaign is loaded for it, which takes longer than all else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from earlystop.api.status.compact import whole
from earlystop.controller.resources import Manifest

UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)
"""What is raised for an object that another release wrote, or that nobody did."""


def unpacked_status(policy: Mapping[str, Any]) -> Manifest:
    """The status of a policy with all that is packed in it, empty where it has none. What cannot be unpacked stays, and
    so does a reference to a plan (`view.status_of` has the plan itself)."""
    status = policy.get("status")
    if not isinstance(status, dict):
        return {}
    try:
        return whole(status)
    except UNREADABLE:
        return status


def conditions_of(status: Mapping[str, Any]) -> dict[str, Manifest]:
    """Conditions by type; what is none is left out."""
    return dict(_conditions(status))


def _conditions(status: Mapping[str, Any]) -> Iterator[tuple[str, Manifest]]:
    found = status.get("conditions")
    for each in found if isinstance(found, list) else ():
        if isinstance(each, dict) and {"type", "status", "reason"} <= each.keys():
            yield str(each["type"]), {"message": "", **each}
