"""Writing a policy's status: one compare-and-swap that holds counts, evidence and decision together."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from earlystop.api.conditions import Condition, ConditionType, Refusal
from earlystop.api.interning import interned_spec
from earlystop.api.policy import PolicySpec
from earlystop.api.status.compact import whole
from earlystop.api.visible import visible
from earlystop.controller.cluster import POLICIES, Cluster, Conflict, Manifest, NotFound
from earlystop.controller.counts.cross_check import take_back_if_over
from earlystop.controller.memory.pauses import RECHECK_REFUSED_SECONDS
from earlystop.controller.memory.policy_snapshot import ConditionSummary, PolicySnapshot
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.store.load_policy import load_policy, plans_of
from earlystop.metrics.count_ledger import CountLedger, pack_ledger, source_of
from earlystop.metrics.templates.reset_ledger_text import TooManySeries
from earlystop.rollout.conditions import conditions
from earlystop.rollout.formatting import rfc3339
from earlystop.rollout.guard.busy_words import load_condition
from earlystop.rollout.state import RolloutState
from earlystop.rollout.stored.plan_reference import with_plan
from earlystop.rollout.stored.status_codec import TooLarge, to_status

log = logging.getLogger(__name__)


class StatusConflict(Exception):
    """Another writer changed the policy meanwhile. It has been read again, and its reconciliation starts over."""


async def write_status(
    cluster: Cluster, tracked: TrackedPolicy, state: RolloutState, ledger: CountLedger, now: float
) -> None:
    """Store a state, the ledger that led to it, and the conditions that follow from the policy's observations.

    The tracked policy takes both over only after the API server has stored them. Counts that outgrow the status are
    not stored, and the state that was reached with them neither.

    Raises StatusConflict after a conflict, Gone when the policy is gone, ClusterError when the API fails.
    """
    take_back_if_over(tracked, state, now)
    try:
        status = to_status(tracked.name, tracked.uid, tracked.times, state, pack_ledger(ledger))
    except (TooLarge, TooManySeries):
        # The stored status stays as it is. A restarted operator reads the later looks again.
        refusal = _too_many_series(source_of(ledger).series_count(ledger))
        tracked.status.note_overflow(refusal)
        tracked.postpone_reading(now + RECHECK_REFUSED_SECONDS)
        tracked.observe(replace(tracked.observations, refusal=refusal), now)
        await _replace(cluster, tracked, await _stored_status(cluster, tracked, now), tracked.state, now)
        return
    tracked.status.clear_overflow()
    await _replace(cluster, tracked, status, state, now)
    tracked.advance(state, ledger)
    tracked.status.note_stored(state)


async def _replace(
    cluster: Cluster, tracked: TrackedPolicy, status: dict[str, Any], state: RolloutState, now: float
) -> None:
    status["observedGeneration"] = tracked.generation
    current = _conditions_of(tracked, state)
    status["conditions"] = merge_conditions(tracked.policy.conditions, current, tracked.generation, int(now))
    is_recorded = tracked.status.holds_looks((status.get("decision") or {}).get("digest"))
    body = {**tracked.policy.reference(), "status": cluster.layout.of(status, tracked.spec, is_recorded=is_recorded)}
    version: str | None = None
    tracked.status.begin_write()
    try:
        written = await cluster.replace(POLICIES, tracked.namespace, body, "status")
        cluster.layout = cluster.layout.after_writing(body["status"], written.get("status", {}))
        tracked.replace_object(PolicySnapshot.of(written), tracked.spec, now)
        version = tracked.policy.version
    except Conflict:
        await refresh(cluster, tracked, now)
        raise StatusConflict from None
    except NotFound:
        raise Gone(tracked.label) from None
    finally:
        tracked.status.end_write(version)
    tracked.status.note_written(now, tracked.shown.traffic.message)


async def _stored_status(cluster: Cluster, tracked: TrackedPolicy, now: float) -> dict[str, Any]:
    """The status as it stands in the API. Raises StatusConflict when it is not the one last read or written."""
    stored = await _read(cluster, tracked)
    if PolicySnapshot.of(stored).digest != tracked.policy.digest:
        await refresh(cluster, tracked, now)
        raise StatusConflict
    status = dict(stored.get("status", {}))
    cluster.layout = cluster.layout.after_reading(status)
    return with_plan(whole(status), tracked.spec, plans_of(tracked))


async def _read(cluster: Cluster, tracked: TrackedPolicy) -> Manifest:
    manifest = await cluster.get(POLICIES, tracked.namespace, tracked.name)
    if manifest is None or manifest["metadata"]["uid"] != tracked.uid:
        raise Gone(tracked.label)
    return manifest


async def ensure_unchanged(cluster: Cluster, tracked: TrackedPolicy, now: float) -> None:
    """Make sure, before a write to the cluster, that no other operator or person has changed the policy meanwhile.

    Raises StatusConflict when its status, generation or requests differ, Gone when the policy is gone.
    """
    known = _what_decides(tracked)
    await refresh(cluster, tracked, now)
    if _what_decides(tracked) != known:
        raise StatusConflict


def _what_decides(tracked: TrackedPolicy) -> tuple[Any, ...]:
    """The parts of a policy that decide what to write: a new annotation may ask for the opposite."""
    return tracked.policy.digest, tracked.generation, tracked.policy.requests


async def refresh(cluster: Cluster, tracked: TrackedPolicy, now: float) -> None:
    """Read the policy again. What the operator remembers stays, unless another writer has changed the status.

    Raises Gone when the policy, or the one with this UID, is gone.
    """
    reported = tracked.status.reported
    fresh = await _read(cluster, tracked)
    tracked.status.note_refreshed(reported)
    policy, spec = PolicySnapshot.of(fresh), interned_spec(PolicySpec.model_validate(fresh["spec"]))
    loaded = await load_policy(cluster, fresh, now, tracked) if policy.digest != tracked.policy.digest else None
    tracked.replace_object(policy, spec, now)
    if loaded is not None:
        log.info("another writer has changed the status; the operator goes on from it", extra=tracked.log_fields)
        tracked.resume_from(loaded)


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
                "message": visible(condition.message[:2048]),
            }
        )
    return merged


def _conditions_of(tracked: TrackedPolicy, state: RolloutState, *, worded: bool = True) -> tuple[Condition, ...]:
    """All conditions of a policy in this state. worded: as in `conditions`."""
    said = conditions(state, tracked.shown, edited=tracked.is_edited(state), worded=worded)
    load = load_condition(tracked.times, state, tracked.load_memory.read)
    return said if load is None else (*said, load)


def conditions_to_write(tracked: TrackedPolicy) -> frozenset[ConditionType]:
    """The conditions whose status or reason in the stored status is out of date; messages alone do not count."""
    if tracked.policy.observed_generation != tracked.generation:
        return frozenset(ConditionType)
    stored = {condition[:3] for condition in tracked.policy.conditions}
    now = _conditions_of(tracked, tracked.state, worded=False)
    return frozenset(c.type for c in now if (c.type.value, c.status.value, c.reason) not in stored)


def _too_many_series(series: int) -> Refusal:
    return Refusal(
        "TooManySeries",
        f"{series} series carry this policy's current step, more than its status can hold. Run fewer "
        "server processes or query classes, or raise rollout.lookSeconds.",
    )
