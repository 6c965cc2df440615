"""Putting a share in force: write the objects that differ, keep changes apart, and ask the gateway for proof."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import aiohttp

from earlystop.api.conditions import ConditionStatus, Refusal
from earlystop.controller.cluster import ROUTES, Cluster, Manifest
from earlystop.controller.reconcile.status_writer import confirm
from earlystop.controller.reconcile.tracked import TrackedPolicy
from earlystop.controller.traffic.apply import matches_desired, observed_object, write_all
from earlystop.controller.traffic.gatherer import inputs_of_plan
from earlystop.controller.traffic.proof import MISROUTES, ask, misroutes, misrouting
from earlystop.delivery.golden_rules import leads_nobody
from earlystop.delivery.inputs import ClusterInputs, TrafficSplit, controller_of
from earlystop.delivery.modes import mode_of
from earlystop.delivery.names import overlay_name
from earlystop.delivery.preflight import preflight
from earlystop.delivery.probe import Proof
from earlystop.rollout.observations import Observation
from earlystop.rollout.state import Phase

# Faster changes of one route are coalesced by gateways that throttle, and may never be served.
SECONDS_BETWEEN_CHANGES = 3.0
# A gateway that serves no part of a share for longer is not slow.
SECONDS_TO_SERVE = 60.0
PACING = "Pacing"


class SplitStatus(StrEnum):
    """How far a share has got."""

    NOT_WRITTEN = "NotWritten"
    WRITTEN = "Written"
    UNPROVABLE = "Unprovable"
    PROVEN = "Proven"
    MISROUTED = "Misrouted"


@dataclass(frozen=True, slots=True)
class SplitResult:
    """How far a share has got, and what to say about it. changed: objects that had to be written for it."""

    status: SplitStatus
    observation: Observation
    changed: tuple[str, ...] = ()


async def put_in_force(
    cluster: Cluster, http: aiohttp.ClientSession, tracked: TrackedPolicy, split: TrafficSplit, now: float
) -> SplitResult:
    """Write what the share needs and prove it. Does nothing but read when all is as it should be.

    Raises ClusterError when the API fails.
    """
    inputs = await inputs_of_plan(cluster, tracked, now)
    refusal = preflight(inputs, split)
    if refusal is not None and split.candidate_weight == 0:
        return await _route_all_to_baseline(cluster, tracked, inputs, refusal, now)
    if refusal is not None:
        return SplitResult(SplitStatus.NOT_WRITTEN, Observation(ConditionStatus.FALSE, refusal.reason, refusal.message))
    mode = mode_of(inputs.spec.delivery)
    wanted = mode.render(inputs, split)
    overlay = observed_object(inputs, wanted[-1])
    if tracked.traffic.quarantined_revision == split.revision:
        return await _quarantine_gateway(cluster, tracked, inputs, split, tracked.observations.traffic, now)
    if overlay is None or leads_nobody(overlay):
        untried = await _try_out(cluster, http, tracked, inputs, split, now)
        if untried is not None:
            return untried
    changed = [manifest for manifest in wanted if not matches_desired(observed_object(inputs, manifest), manifest)]
    falls = overlay is not None and split.candidate_weight == 0
    if changed and not falls and now - tracked.traffic.written_at < SECONDS_BETWEEN_CHANGES:
        message = "Waiting until the gateway has taken in the last change of the route."
        return SplitResult(SplitStatus.NOT_WRITTEN, Observation(ConditionStatus.UNKNOWN, PACING, message))
    if changed:
        await confirm(cluster, tracked, now)
    services = [manifest for manifest in changed if manifest["kind"] == "Service"]
    if wanted[-1] in changed and not falls and (services or _is_young(inputs, wanted[:-1], now)):
        # A gateway that learns of the route before it knows where the alias leads answers 500 for that share.
        await write_all(cluster, inputs, services)
        tracked.traffic.written_at = now if services else tracked.traffic.written_at
        message = "Waiting until the gateway has taken in the candidate's Service."
        return SplitResult(SplitStatus.NOT_WRITTEN, Observation(ConditionStatus.UNKNOWN, PACING, message))
    if changed:
        await write_all(cluster, inputs, changed)
        tracked.traffic.note_change(now)
    traffic = await _prove(http, tracked, inputs, split, wanted[-1], _names(changed), now)
    if traffic.status == SplitStatus.MISROUTED:
        return await _quarantine_gateway(cluster, tracked, inputs, split, traffic.observation, now)
    return traffic


async def _try_out(
    cluster: Cluster,
    http: aiohttp.ClientSession,
    tracked: TrackedPolicy,
    inputs: ClusterInputs,
    split: TrafficSplit,
    now: float,
) -> SplitResult | None:
    """Before users are led by the mode's rules for the first time, the gateway shows on the operator's own requests
    what it makes of them. None when users may be led: it was shown, or nobody can be asked."""
    mode = mode_of(inputs.spec.delivery)
    if tracked.state.phase in (Phase.ROLLING_BACK, Phase.ROLLED_BACK) and _present_overlay(inputs) is not None:
        return SplitResult(SplitStatus.PROVEN, _nobody_led(tracked))
    trial = mode.trial(inputs, split)
    if trial is None:
        return None
    changed = [
        manifest for manifest in trial.objects if not matches_desired(observed_object(inputs, manifest), manifest)
    ]
    rests = now - tracked.traffic.written_at < SECONDS_BETWEEN_CHANGES
    resting = Observation(
        ConditionStatus.UNKNOWN, PACING, "Waiting until the gateway has taken in the last change of the route."
    )
    if changed and rests:
        return SplitResult(SplitStatus.NOT_WRITTEN, resting)
    if changed:
        await confirm(cluster, tracked, now)
        await write_all(cluster, inputs, changed)
        tracked.traffic.note_change(now)
        rests = True
    if tracked.traffic.tried != split:
        known = tracked.observations.traffic
        result = await ask(http, tracked, trial.targets, now)
        if result.proof == Proof.IN_FORCE:
            tracked.traffic.tried = split
        elif misroutes(tracked, result, now):
            return SplitResult(
                SplitStatus.MISROUTED, misrouting(result, backends=True, under_way=False), _names(changed)
            )
        elif tracked.traffic.contradicted_at is not None or result.proof == Proof.NOT_YET:
            # Stored, a misrouting gateway is known through a restart of the operator, until it proves to be sound.
            waiting = Observation(ConditionStatus.UNKNOWN, "WaitingForGateway", result.message)
            seen = known if known.reason == MISROUTES else waiting
            return SplitResult(SplitStatus.NOT_WRITTEN, seen, _names(changed))
    return SplitResult(SplitStatus.NOT_WRITTEN, resting, _names(changed)) if rests else None


async def _quarantine_gateway(
    cluster: Cluster,
    tracked: TrackedPolicy,
    inputs: ClusterInputs,
    split: TrafficSplit,
    observation: Observation,
    now: float,
) -> SplitResult:
    """Lead no request by rules that the gateway was seen to get wrong, until another campaign: where the mode sets
    headers by backend not even the baseline's, since they may be confused too."""
    mode, overlay = mode_of(inputs.spec.delivery), _present_overlay(inputs)
    tracked.traffic.quarantined_revision = split.revision
    trial = mode.trial(inputs, split)
    wanted = trial.objects[-1] if trial is not None else overlay and mode.withdrawn(inputs, overlay)
    changed = [] if wanted is None or matches_desired(overlay, wanted) else [wanted]
    if changed:
        await confirm(cluster, tracked, now)
        await write_all(cluster, inputs, changed)
        tracked.traffic.note_change(now)
    return SplitResult(SplitStatus.MISROUTED, observation, _names(changed))


def _nobody_led(tracked: TrackedPolicy) -> Observation:
    if tracked.observations.traffic.reason == MISROUTES:
        return tracked.observations.traffic
    return Observation(
        ConditionStatus.TRUE, "InForce", "No user's request was led to the candidate; all go by your own route."
    )


def _names(changed: list[Manifest]) -> tuple[str, ...]:
    return tuple(f"{manifest['kind']} {manifest['metadata']['name']}" for manifest in changed)


async def _route_all_to_baseline(
    cluster: Cluster, tracked: TrackedPolicy, inputs: ClusterInputs, refusal: Refusal, now: float
) -> SplitResult:
    """Take the candidate off all requests although its surroundings no longer fit: harm must not wait for an edit."""
    overlay = _present_overlay(inputs)
    observation = Observation(
        ConditionStatus.FALSE, refusal.reason, f"{refusal.message} The candidate gets no requests."
    )
    owner = controller_of(overlay) if overlay is not None else None
    if overlay is None or owner is None or owner.get("uid") != inputs.uid:
        return SplitResult(SplitStatus.UNPROVABLE, observation)
    taken_off = mode_of(inputs.spec.delivery).withdrawn(inputs, overlay)
    if overlay == taken_off:
        return SplitResult(SplitStatus.UNPROVABLE, observation)
    await confirm(cluster, tracked, now)
    await cluster.replace(ROUTES, inputs.namespace, taken_off)
    tracked.traffic.note_change(now)
    return SplitResult(SplitStatus.UNPROVABLE, observation, _names([taken_off]))


def _is_young(inputs: ClusterInputs, aliases: list[Manifest], now: float) -> bool:
    """Whether an alias was made just now, perhaps by another operator or by this one before it was restarted."""
    made = [
        datetime.fromisoformat(present["metadata"]["creationTimestamp"]).timestamp()
        for present in (observed_object(inputs, alias) for alias in aliases)
        if present is not None
    ]
    return any(now - moment < SECONDS_BETWEEN_CHANGES for moment in made)


async def _prove(
    http: aiohttp.ClientSession,
    tracked: TrackedPolicy,
    inputs: ClusterInputs,
    split: TrafficSplit,
    overlay: Manifest,
    changed: tuple[str, ...],
    now: float,
) -> SplitResult:
    mode = mode_of(inputs.spec.delivery)
    if tracked.traffic.proven == split:
        return SplitResult(
            SplitStatus.PROVEN, Observation(ConditionStatus.TRUE, "InForce", mode.summary(split)), changed
        )
    targets = mode.probes(inputs, split, overlay)
    if not targets:
        message = "No plain-http address of the Gateway is known, so no probe can prove the weights; metrics must."
        return SplitResult(
            SplitStatus.UNPROVABLE, Observation(ConditionStatus.UNKNOWN, "NoGatewayAddress", message), changed
        )
    result = await ask(http, tracked, targets, now)
    if result.proof == Proof.IN_FORCE:
        tracked.traffic.proven = split
        return SplitResult(SplitStatus.PROVEN, Observation(ConditionStatus.TRUE, "InForce", result.message), changed)
    if misroutes(tracked, result, now):
        observation = misrouting(result, backends=mode.trial(inputs, split) is not None, under_way=True)
        return SplitResult(SplitStatus.MISROUTED, observation, changed)
    if result.proof == Proof.NOT_YET and now - tracked.traffic.written_at > SECONDS_TO_SERVE:
        message = (
            f"{result.message} The overlay was written over {SECONDS_TO_SERVE:.0f} s ago. Look at the gateway and "
            "at the servers behind it. Nothing is counted as evidence."
        )
        return SplitResult(SplitStatus.WRITTEN, Observation(ConditionStatus.FALSE, "ShareNotServed", message), changed)
    if tracked.traffic.contradicted_at is not None or result.proof == Proof.NOT_YET:
        return SplitResult(
            SplitStatus.WRITTEN, Observation(ConditionStatus.UNKNOWN, "WaitingForGateway", result.message), changed
        )
    return SplitResult(
        SplitStatus.UNPROVABLE, Observation(ConditionStatus.UNKNOWN, result.proof.value, result.message), changed
    )


def _present_overlay(inputs: ClusterInputs) -> Manifest | None:
    return inputs.owned.get(("HTTPRoute", overlay_name(inputs.policy)))
