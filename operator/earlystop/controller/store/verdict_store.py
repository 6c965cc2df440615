"""Storing verdicts: created once under a name that follows from the campaign, never changed, and read by the next
policy of the name."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any

from earlystop.api.wire import POLICY_LABEL
from earlystop.controller.cluster import VERDICTS, Cluster, ClusterError, Conflict
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.store.past_verdicts import removed_links
from earlystop.controller.telemetry import VERDICTS as VERDICTS_STORED
from earlystop.rollout.search.verdict_chain import DatedLink, Link, last_digest
from earlystop.rollout.spent_risk import attempts_recorded
from earlystop.rollout.state import Attempts, RolloutState
from earlystop.rollout.unstored import states_to_record
from earlystop.rollout.verdict import policy_label, verdict_name, verdict_object

log = logging.getLogger(__name__)


async def ensure_verdict_stored(cluster: Cluster, tracked: TrackedPolicy, now: float) -> bool:
    """Store the verdict of the policy's decision, and remember what prevents that. Returns whether it is stored."""
    problem = await store_verdict(cluster, tracked)
    tracked.observe(replace(tracked.observations, storage=problem), now)
    return problem is None


async def store_verdict(cluster: Cluster, tracked: TrackedPolicy) -> str | None:
    """Store the verdict of the policy's decision, after those before it that may be missing. Returns why one could not
    be stored, None once all are."""
    if tracked.status.verdict_stored == verdict_name(tracked.name, tracked.state):
        return None
    for each in states_to_record(tracked.state):
        problem = await _store(cluster, tracked, each)
        if problem is not None:
            return problem
    return None


async def _store(cluster: Cluster, tracked: TrackedPolicy, state: RolloutState) -> str | None:
    """Store the verdict of a state's decision. Returns why it could not be stored, None once it is."""
    verdict = verdict_object(tracked.name, tracked.namespace, tracked.uid, state)
    name = verdict["metadata"]["name"]
    try:
        await cluster.create(VERDICTS, tracked.namespace, verdict)
    except Conflict:
        stored = await cluster.get(VERDICTS, tracked.namespace, name)
        # The digest is a text like any other: who may create verdicts may write this one into a record of their own.
        if stored is None or stored["spec"] != verdict["spec"]:
            return f"EarlyStopVerdict {name} exists with other contents. Remove it, and the verdict will be stored."
    except ClusterError as error:
        if not (error.namespace_ends and tracked.policy.held_by):
            return f"EarlyStopVerdict {name} could not be stored and is tried again: {error.message}"
        # All verdicts of a namespace go with it, and whoever holds the policy's object may wait for its end.
        tracked.status.note_verdict(name, verdict["spec"]["digest"])
        log.warning("verdict %s is not stored: %s", name, error.message, extra={**tracked.log_fields, "verdict": name})
        return None
    else:
        VERDICTS_STORED.labels(verdict["spec"]["decision"], verdict["spec"]["reason"]).inc()
    spec = verdict["spec"]
    tracked.status.note_verdict(name, spec["digest"])
    fields = {"verdict": name, "digest": spec["digest"], "previous": spec.get("previous", "")}
    log.info("verdict %s is stored with the digest %s", name, spec["digest"], extra={**tracked.log_fields, **fields})
    return None


@dataclass(frozen=True, slots=True)
class EarlierPolicy:
    """What verdicts tell of policies that had the name before. attempts: their campaigns that spent risk, where risks
    are shared by campaigns. digest: of the verdict that the next one follows, "" where there is none."""

    attempts: tuple[Attempts, ...] = ()
    digest: str = ""


NO_EARLIER_POLICY = EarlierPolicy()


async def earlier_policy(cluster: Cluster, tracked: TrackedPolicy) -> EarlierPolicy:
    """What a policy goes on from that was made again under its name.

    Raises ClusterError when the API fails.
    """
    # Verdicts of earlier releases have no label with the name. They spend risk all the same.
    is_shared = tracked.spec.objective.risk.campaigns > 1
    labels = "" if is_shared else f"{POLICY_LABEL}={policy_label(tracked.name)}"
    links: list[DatedLink] = []
    records: list[dict[str, Any]] = []
    async for page in cluster.pages(VERDICTS, tracked.namespace, labels):
        own = [each for each in page if each["spec"].get("policy") == tracked.name]
        links += [DatedLink(str(each["spec"].get("at", "")), Link.of(each)) for each in own]
        records += [each["spec"] for each in own if is_shared]
    removed = await removed_links(cluster, tracked.namespace) if links else ()
    return EarlierPolicy(attempts_recorded(records, tracked.name), last_digest(links, removed))
