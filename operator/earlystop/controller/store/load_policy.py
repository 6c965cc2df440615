"""Reads a policy as the API server has it, and the plan of its campaign from its verdict where nothing else says it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from earlystop.api.status.compact import whole
from earlystop.controller.cluster import VERDICTS, Cluster, ClusterError, Manifest
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.rollout.stored.plan_reference import PlanElsewhere, plan_recorded

ATTEMPTS, PAUSE_SECONDS = 30, 2.0
"""How often a policy is read anew while the API does not answer for its verdict, and how long after each time: a minute
in all. Policies that are not tracked are tried again with each comparison of what is tracked with a list."""

log = logging.getLogger(__name__)


async def load_policy(
    cluster: Cluster, manifest: Manifest, now: float, known: TrackedPolicy | None = None
) -> TrackedPolicy:
    """Start to track a policy, as the API server gave it, at Unix time `now`. known: what was tracked of it so far.

    A guarded promotion whose spec was edited while no operator ran has its plan in its verdict alone.

    Raises ValueError as `TrackedPolicy.load`, ClusterError when the API fails.
    """
    try:
        return TrackedPolicy.load(manifest, now, plans_of(known))
    except PlanElsewhere:
        decision = whole(manifest["status"]).get("decision") or {}
        verdict = await cluster.get(VERDICTS, manifest["metadata"]["namespace"], str(decision.get("name")))
        return TrackedPolicy.load(manifest, now, plan_recorded(verdict))


async def load_new_policy(
    cluster: Cluster,
    manifest: Manifest,
    clock: Callable[[], float],
    pause: float = PAUSE_SECONDS,
    attempts: int = ATTEMPTS,
) -> TrackedPolicy:
    """`load_policy` for one that nothing is known of, repeated for a while where the API fails: nobody watches over a
    policy before it is tracked. pause: seconds between attempts; attempts: at most, at least 1. Raises as
    `load_policy`."""
    for attempt in range(1, attempts + 1):
        try:
            return await load_policy(cluster, manifest, clock())
        except ClusterError as error:
            if attempt == attempts:
                raise
            log.warning("the verdict with the plan of a policy cannot be read yet: %s", error)
            await asyncio.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


def unreadable(error: ValueError | ClusterError) -> str:
    """What a policy's event says of the error that `load_new_policy` raised, within the API server's limit."""
    if isinstance(error, ClusterError):
        return (
            "This policy's plan stands in its verdict alone, which the API server does not give, so nothing is done "
            "about the policy and requests are led as they were; the operator asks again every ten minutes, and when "
            f"the policy is edited. Let the operator read verdicts of this namespace. The API server says: {error}"
        )[:900]
    return f"This policy's spec or status cannot be read and nothing is done about it: {error}"[:900]


def plans_of(known: TrackedPolicy | None) -> tuple[str, ...]:
    """The text of the plan of the campaign under way, where there is one."""
    return () if known is None or known.state.plan is None else (known.state.plan.text,)
