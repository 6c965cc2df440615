"""Whether counts are missing because the target's Deployment has no replicas, and nothing could be counted."""

from __future__ import annotations

from contextlib import suppress

from earlystop.controller.cluster import DEPLOYMENTS, Cluster, ClusterError
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.metrics.source.failures import FailureKind, MetricsFailure

ABSENT = frozenset({FailureKind.STALE, FailureKind.NO_DATA})


async def explained_by_replicas(cluster: Cluster, tracked: TrackedPolicy, failure: MetricsFailure) -> MetricsFailure:
    """The failure; ScaledToZero in its place when the target was scaled to zero, by a person or an autoscaler."""
    if failure.kind not in ABSENT:
        return failure
    name, deployment = tracked.plan.spec.target_ref.name, None
    with suppress(ClusterError):  # then the failure stands as it is
        deployment = await cluster.get(DEPLOYMENTS, tracked.namespace, name)
    if deployment is None or deployment.get("spec", {}).get("replicas") != 0:
        return failure
    return MetricsFailure(FailureKind.SCALED_TO_ZERO, f"the Deployment {name} has 0 replicas")
