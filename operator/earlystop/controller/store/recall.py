"""Reads what a restarted operator goes on from and the status has no room for: looks that stand in a verdict alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from earlystop.controller.cluster import VERDICTS, Cluster
from earlystop.controller.fairness.turns import FairTurns
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.store.verdict_store import store_verdict
from earlystop.rollout.decision_digest import decision_digest
from earlystop.rollout.recorded_looks import with_looks
from earlystop.rollout.verdict import digest_of, verdict_name


async def recall_looks(cluster: Cluster, tracked: TrackedPolicy, judging: FairTurns, now: float) -> None:
    """Give a policy's state the looks that the verdict of its decision holds, and say on the policy where that cannot
    be done. It is tried again at each reconciliation, since a verdict may be restored. Where the state has them, as
    after an upgrade, it is only found out whether the verdict has them, too. judging: turns at the processor.

    Raises ClusterError when the API fails.
    """
    if not tracked.state.lacks_looks:
        tracked.observe(replace(tracked.observations, record=None), now)
        await _look_for_verdict(cluster, tracked)
        return
    name = verdict_name(tracked.name, tracked.state)
    stored = await cluster.get(VERDICTS, tracked.namespace, name)
    try:
        async with judging.of():
            state = await asyncio.to_thread(with_looks, tracked.state, stored)
    except ValueError as error:
        tracked.status.note_verdict(name, "")  # it was stored, and without its looks it cannot be made again
        tracked.observe(replace(tracked.observations, record=_lost(name, str(error))), now)
        return
    digest = decision_digest(tracked.name, tracked.uid, tracked.state)  # as the verdict has it, or there were no looks
    if decision_digest(tracked.name, tracked.uid, state) == digest:
        tracked.status.note_verdict(name, digest)
    tracked.advance(state, tracked.ledger)
    tracked.status.note_stored(state)
    tracked.observe(replace(tracked.observations, record=None), now)


def note_missing(
    policies: Iterable[TrackedPolicy], there: Collection[tuple[str, str]], wake: Callable[[tuple[str, str]], None]
) -> None:
    """Wake the guarded policies whose verdict was taken away while the operator ran: as long as it runs, it has the
    looks, and makes the verdict again. there: namespace and name of every verdict that was listed just now."""
    for tracked in policies:
        status = tracked.status
        if not status.verdict_digest or not tracked.state.is_guarded:
            continue
        if (tracked.namespace, status.verdict_stored) not in there:
            status.note_verdict("", "")  # one that came since the list is found again
            wake(tracked.key)


async def _look_for_verdict(cluster: Cluster, tracked: TrackedPolicy) -> None:
    """Find out whether the verdict of a guarded promotion is stored; one that is not there is made again."""
    if tracked.status.verdict_digest or not tracked.state.is_guarded:
        return
    name, digest = verdict_name(tracked.name, tracked.state), decision_digest(tracked.name, tracked.uid, tracked.state)
    stored = await cluster.get(VERDICTS, tracked.namespace, name)
    if stored is None:
        await store_verdict(cluster, tracked)
    elif digest_of(stored["spec"]) == digest:
        tracked.status.note_verdict(name, digest)


def _lost(name: str, problem: str) -> str:
    return (
        f"EarlyStopVerdict {name} {problem[:400]}. It holds the looks by which the setting in force was proven. The "
        "guard watches on, but a later decision of this campaign is recorded without them. Restore the verdict from a "
        "backup, or start a new campaign with kubectl earlystop retry."
    )
