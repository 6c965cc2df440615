"""Writing a policy's status: one compare-and-swap that holds counts, evidence and decision together."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from earlystop.api.conditions import Condition, ConditionType, Refusal
from earlystop.api.interning import interned_spec
from earlystop.api.policy import PolicySpec
from earlystop.controller.cluster import POLICIES, Cluster, Conflict, Manifest, NotFound
from earlystop.controller.reconcile.policy_snapshot import ConditionSummary, PolicySnapshot
from earlystop.controller.reconcile.tracked import TrackedPolicy
from earlystop.metrics.count_ledger import CountLedger, pack_ledger, series_in
from earlystop.metrics.templates.reset_ledger_text import TooManySeries
from earlystop.rollout.conditions import conditions
from earlystop.rollout.formatting import rfc3339
from earlystop.rollout.state import RolloutState
from earlystop.rollout.status_codec import TooLarge, to_status

log = logging.getLogger(__name__)


class StatusConflict(Exception):
    """Someone else changed the policy in the meantime; the session has been read anew and the visit starts over."""


async def write_status(
    cluster: Cluster, tracked: TrackedPolicy, state: RolloutState, ledger: CountLedger, now: float
) -> None:
    """Store a state and the ledger that it was reached with, and the conditions that follow from the session's facts.
    The session takes both over only when they are stored; counts that outgrow the status are not.

    Raises Outrun after a conflict, Gone when the policy is gone, ClusterError when the API fails.
    """
    try:
        status = to_status(tracked.name, tracked.uid, tracked.spec, state, pack_ledger(ledger))
    except (TooLarge, TooManySeries):
        # What is stored stays as it is. What was seen since is kept here only, and is read again after a restart.
        tracked.overflow = _too_many_series(series_in(ledger))
        tracked.observations = replace(tracked.observations, refusal=tracked.overflow)
        await _replace(cluster, tracked, await _stored_status(cluster, tracked, now), tracked.state, now)
        return
    tracked.overflow = None
    await _replace(cluster, tracked, status, state, now)
    tracked.stored = tracked.state = state
    tracked.stored_ledger = tracked.ledger = ledger


async def _replace(
    cluster: Cluster, tracked: TrackedPolicy, status: dict[str, Any], state: RolloutState, now: float
) -> None:
    status["observedGeneration"] = tracked.generation
    said = conditions(state, tracked.observations)
    status["conditions"] = merge_conditions(tracked.policy.said, said, tracked.generation, int(now))
    body = {**tracked.policy.reference(), "status": status}
    try:
        tracked.policy = PolicySnapshot.of(await cluster.replace(POLICIES, tracked.namespace, body, "status"))
    except Conflict:
        await refresh(cluster, tracked, now)
        raise StatusConflict from None
    except NotFound:
        raise Gone(tracked.label) from None
    tracked.written_at = now


async def _stored_status(cluster: Cluster, tracked: TrackedPolicy, now: float) -> dict[str, Any]:
    """The status as it stands in the API. Raises Outrun when it is not the one that the session knows."""
    stored = await _read(cluster, tracked)
    if PolicySnapshot.of(stored).digest != tracked.policy.digest:
        await refresh(cluster, tracked, now)
        raise StatusConflict
    return dict(stored.get("status", {}))


async def _read(cluster: Cluster, tracked: TrackedPolicy) -> Manifest:
    manifest = await cluster.get(POLICIES, tracked.namespace, tracked.name)
    if manifest is None or manifest["metadata"]["uid"] != tracked.uid:
        raise Gone(tracked.label)
    return manifest


async def confirm(cluster: Cluster, tracked: TrackedPolicy, now: float) -> None:
    """Make sure that what is about to be acted on is still what is stored: another operator may have moved on.

    Raises Outrun when it is not, Gone when the policy is gone.
    """
    known = _decides(tracked)
    await refresh(cluster, tracked, now)
    if _decides(tracked) != known:
        raise StatusConflict


def _decides(tracked: TrackedPolicy) -> tuple[Any, ...]:
    """All of a policy that decides what is done: an annotation may ask for the opposite of what is about to be."""
    return tracked.policy.digest, tracked.generation, tracked.policy.asked


async def refresh(cluster: Cluster, tracked: TrackedPolicy, now: float) -> None:
    """Read the policy anew. What the session knows stays, unless another writer has moved the status on.

    Raises Gone when the policy, or the one with this UID, is gone.
    """
    fresh = await _read(cluster, tracked)
    tracked.outdated = False
    policy, spec = PolicySnapshot.of(fresh), interned_spec(PolicySpec.model_validate(fresh["spec"]))
    loaded = TrackedPolicy.load(fresh, now) if policy.digest != tracked.policy.digest else None
    tracked.policy, tracked.spec = policy, spec
    if loaded is not None:
        log.info("the status was written by someone else; going on from it", extra=tracked.log_fields)
        tracked.state = tracked.stored = loaded.state
        tracked.ledger = tracked.stored_ledger = loaded.ledger
        tracked.observations, tracked.suspect, tracked.proven = loaded.observations, True, None


class Gone(Exception):
    """The policy was deleted, or replaced by another of the same name."""


def merge_conditions(
    old: tuple[ConditionSummary, ...], new: tuple[Condition, ...], generation: int, now: int
) -> list[dict[str, Any]]:
    """Conditions as Kubernetes keeps them: the time of transition changes only when the status does."""
    before = {condition.type: condition for condition in old}
    merged = []
    for condition in new:
        known = before.get(condition.type.value)
        same = known is not None and known.status == condition.status.value
        merged.append(
            {
                "type": condition.type.value,
                "status": condition.status.value,
                "observedGeneration": generation,
                "lastTransitionTime": known.since if same and known else rfc3339(now),
                "reason": condition.reason,
                "message": condition.message[:2048],
            }
        )
    return merged


def conditions_to_write(tracked: TrackedPolicy) -> frozenset[ConditionType]:
    """The conditions that differ from what would be said now, but for wording and numbers."""
    if tracked.policy.observed != tracked.generation:
        return frozenset(ConditionType)
    said = {condition[:3] for condition in tracked.policy.said}
    now = conditions(tracked.state, tracked.observations)
    return frozenset(c.type for c in now if (c.type.value, c.status.value, c.reason) not in said)


def _too_many_series(series: int) -> Refusal:
    return Refusal(
        "TooManySeries",
        f"{series} series carry this policy's current step, more than its status can hold. Run fewer "
        "server processes or query classes, or raise rollout.lookSeconds.",
    )
