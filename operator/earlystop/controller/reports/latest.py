"""Which verdict is that of a policy's latest decision, and where it is, however many there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from earlystop.api.wire import DIGEST_ANNOTATION
from earlystop.controller.cluster import VERDICTS, Cluster, Manifest

MOST_LISTED = 10_000
"""Verdicts of a policy whose names and digests are gone through for one page."""
LISTED_AT_ONCE = 500
"""Metadata of one answer, of a kilobyte each."""


@dataclass(frozen=True, slots=True)
class Latest:
    """The verdict of the latest decision, as a policy's status tells it. name: "" where only its digest is told, as
    while a later campaign is under way."""

    name: str
    digest: str


def latest_in_status(policy: Manifest | None) -> Latest | None:
    """What the status of a policy says; None for one that is not there or has never decided."""
    status = _part(policy or {}, "status")
    decision = _part(status, "decision")
    if decision.get("name"):
        return Latest(str(decision["name"]), str(decision.get("digest") or ""))
    return Latest("", str(status["previousDigest"])) if status.get("previousDigest") else None


async def read_latest(cluster: Cluster, namespace: str, labels: str, latest: Latest) -> Manifest | None:
    """The verdict of the latest decision, whole; None where it is not there. labels: of the policy's verdicts.

    Raises ClusterError when the API fails.
    """
    name = latest.name or await _name_of(cluster, namespace, labels, latest.digest)
    return None if name is None else await cluster.get(VERDICTS, namespace, name)


async def _name_of(cluster: Cluster, namespace: str, labels: str, digest: str) -> str | None:
    seen = 0
    async for page in cluster.pages(VERDICTS, namespace, labels, at_once=LISTED_AT_ONCE, metadata_only=True):
        for each in page:
            if _part(each["metadata"], "annotations").get(DIGEST_ANNOTATION) == digest:
                return str(each["metadata"]["name"])
        seen += len(page)
        if seen >= MOST_LISTED:
            return None
    return None


def _part(manifest: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = manifest.get(name)
    return part if isinstance(part, Mapping) else {}
