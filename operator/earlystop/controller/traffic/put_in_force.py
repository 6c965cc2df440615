"""Putting a share in force: write the objects that differ, keep changes apart, and ask the gateway for proof."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import aiohttp

from earlystop.api.conditions import Refusal, Truth
from earlystop.controller.cluster import ROUTES, Cluster, Manifest
from earlystop.controller.reconcile.status_writer import confirm
from earlystop.controller.reconcile.tracked import Session
from earlystop.controller.traffic.apply import as_found, as_wanted, write_all
from earlystop.controller.traffic.gatherer import surroundings_of_plan
from earlystop.controller.traffic.proof import MISROUTES, ask, misroutes, misrouting
from earlystop.delivery.golden_rules import leads_nobody
from earlystop.delivery.inputs import Share, Surroundings, controller_of
from earlystop.delivery.modes import mode_of
from earlystop.delivery.names import overlay_name
from earlystop.delivery.preflight import preflight
from earlystop.delivery.probe import Proof
from earlystop.rollout.observations import Sight
from earlystop.rollout.state import Phase

# Faster changes of one route are coalesced by gateways that throttle, and may never be served.
SECONDS_BETWEEN_CHANGES = 3.0
# A gateway that serves no part of a share for longer is not slow.
SECONDS_TO_SERVE = 60.0
PACING = "Pacing"


class Standing(StrEnum):
    """How far a share has got."""

    NOT_WRITTEN = "NotWritten"
    WRITTEN = "Written"
    UNPROVABLE = "Unprovable"
    PROVEN = "Proven"
    MISROUTED = "Misrouted"


@dataclass(frozen=True, slots=True)
class Traffic:
    """How far a share has got, and what to say about it. changed: objects that had to be written for it."""

    standing: Standing
    sight: Sight
    changed: tuple[str, ...] = ()


async def put_in_force(
    cluster: Cluster, http: aiohttp.ClientSession, session: Session, share: Share, now: float
) -> Traffic:
    """Write what the share needs and prove it. Does nothing but read when all is as it should be.

    Raises ClusterError when the API fails.
    """
    around = await surroundings_of_plan(cluster, session, now)
    refusal = preflight(around, share)
    if refusal is not None and share.candidate_weight == 0:
        return await _withdraw(cluster, session, around, refusal, now)
    if refusal is not None:
        return Traffic(Standing.NOT_WRITTEN, Sight(Truth.FALSE, refusal.reason, refusal.message))
    mode = mode_of(around.spec.delivery)
    wanted = mode.render(around, share)
    overlay = as_found(around, wanted[-1])
    if session.withdrawn == share.revision:
        return await _retreat(cluster, session, around, share, session.facts.traffic, now)
    if overlay is None or leads_nobody(overlay):
        untried = await _try_out(cluster, http, session, around, share, now)
        if untried is not None:
            return untried
    changed = [manifest for manifest in wanted if not as_wanted(as_found(around, manifest), manifest)]
    falls = overlay is not None and share.candidate_weight == 0
    if changed and not falls and now - session.route_written_at < SECONDS_BETWEEN_CHANGES:
        message = "Waiting until the gateway has taken in the last change of the route."
        return Traffic(Standing.NOT_WRITTEN, Sight(Truth.UNKNOWN, PACING, message))
    if changed:
        await confirm(cluster, session, now)
    services = [manifest for manifest in changed if manifest["kind"] == "Service"]
    if wanted[-1] in changed and not falls and (services or _is_young(around, wanted[:-1], now)):
        # A gateway that learns of the route before it knows where the alias leads answers 500 for that share.
        await write_all(cluster, around, services)
        session.route_written_at = now if services else session.route_written_at
        message = "Waiting until the gateway has taken in the candidate's Service."
        return Traffic(Standing.NOT_WRITTEN, Sight(Truth.UNKNOWN, PACING, message))
    if changed:
        await write_all(cluster, around, changed)
        _note_change(session, now)
    traffic = await _prove(http, session, around, share, wanted[-1], _names(changed), now)
    if traffic.standing == Standing.MISROUTED:
        return await _retreat(cluster, session, around, share, traffic.sight, now)
    return traffic


async def _try_out(
    cluster: Cluster, http: aiohttp.ClientSession, session: Session, around: Surroundings, share: Share, now: float
) -> Traffic | None:
    """Before users are led by the mode's rules for the first time, the gateway shows on the operator's own requests
    what it makes of them. None when users may be led: it was shown, or nobody can be asked."""
    mode = mode_of(around.spec.delivery)
    if session.state.phase in (Phase.ROLLING_BACK, Phase.ROLLED_BACK) and _present_overlay(around) is not None:
        return Traffic(Standing.PROVEN, _nobody_led(session))
    trial = mode.trial(around, share)
    if trial is None:
        return None
    changed = [manifest for manifest in trial.objects if not as_wanted(as_found(around, manifest), manifest)]
    rests = now - session.route_written_at < SECONDS_BETWEEN_CHANGES
    resting = Sight(Truth.UNKNOWN, PACING, "Waiting until the gateway has taken in the last change of the route.")
    if changed and rests:
        return Traffic(Standing.NOT_WRITTEN, resting)
    if changed:
        await confirm(cluster, session, now)
        await write_all(cluster, around, changed)
        _note_change(session, now)
        rests = True
    if session.tried != share:
        known = session.facts.traffic
        result = await ask(http, session, trial.targets, now)
        if result.proof == Proof.IN_FORCE:
            session.tried = share
        elif misroutes(session, result, now):
            return Traffic(Standing.MISROUTED, misrouting(result, backends=True, under_way=False), _names(changed))
        elif session.contradicted_at is not None or result.proof == Proof.NOT_YET:
            # Stored, a misrouting gateway is known through a restart of the operator, until it proves to be sound.
            waiting = Sight(Truth.UNKNOWN, "WaitingForGateway", result.message)
            seen = known if known.reason == MISROUTES else waiting
            return Traffic(Standing.NOT_WRITTEN, seen, _names(changed))
    return Traffic(Standing.NOT_WRITTEN, resting, _names(changed)) if rests else None


async def _retreat(
    cluster: Cluster, session: Session, around: Surroundings, share: Share, sight: Sight, now: float
) -> Traffic:
    """Lead no request by rules that the gateway was seen to get wrong, until another campaign: where the mode sets
    headers by backend not even the baseline's, since they may be confused too."""
    mode, overlay = mode_of(around.spec.delivery), _present_overlay(around)
    session.withdrawn = share.revision
    trial = mode.trial(around, share)
    wanted = trial.objects[-1] if trial is not None else overlay and mode.withdrawn(around, overlay)
    changed = [] if wanted is None or as_wanted(overlay, wanted) else [wanted]
    if changed:
        await confirm(cluster, session, now)
        await write_all(cluster, around, changed)
        _note_change(session, now)
    return Traffic(Standing.MISROUTED, sight, _names(changed))


def _nobody_led(session: Session) -> Sight:
    if session.facts.traffic.reason == MISROUTES:
        return session.facts.traffic
    return Sight(Truth.TRUE, "InForce", "No user's request was led to the candidate; all go by your own route.")


def _note_change(session: Session, now: float) -> None:
    session.route_written_at, session.proven, session.tried, session.contradicted_at = now, None, None, None


def _names(changed: list[Manifest]) -> tuple[str, ...]:
    return tuple(f"{manifest['kind']} {manifest['metadata']['name']}" for manifest in changed)


async def _withdraw(cluster: Cluster, session: Session, around: Surroundings, refusal: Refusal, now: float) -> Traffic:
    """Take the candidate off all requests although its surroundings no longer fit: harm must not wait for an edit."""
    overlay = _present_overlay(around)
    sight = Sight(Truth.FALSE, refusal.reason, f"{refusal.message} The candidate gets no requests.")
    owner = controller_of(overlay) if overlay is not None else None
    if overlay is None or owner is None or owner.get("uid") != around.uid:
        return Traffic(Standing.UNPROVABLE, sight)
    taken_off = mode_of(around.spec.delivery).withdrawn(around, overlay)
    if overlay == taken_off:
        return Traffic(Standing.UNPROVABLE, sight)
    await confirm(cluster, session, now)
    await cluster.replace(ROUTES, around.namespace, taken_off)
    _note_change(session, now)
    return Traffic(Standing.UNPROVABLE, sight, _names([taken_off]))


def _is_young(around: Surroundings, aliases: list[Manifest], now: float) -> bool:
    """Whether an alias was made just now, perhaps by another operator or by this one before it was restarted."""
    made = [
        datetime.fromisoformat(present["metadata"]["creationTimestamp"]).timestamp()
        for present in (as_found(around, alias) for alias in aliases)
        if present is not None
    ]
    return any(now - moment < SECONDS_BETWEEN_CHANGES for moment in made)


async def _prove(
    http: aiohttp.ClientSession,
    session: Session,
    around: Surroundings,
    share: Share,
    overlay: Manifest,
    changed: tuple[str, ...],
    now: float,
) -> Traffic:
    mode = mode_of(around.spec.delivery)
    if session.proven == share:
        return Traffic(Standing.PROVEN, Sight(Truth.TRUE, "InForce", mode.summary(share)), changed)
    targets = mode.probes(around, share, overlay)
    if not targets:
        message = "No plain-http address of the Gateway is known, so no probe can prove the weights; metrics must."
        return Traffic(Standing.UNPROVABLE, Sight(Truth.UNKNOWN, "NoGatewayAddress", message), changed)
    result = await ask(http, session, targets, now)
    if result.proof == Proof.IN_FORCE:
        session.proven = share
        return Traffic(Standing.PROVEN, Sight(Truth.TRUE, "InForce", result.message), changed)
    if misroutes(session, result, now):
        sight = misrouting(result, backends=mode.trial(around, share) is not None, under_way=True)
        return Traffic(Standing.MISROUTED, sight, changed)
    if result.proof == Proof.NOT_YET and now - session.route_written_at > SECONDS_TO_SERVE:
        message = (
            f"{result.message} The overlay was written over {SECONDS_TO_SERVE:.0f} s ago. Look at the gateway and "
            "at the servers behind it. Nothing is counted as evidence."
        )
        return Traffic(Standing.WRITTEN, Sight(Truth.FALSE, "ShareNotServed", message), changed)
    if session.contradicted_at is not None or result.proof == Proof.NOT_YET:
        return Traffic(Standing.WRITTEN, Sight(Truth.UNKNOWN, "WaitingForGateway", result.message), changed)
    return Traffic(Standing.UNPROVABLE, Sight(Truth.UNKNOWN, result.proof.value, result.message), changed)


def _present_overlay(around: Surroundings) -> Manifest | None:
    return around.owned.get(("HTTPRoute", overlay_name(around.policy)))
