"""Putting a split in force: carry out what `delivery.decide` says, and ask it again with what has come of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import aiohttp

from earlystop.api.conditions import Condition, ConditionType
from earlystop.controller.cache.stripped import gist_of_users_objects
from earlystop.controller.cluster import Cluster, Manifest
from earlystop.controller.reconcile.status_writer import ensure_unchanged
from earlystop.controller.reconcile.tracked import TrackedPolicy
from earlystop.controller.traffic.apply import replace_all, write_all
from earlystop.controller.traffic.gatherer import inputs_of_plan
from earlystop.controller.traffic.turns import ProbeTurns
from earlystop.delivery.canary import probe_variants
from earlystop.delivery.decide import (
    Detach,
    Probe,
    Quarantine,
    SplitStatus,
    Wait,
    Write,
    decide,
    decide_while_suspended,
)
from earlystop.delivery.desired import desired_traffic
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.probe import probe
from earlystop.delivery.proof import ProbeResult, Probes, ProbeTarget, Proof
from earlystop.delivery.split import TrafficSplit
from earlystop.rollout.event_notes import EventNote
from earlystop.rollout.observations import Observation
from earlystop.rollout.state import Phase


@dataclass(frozen=True, slots=True)
class SplitResult:
    """How far a split has got, and what to say about it.

    changed: objects that had to be written for it. followed: whether they follow an edit of users' objects, None when
    it is not known.
    """

    status: SplitStatus
    observation: Observation
    changed: tuple[str, ...] = ()
    followed: bool | None = None


async def put_in_force(
    cluster: Cluster,
    http: aiohttp.ClientSession,
    tracked: TrackedPolicy,
    split: TrafficSplit,
    now: float,
    turns: ProbeTurns | None = None,
) -> SplitResult:
    """Write what the split needs and prove it. Nothing is written when all is as it should be.

    turns: bounds how many policies of a namespace send probes at once, None for no bound.

    Raises StatusConflict when the policy has changed meanwhile, ClusterError when the API fails.
    """
    rolling_back = tracked.state.phase in (Phase.ROLLING_BACK, Phase.ROLLED_BACK)
    observed = await inputs_of_plan(cluster, tracked, now)
    desired = desired_traffic(observed, split, rolling_back)
    said, memory = tracked.observations.traffic, tracked.traffic
    followed = memory.note_users_objects(gist_of_users_objects(observed))
    condition = Condition(ConditionType.TRAFFIC_APPLIED, said.status, said.reason, said.message)
    # In later phases the split was proven once; an operator that was restarted must not forget that.
    memory.note_users(split, desired.serves_users and tracked.state.phase is Phase.APPLYING, now)
    answers: tuple[tuple[tuple[ProbeTarget, ...], ProbeResult], ...] = ()
    written: tuple[str, ...] = ()
    while True:
        match decide(observed, desired, memory.view(condition, answers), now):
            case Wait() as wait:
                return _result(wait, written, followed)
            case Probe() as asked:
                result = await _probe(http, tracked.namespace, asked, turns or ProbeTurns())
                memory.note_answer(asked, split, result, now)
                if memory.proven == split and isinstance(desired.proof, Probes):
                    memory.watch_variants(split, desired.proof.by_variant, now)
                answers = (*answers, (asked.targets, result))
            case Write(objects, then):
                await ensure_unchanged(cluster, tracked, now)
                await write_all(cluster, observed, objects)
                if then is not None:
                    memory.note_aliases_written(now)
                    return _result(then, written, followed)
                memory.note_change(now)
                observed, answers = observed.with_objects(objects), ()
                written = (*written, *_names(objects))
            case Quarantine() | Detach() as takes_off:
                if isinstance(takes_off, Detach) and takes_off.rest is not None:
                    memory.begin_rest(split, now, takes_off.rest, takes_off.condition)
                taken_off = await _take_off(cluster, tracked, observed, takes_off, split, now)
                return replace(taken_off, followed=followed)


async def detach_while_suspended(
    cluster: Cluster, tracked: TrackedPolicy, split: TrafficSplit, now: float
) -> SplitResult | None:
    """Take users off what no longer fits their route although weights are frozen. Returns None when all fits.

    Raises StatusConflict when the policy has changed meanwhile, ClusterError when the API fails.
    """
    observed = await inputs_of_plan(cluster, tracked, now)
    decision = decide_while_suspended(observed, desired_traffic(observed, split, rolling_back=False))
    return None if decision is None else await _take_off(cluster, tracked, observed, decision, split, now)


async def _probe(http: aiohttp.ClientSession, namespace: str, asked: Probe, turns: ProbeTurns) -> ProbeResult:
    send = probe_variants if asked.by_variant else probe
    async with turns.of(namespace) as free:
        if free:
            return await send(http, asked.targets)
    message = "Other policies of the namespace are sending probes, which are answered slowly; this one waits its turn."
    return ProbeResult(Proof.NOT_YET, message)


async def _take_off(
    cluster: Cluster,
    tracked: TrackedPolicy,
    observed: ClusterInputs,
    decision: Quarantine | Detach,
    split: TrafficSplit,
    now: float,
) -> SplitResult:
    """Take every candidate off, and say so."""
    if isinstance(decision, Quarantine):
        tracked.traffic.quarantine(split.revision)
    if decision.objects:
        await ensure_unchanged(cluster, tracked, now)
        if isinstance(decision, Quarantine):
            await write_all(cluster, observed, decision.objects)
        else:
            await replace_all(cluster, decision.objects)
        tracked.traffic.note_detached(now)
    status = SplitStatus.MISROUTED if isinstance(decision, Quarantine) else decision.status
    return _result(Wait(status, decision.condition), _names(decision.objects))


def _result(wait: Wait, written: tuple[str, ...], followed: bool | None = None) -> SplitResult:
    said = wait.condition
    return SplitResult(wait.status, Observation(said.status, said.reason, said.message), written, followed)


def _names(objects: Iterable[Manifest]) -> tuple[str, ...]:
    return tuple(f"{manifest['kind']} {manifest['metadata']['name']}" for manifest in objects)


def correction_note(name: str, followed: bool | None) -> EventNote:
    """The event about an object that differed from what its policy needs. followed: as in `SplitResult`."""
    if followed:
        message = f"{name} follows what it was made from, which was edited. The step's evidence begins anew."
        return EventNote("EditFollowed", "CorrectTraffic", message)
    if followed is None:
        message = f"{name} differed from what this policy needs, since before the operator watched, and was put right."
        return EventNote("DriftCorrected", "CorrectTraffic", message)
    message = f"{name} did not hold what this policy needs and was put right. Edit the policy instead."
    return EventNote("ForeignEditUndone", "CorrectTraffic", message, warning=True)
