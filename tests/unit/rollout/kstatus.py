"""What kstatus, by which Flux and Helm wait, computes of a custom resource: its rules for any kind, in their order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def computed(manifest: Mapping[str, Any]) -> str:
    """InProgress, Failed, Terminating or Current."""
    status, metadata = manifest.get("status") or {}, manifest["metadata"]
    if "deletionTimestamp" in metadata:
        return "Terminating"
    if "observedGeneration" in status and status["observedGeneration"] != metadata["generation"]:
        return "InProgress"
    conditions = {each["type"]: each["status"] for each in status.get("conditions") or ()}
    if conditions.get("Reconciling") == "True":
        return "InProgress"
    if conditions.get("Stalled") == "True":
        return "Failed"
    return "Current" if conditions.get("Ready", "True") == "True" else "InProgress"
