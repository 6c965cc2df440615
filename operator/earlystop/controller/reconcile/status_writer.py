"""Writing a policy's status: one compare-and-swap that holds counts, evidence and decision together."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from earlystop.api.conditions import Condition, ConditionType, Refusal
from earlystop.api.interning import shared
from earlystop.api.policy import PolicySpec
from earlystop.controller.cluster import POLICIES, Cluster, Conflict, Manifest, NotFound
from earlystop.controller.reconcile.policy_snapshot import Said, StoredPolicy
from earlystop.controller.reconcile.tracked import Session
from earlystop.metrics.count_ledger import Book, pack_book, series_in
from earlystop.metrics.templates.reset_ledger_text import TooManySeries
from earlystop.rollout.conditions import conditions
from earlystop.rollout.formatting import rfc3339
from earlystop.rollout.state import RolloutState
from earlystop.rollout.status_codec import TooLarge, to_status

log = logging.getLogger(__name__)


class Outrun(Exception):
    """Someone else changed the policy in the meantime; the session has been read anew and the visit starts over."""


async def write_status(cluster: Cluster, session: Session, state: RolloutState, ledger: Book, now: float) -> None:
    """Store a state and the ledger that it was reached with, and the conditions that follow from the session's facts.
    The session takes both over only when they are stored; counts that outgrow the status are not.

    Raises Outrun after a conflict, Gone when the policy is gone, ClusterError when the API fails.
    """
    try:
        status = to_status(session.name, session.uid, session.spec, state, pack_book(ledger))
    except (TooLarge, TooManySeries):
        # What is stored stays as it is. What was seen since is kept here only, and is read again after a restart.
        session.overflow = _too_many_series(series_in(ledger))
        session.facts = replace(session.facts, refusal=session.overflow)
        await _replace(cluster, session, await _stored_status(cluster, session, now), session.state, now)
        return
    session.overflow = None
    await _replace(cluster, session, status, state, now)
    session.stored = session.state = state
    session.stored_ledger = session.ledger = ledger


async def _replace(cluster: Cluster, session: Session, status: dict[str, Any], state: RolloutState, now: float) -> None:
    status["observedGeneration"] = session.generation
    said = conditions(state, session.facts)
    status["conditions"] = merge_conditions(session.policy.said, said, session.generation, int(now))
    body = {**session.policy.reference(), "status": status}
    try:
        session.policy = StoredPolicy.of(await cluster.replace(POLICIES, session.namespace, body, "status"))
    except Conflict:
        await read_again(cluster, session, now)
        raise Outrun from None
    except NotFound:
        raise Gone(session.label) from None
    session.written_at = now


async def _stored_status(cluster: Cluster, session: Session, now: float) -> dict[str, Any]:
    """The status as it stands in the API. Raises Outrun when it is not the one that the session knows."""
    stored = await _read(cluster, session)
    if StoredPolicy.of(stored).digest != session.policy.digest:
        await read_again(cluster, session, now)
        raise Outrun
    return dict(stored.get("status", {}))


async def _read(cluster: Cluster, session: Session) -> Manifest:
    manifest = await cluster.get(POLICIES, session.namespace, session.name)
    if manifest is None or manifest["metadata"]["uid"] != session.uid:
        raise Gone(session.label)
    return manifest


async def confirm(cluster: Cluster, session: Session, now: float) -> None:
    """Make sure that what is about to be acted on is still what is stored: another operator may have moved on.

    Raises Outrun when it is not, Gone when the policy is gone.
    """
    known = _decides(session)
    await read_again(cluster, session, now)
    if _decides(session) != known:
        raise Outrun


def _decides(session: Session) -> tuple[Any, ...]:
    """All of a policy that decides what is done: an annotation may ask for the opposite of what is about to be."""
    return session.policy.digest, session.generation, session.policy.asked


async def read_again(cluster: Cluster, session: Session, now: float) -> None:
    """Read the policy anew. What the session knows stays, unless another writer has moved the status on.

    Raises Gone when the policy, or the one with this UID, is gone.
    """
    fresh = await _read(cluster, session)
    session.outdated = False
    policy, spec = StoredPolicy.of(fresh), shared(PolicySpec.model_validate(fresh["spec"]))
    loaded = Session.load(fresh, now) if policy.digest != session.policy.digest else None
    session.policy, session.spec = policy, spec
    if loaded is not None:
        log.info("the status was written by someone else; going on from it", extra=session.log_fields)
        session.state = session.stored = loaded.state
        session.ledger = session.stored_ledger = loaded.ledger
        session.facts, session.suspect, session.proven = loaded.facts, True, None


class Gone(Exception):
    """The policy was deleted, or replaced by another of the same name."""


def merge_conditions(
    old: tuple[Said, ...], new: tuple[Condition, ...], generation: int, now: int
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


def unsaid(session: Session) -> frozenset[ConditionType]:
    """The conditions that differ from what would be said now, but for wording and numbers."""
    if session.policy.observed != session.generation:
        return frozenset(ConditionType)
    said = {condition[:3] for condition in session.policy.said}
    now = conditions(session.state, session.facts)
    return frozenset(c.type for c in now if (c.type.value, c.status.value, c.reason) not in said)


def _too_many_series(series: int) -> Refusal:
    return Refusal(
        "TooManySeries",
        f"{series} series carry this policy's current step, more than its status can hold. Run fewer "
        "server processes or query classes, or raise rollout.lookSeconds.",
    )
