"""What preflight says of a user's route, and routes that somebody has already said something of."""

from __future__ import annotations

from typing import Any

from earlystop.api.conditions import Refusal
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.preflight import preflight
from tests.unit.delivery.cluster import (
    SHARE,
    route,
)


def managed(**metadata: Any) -> dict[str, Any]:
    users = route()
    users["metadata"] |= metadata
    return users


def refused(here: ClusterInputs) -> Refusal | None:
    return preflight(here, SHARE)


def said(status: str, reason: str, message: str = "", **parent: Any) -> dict[str, Any]:
    """The user's route with a gateway's word about it."""
    condition = {"type": "Accepted", "status": status, "reason": reason, "message": message, "observedGeneration": 3}
    users = managed(generation=3)
    users["status"] = {"parents": [{"parentRef": {"name": "edge", **parent}, "conditions": [condition]}]}
    return users
