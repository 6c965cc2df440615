"""Putting a split in force: carry out what `delivery.decide` says, and ask it again with what has come of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import aiohttp

from earlystop.api.conditions import Condition, ConditionStatus, traffic_condition
from earlystop.controller.cache.stripped import gist_of_users_objects
from earlystop.controller.cluster import BY_KIND, Cluster, Conflict, Manifest
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.memory.traffic import TrafficMemory
from earlystop.controller.store.status_writer import ensure_unchanged
from earlystop.controller.traffic.apply import WriteRefused, refusals_named, replace_all, write_all
from earlystop.controller.traffic.gatherer import inputs_of_plan
from earlystop.controller.traffic.neighbourhood import reader_of
from earlystop.controller.traffic.split_result import SplitResult
from earlystop.controller.traffic.turns import TrafficTurns
from earlystop.delivery.decide import decide, decide_while_frozen, when_refused
from earlystop.delivery.decisions import LEADS, Detach, Probe, Quarantine, SplitStatus, Wait, Write
from earlystop.delivery.desired import Desired, desired_traffic
from earlystop.delivery.drift import drifted
from earlystop.delivery.harm import SECONDS_TO_SERVE
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.leaving import leave
from earlystop.delivery.probes.canary import probe_variants
from earlystop.delivery.probes.engine_check import AskEngine, EngineCheck, ask_engine
from earlystop.delivery.probes.sending import probe
from earlystop.delivery.proof import Metrics, ProbeResult, Probes, ProbeTarget, Proof, Reports
from earlystop.delivery.split import TrafficSplit
from earlystop.delivery.traffic_conditions import quoted
from earlystop.rollout.observations import Observation
from earlystop.rollout.state import ENDED, Phase
from earlystop.rollout.words.deletion import deletion_refusal
from earlystop.rollout.words.event_notes import EventNote

Answers = tuple[tuple[tuple[ProbeTarget, ...], ProbeResult], ...]


async def put_in_force(
    cluster: Cluster,
    http: aiohttp.ClientSession,
    tracked: TrackedPolicy,
    split: TrafficSplit,
    now: float,
    turns: TrafficTurns | None = None,
) -> SplitResult:
    """Write what the split needs and prove it. Nothing is written when all is as it should be.

    turns: the caller holds one for carrying out, which is lent while probes are sent; None for no bounds.

    Raises StatusConflict when the policy has changed meanwhile, ClusterError when the API fails.
    """
    rolling_back = tracked.state.phase in (Phase.ROLLING_BACK, Phase.ROLLED_BACK)
    observed, desired, condition = await _compared(cluster, tracked, split, now, rolling_back)
    if tracked.traffic.handover.successor and tracked.state.phase in ENDED:
        return await _leave(cluster, tracked, observed, desired, now)
    memory = tracked.traffic
    memory.note_wanted(split, now)
    users_objects = gist_of_users_objects(observed, desired.rendered.objects)
    followed = memory.users_edited(users_objects)
    # In other phases looks judge what users get, or it is no longer compared.
    memory.note_users(split, desired.serves_users and tracked.state.watch_phase in (Phase.APPLYING, Phase.HELD), now)
    answers: Answers = ()
    written: tuple[str, ...] = ()
    while True:
        match decide(observed, desired, memory.view(condition, answers), now):
            case Wait(SplitStatus.UNPROVABLE) as wait if _was_proven_by_counts(wait, desired, memory):
                memory.note_proven(split, now)
            case Wait() as wait:
                if wait.status in LEADS:
                    memory.note_fit(users_objects)
                result = await _with_what_follows(cluster, tracked, observed, desired, wait, now)
                return replace(result, changed=written, followed=followed)
            case Probe() as asked:
                answers = (*answers, await _send_probes(http, tracked, asked, desired, now, turns))
            case AskEngine(targets):
                async with (turns or TrafficTurns()).carrying_out.lent():
                    memory.note_engine(EngineCheck(split.revision, now, await ask_engine(http, targets)))
            case Write(objects, then):
                await ensure_unchanged(cluster, tracked, now)
                refused = await _refusal_of(cluster, observed, desired, objects)
                if isinstance(refused, Wait):
                    return _result(refused, written, followed)
                if refused is not None:
                    return await _take_off(cluster, tracked, observed, refused, split, now)
                if then is not None:
                    memory.note_aliases_written(now)
                    return _result(then, written, followed)
                memory.note_change(now)
                observed, answers = observed.with_objects(objects), ()
                written = (*written, *_names(objects))
            case Quarantine() | Detach() as takes_off:
                taken_off = await _take_off(cluster, tracked, observed, takes_off, split, now)
                # What no request is led to from now on ends later; and what is over was nobody's edit.
                unfinished = bool(drifted(observed, desired.rendered.idle))
                changed = taken_off.changed if desired.rendered.over is None else ()
                return replace(taken_off, followed=followed, unfinished=unfinished, changed=changed)


async def _refusal_of(
    cluster: Cluster, observed: ClusterInputs, desired: Desired, objects: Sequence[Manifest]
) -> Wait | Detach | None:
    """Write these objects; what follows where the API server takes one of them not, None where it takes all."""
    try:
        await write_all(cluster, observed, objects)
    except WriteRefused as error:
        return when_refused(observed, desired, error.without(desired.split.token).message)
    return None


async def _with_what_follows(
    cluster: Cluster, tracked: TrackedPolicy, observed: ClusterInputs, desired: Desired, wait: Wait, now: float
) -> SplitResult:
    """The result of a split whose objects are all as they should be, after what no request is led to any more was ended
    and what was promoted was given to the user's object."""
    drains = await _end_idle(cluster, tracked, observed, desired, wait.status, now)
    unready = desired.rendered.unready
    unfinished = drains or (unready is not None and not unready.leads_all)
    told, applied = await _promote(cluster, tracked, desired, wait, now)
    return replace(_result(told), proof=desired.proof, unfinished=unfinished or applied)


async def _end_idle(
    cluster: Cluster,
    tracked: TrackedPolicy,
    observed: ClusterInputs,
    desired: Desired,
    reached: SplitStatus,
    now: float,
) -> bool:
    """End what no request is led to any more once its last requests had their time. Returns whether it waits for that.

    Raises StatusConflict when the policy has changed meanwhile, ClusterError when the API fails.
    """
    idle = drifted(observed, desired.rendered.idle)
    if not idle or reached not in (SplitStatus.PROVEN, SplitStatus.UNPROVABLE):
        return False
    decision = tracked.state.decision
    last_led = max(tracked.traffic.written_at, float(decision.at) if decision is not None else 0.0)
    # Where nothing proves what the gateway serves, it gets the time that a slow one takes.
    served = 0.0 if reached is SplitStatus.PROVEN else SECONDS_TO_SERVE
    if now - last_led < desired.rendered.idle_seconds + served:
        return True
    await ensure_unchanged(cluster, tracked, now)
    await replace_all(cluster, observed, idle)
    return False


async def _leave(
    cluster: Cluster, tracked: TrackedPolicy, observed: ClusterInputs, desired: Desired, now: float
) -> SplitResult:
    """Leave the target to another policy. That is no correction of anything, so no object is named as changed."""
    decision = leave(observed, desired, tracked.traffic.handover.successor)
    result = await _take_off(cluster, tracked, observed, decision, desired.split, now)
    if decision.objects:
        reader_of(cluster).forget_routes()  # the other policy is compared with the routes as they are now
    tracked.traffic.handover.note_left()
    return replace(result, changed=())


async def detach_while_frozen(
    cluster: Cluster,
    http: aiohttp.ClientSession,
    tracked: TrackedPolicy,
    split: TrafficSplit,
    now: float,
    turns: TrafficTurns | None = None,
) -> SplitResult | None:
    """Take users off what no longer fits their route, or does not serve them, although weights stay as they are.
    Returns None when they may go on to be led. turns: as for `put_in_force`.

    Raises StatusConflict when the policy has changed meanwhile, ClusterError when the API fails.
    """
    observed, desired, condition = await _compared(cluster, tracked, split, now, rolling_back=False)
    memory = tracked.traffic
    as_before = bool(drifted(observed, desired.rendered.objects))  # what leads users was proven for an earlier step
    if as_before:
        memory.variants.keep(split)
        if memory.is_unwatched and desired.serves_users:
            # An operator that was restarted has forgotten what was proven for it, so nothing watches that.
            await _watch_as_found(http, tracked, desired, now, turns)
    unwatched = memory.is_unwatched if as_before else condition.status is not ConditionStatus.TRUE
    memory.note_users(split, desired.serves_users and unwatched, now)
    answers: Answers = ()
    while True:
        match decide_while_frozen(observed, desired, memory.view(condition, answers), now):
            case None:
                unechoed = any(result.proof is Proof.UNSUPPORTED for _, result in answers)
                cannot_be_asked = isinstance(desired.proof, Metrics | Reports) or unechoed
                if memory.is_known_in_force(split) and cannot_be_asked and not as_before:
                    memory.note_proven(split, now)
                return None
            case Probe() as asked:
                answers = (*answers, await _send_probes(http, tracked, asked, desired, now, turns))
            case takes_off:
                return await _take_off(cluster, tracked, observed, takes_off, split, now)


async def _compared(
    cluster: Cluster, tracked: TrackedPolicy, split: TrafficSplit, now: float, rolling_back: bool
) -> tuple[ClusterInputs, Desired, Condition]:
    """What there is in the cluster, what the split needs there, and what was last said of the traffic. A policy that
    was deleted asks nobody to create or mend what it names."""
    observed = await inputs_of_plan(cluster, tracked, now)
    said = tracked.observations.traffic
    condition = traffic_condition(said.status, said.reason, said.message)
    desired = desired_traffic(observed, split, rolling_back)
    if desired.refusal is not None and (holders := tracked.policy.held_by):
        desired = replace(desired, refusal=deletion_refusal(holders))
    return observed, desired, condition


async def _watch_as_found(
    http: aiohttp.ClientSession, tracked: TrackedPolicy, desired: Desired, now: float, turns: TrafficTurns | None
) -> None:
    """Ask for each variant by what leads users, which is not as desired; where the gateway serves them all, they go on
    to be asked for, and a fault is followed as any other. Where none can be asked for so, nothing is known."""
    proof = desired.proof_as_found()
    if not isinstance(proof, Probes) or not proof.by_variant:
        return
    asked = Probe(proof.by_variant, users_led=True, by_variant=True)
    result = await _probe(http, tracked.namespace, asked, turns or TrafficTurns())
    if result.proof in (Proof.IN_FORCE, Proof.CANDIDATE_FAILS, Proof.NOT_YET):
        tracked.traffic.note_answer(asked, desired.split, result, now)
    if result.proof is Proof.IN_FORCE:
        tracked.traffic.variants.begin(desired.split, asked.targets, now)


def _was_proven_by_counts(wait: Wait, desired: Desired, memory: TrafficMemory) -> bool:
    """Whether the operator was restarted since counts proved a split of which no probe can tell."""
    cannot_be_asked = isinstance(desired.proof, Metrics | Reports) or wait.condition.reason == Proof.UNSUPPORTED.value
    return cannot_be_asked and memory.is_known_in_force(desired.split)


async def _send_probes(
    http: aiohttp.ClientSession,
    tracked: TrackedPolicy,
    asked: Probe,
    desired: Desired,
    now: float,
    turns: TrafficTurns | None,
) -> tuple[tuple[ProbeTarget, ...], ProbeResult]:
    """Send the probes that were decided on, and remember the answer."""
    memory, split = tracked.traffic, desired.split
    result = await _probe(http, tracked.namespace, asked, turns or TrafficTurns())
    memory.note_answer(asked, split, result, now)
    # A fault that the operator finds when it starts is followed as one under way is.
    followed = memory.proven == split or (asked.by_variant and memory.fault is not None)
    if followed and isinstance(desired.proof, Probes):
        memory.variants.begin(split, desired.proof.by_variant, now)
    return asked.targets, result


async def _probe(http: aiohttp.ClientSession, namespace: str, asked: Probe, turns: TrafficTurns) -> ProbeResult:
    send = probe_variants if asked.by_variant else probe
    async with turns.carrying_out.lent(), turns.for_probes(namespace) as free:
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
    """Take every candidate's requests off; the result says why, for the condition TrafficApplied."""
    if isinstance(decision, Quarantine):
        tracked.traffic.quarantine(split.revision)
    elif decision.rest is not None:
        tracked.traffic.begin_rest(split, now, decision.rest, decision.condition)
    else:
        tracked.traffic.forget_fault()
    if decision.objects:
        await ensure_unchanged(cluster, tracked, now)
        if isinstance(decision, Quarantine):
            await write_all(cluster, observed, decision.objects)
        else:
            await replace_all(cluster, observed, decision.objects)
        tracked.traffic.note_detached(now)
    status = SplitStatus.MISROUTED if isinstance(decision, Quarantine) else decision.status
    return _result(Wait(status, decision.condition), _names(decision.objects))


async def _promote(
    cluster: Cluster, tracked: TrackedPolicy, desired: Desired, wait: Wait, now: float
) -> tuple[Wait, bool]:
    """Give the user's object what was promoted, where the policy asks for that. Returns what is waited for, with what a
    person has still to do, and whether anything was applied.

    Raises StatusConflict when the policy has changed meanwhile, ClusterError when the API fails.
    """
    rendered, said = desired.rendered, wait.condition
    if not rendered.promotion or wait.status not in (SplitStatus.PROVEN, SplitStatus.UNPROVABLE):
        message = f"{said.message} {rendered.left_to_do}".rstrip()
        return replace(wait, condition=replace(said, message=message)), False
    await ensure_unchanged(cluster, tracked, now)
    try:
        for each in rendered.promotion:
            resource, namespace = BY_KIND[each.manifest["kind"]], each.manifest["metadata"]["namespace"]
            with refusals_named(each.manifest):
                await cluster.apply(resource, namespace, each.manifest, each.manager)
    except Conflict as conflict:
        message = f"Another manager has written what was promoted, so nothing was changed: {quoted(conflict.message)}."
        told = Condition(said.type, ConditionStatus.FALSE, "PromotionConflict", f"{message} {rendered.left_to_do}")
        return replace(wait, condition=told), False
    return wait, True


def _result(wait: Wait, written: tuple[str, ...] = (), followed: bool | None = None) -> SplitResult:
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
