"""What the operator keeps of a policy's object: enough to write its status and to notice other writers.

The object itself is ten times as large, with the texts of its conditions and the lists of who wrote which field.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from sys import intern
from typing import Any, NamedTuple, Self

from earlystop.api.interning import interned
from earlystop.api.status.compact import whole
from earlystop.controller.memory.annotations import PolicyRequests, requests_in
from earlystop.controller.resources import POLICIES, Manifest
from earlystop.rollout.words.deletion import held_by


class ConditionSummary(NamedTuple):
    """A stored condition without its message. since: time of its last transition, as it is written."""

    type: str
    status: str
    reason: str
    since: str


@dataclass(frozen=True, slots=True)
class PolicySnapshot:
    """A policy's object as the operator last read or wrote it.

    version: its resourceVersion. created: its creationTimestamp.
    requests: what its annotations request.
    observed_generation: generation that the stored status is about, None before the first status.
    held_by: finalizers of others that keep it after it was deleted, `UNNAMED` for none; empty while it was not.
    conditions: the stored conditions. digest: SHA-256 of the whole stored status.
    """

    namespace: str
    name: str
    uid: str
    generation: int
    version: str
    created: str
    requests: PolicyRequests
    observed_generation: int | None
    conditions: tuple[ConditionSummary, ...]
    digest: bytes
    held_by: tuple[str, ...] = ()

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        """The snapshot of an object as the API server gave it."""
        metadata, status = manifest["metadata"], manifest.get("status", {})
        shown = whole(status)
        return cls(
            namespace=intern(metadata["namespace"]),
            name=metadata["name"],
            uid=str(metadata["uid"]),
            generation=int(metadata["generation"]),
            version=metadata["resourceVersion"],
            created=metadata["creationTimestamp"],
            requests=interned(requests_in(manifest)),
            observed_generation=status.get("observedGeneration"),
            conditions=condition_summaries(shown),
            digest=digest_of_status(status),
            held_by=held_by(metadata),
        )

    def reference(self) -> Manifest:
        """The object's identity and resourceVersion: all that a write of its status carries besides the status."""
        metadata = {"namespace": self.namespace, "name": self.name, "uid": self.uid, "resourceVersion": self.version}
        return {"apiVersion": POLICIES.api_version, "kind": "EarlyStopPolicy", "metadata": metadata}


def condition_summaries(status: Mapping[str, Any]) -> tuple[ConditionSummary, ...]:
    """The conditions of a stored status; one without a time was not written by the operator.
    Thousands of policies share their few words."""
    return tuple(
        ConditionSummary(*(intern(each[name]) for name in ("type", "status", "reason", "lastTransitionTime")))
        for each in status.get("conditions", [])
        if "lastTransitionTime" in each
    )


def digest_of_status(status: Mapping[str, Any]) -> bytes:
    """Equal for equal statuses only."""
    return hashlib.sha256(json.dumps(status, sort_keys=True, separators=(",", ":")).encode()).digest()
