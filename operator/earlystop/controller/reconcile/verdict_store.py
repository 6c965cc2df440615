"""Storing verdicts: created once under a name that follows from the campaign, never changed, and read by the next
policy of the name."""

from __future__ import annotations

from dataclasses import replace

from earlystop.controller.cluster import VERDICTS, Cluster, ClusterError, Conflict
from earlystop.controller.reconcile.tracked import TrackedPolicy
from earlystop.controller.telemetry import VERDICTS as VERDICTS_STORED
from earlystop.rollout.spent_risk import attempts_recorded
from earlystop.rollout.state import Attempts
from earlystop.rollout.verdict import verdict_name, verdict_object


async def ensure_verdict_stored(cluster: Cluster, tracked: TrackedPolicy, now: float) -> bool:
    """Store the verdict of the policy's decision, and remember what prevents that. Returns whether it is stored."""
    problem = await store_verdict(cluster, tracked)
    tracked.observe(replace(tracked.observations, storage=problem), now)
    return problem is None


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
        # The digest is a text like any other: who may create verdicts may write this one into a record of their own.
        if stored is None or stored["spec"] != verdict["spec"]:
            return f"EarlyStopVerdict {name} exists with other contents. Remove it, and the verdict will be stored."
    except ClusterError as error:
        return f"EarlyStopVerdict {name} could not be stored and is tried again: {error.message}"
    else:
        VERDICTS_STORED.labels(verdict["spec"]["decision"], verdict["spec"]["reason"]).inc()
    tracked.status.note_verdict(name)
    return None


async def recorded_attempts(cluster: Cluster, tracked: TrackedPolicy) -> tuple[Attempts, ...]:
    """Campaigns that verdicts of a deleted policy of the same name tell of. They are asked for before the first
    campaign of a policy whose campaigns share the risks, and never again.

    Raises ClusterError when the API fails.
    """
    begins = tracked.state.plan is None and not tracked.spec.suspend and tracked.observations.refusal is None
    if not begins or tracked.spec.objective.risk.campaigns == 1:
        return ()
    records = [
        each["spec"]
        async for page in cluster.pages(VERDICTS, tracked.namespace)
        for each in page
        if each["spec"].get("policy") == tracked.name
    ]
    return attempts_recorded(records, tracked.name)
