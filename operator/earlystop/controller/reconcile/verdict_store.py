"""Storing verdicts: created once under a name that follows from the campaign, never changed."""

from __future__ import annotations

from earlystop.controller.cluster import VERDICTS, Cluster, ClusterError, Conflict
from earlystop.controller.reconcile.tracked import TrackedPolicy
from earlystop.rollout.verdict import verdict_name, verdict_object


async def store_verdict(cluster: Cluster, tracked: TrackedPolicy) -> str | None:
    """Store the verdict of the policy's decision. Returns why it could not be stored, None once it is stored."""
    if tracked.status.verdict_stored == verdict_name(tracked.name, tracked.state):
        return None
    verdict = verdict_object(tracked.name, tracked.namespace, tracked.uid, tracked.state)
    name = verdict["metadata"]["name"]
    try:
        await cluster.create(VERDICTS, tracked.namespace, verdict)
    except Conflict:
        stored = await cluster.get(VERDICTS, tracked.namespace, name)
        if stored is None or stored["spec"].get("digest") != verdict["spec"]["digest"]:
            return f"EarlyStopVerdict {name} exists with other contents. Remove it, and the verdict will be stored."
    except ClusterError as error:
        return f"EarlyStopVerdict {name} could not be stored and is tried again: {error.message}"
    tracked.status.note_verdict(name)
    return None
