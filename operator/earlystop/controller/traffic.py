"""Putting a share in force: write the objects that differ, keep changes apart, and ask the gateway for proof."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import aiohttp

from earlystop.api.conditions import Refusal, Truth
from earlystop.controller.around import surroundings_of_plan
from earlystop.controller.cluster import BY_KIND, ROUTES, Cluster, ClusterError, Conflict, Manifest, NotFound
from earlystop.controller.session import Session
from earlystop.controller.status import confirm
from earlystop.delivery.modes import mode_of
from earlystop.delivery.names import overlay_name
from earlystop.delivery.preflight import preflight
from earlystop.delivery.probe import Proof, probe
from earlystop.delivery.surroundings import Share, Surroundings, controller_of
from earlystop.rollout.facts import Sight

# Faster changes of one route are coalesced by gateways that throttle, and may never be served.
SECONDS_BETWEEN_CHANGES = 3.0
# A gateway that serves something else for longer is not slow, it does something else.
SECONDS_TO_SERVE = 60.0
PACING = "Pacing"


class Standing(StrEnum):
    """How far a share has got."""

    NOT_WRITTEN = "NotWritten"
    WRITTEN = "Written"
    UNPROVABLE = "Unprovable"
    PROVEN = "Proven"


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
    wanted = mode_of(around.spec.delivery).render(around, share)
    changed = [manifest for manifest in wanted if not as_wanted(_present(around, manifest), manifest)]
    if changed and now - session.route_written_at < SECONDS_BETWEEN_CHANGES:
        message = "Waiting until the gateway has taken in the last change of the route."
        return Traffic(Standing.NOT_WRITTEN, Sight(Truth.UNKNOWN, PACING, message))
    if changed:
        await confirm(cluster, session, now)
    services = [manifest for manifest in changed if manifest["kind"] == "Service"]
    rises = _present(around, wanted[-1]) is None or share.candidate_weight > 0
    if wanted[-1] in changed and rises and (services or _is_young(around, wanted[:-1], now)):
        # A gateway that learns of the route before it knows where the alias leads answers 500 for that share.
        await _write_all(cluster, around, services)
        session.route_written_at = now if services else session.route_written_at
        message = "Waiting until the gateway has taken in the candidate's Service."
        return Traffic(Standing.NOT_WRITTEN, Sight(Truth.UNKNOWN, PACING, message))
    if changed:
        await _write_all(cluster, around, changed)
        session.route_written_at = now
        session.proven = None
    names = tuple(f"{manifest['kind']} {manifest['metadata']['name']}" for manifest in changed)
    return await _prove(http, session, around, share, wanted[-1], names, now)


async def _withdraw(cluster: Cluster, session: Session, around: Surroundings, refusal: Refusal, now: float) -> Traffic:
    """Take the candidate off all requests although its surroundings no longer fit: harm must not wait for an edit."""
    name = overlay_name(around.policy)
    overlay = around.owned.get(("HTTPRoute", name))
    sight = Sight(Truth.FALSE, refusal.reason, f"{refusal.message} The candidate gets no requests.")
    owner = controller_of(overlay) if overlay is not None else None
    if overlay is None or owner is None or owner.get("uid") != around.uid:
        return Traffic(Standing.UNPROVABLE, sight)
    taken_off = mode_of(around.spec.delivery).withdrawn(around, overlay)
    if overlay == taken_off:
        return Traffic(Standing.UNPROVABLE, sight)
    await confirm(cluster, session, now)
    await cluster.replace(ROUTES, around.namespace, taken_off)
    session.route_written_at, session.proven = now, None
    return Traffic(Standing.UNPROVABLE, sight, (f"HTTPRoute {name}",))


def _is_young(around: Surroundings, aliases: list[Manifest], now: float) -> bool:
    """Whether an alias was made just now, perhaps by another operator or by this one before it was restarted."""
    made = [
        datetime.fromisoformat(present["metadata"]["creationTimestamp"]).timestamp()
        for present in (_present(around, alias) for alias in aliases)
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
    result = await probe(http, targets)
    if result.proof == Proof.IN_FORCE:
        session.proven = share
        return Traffic(Standing.PROVEN, Sight(Truth.TRUE, "InForce", result.message), changed)
    if result.proof == Proof.NOT_YET and now - session.route_written_at > SECONDS_TO_SERVE:
        message = (
            f"{result.message} The overlay was written over {SECONDS_TO_SERVE:.0f} s ago. Some gateways accept filters "
            "of backends and mix them up (Traefik before 3.7.6) or ignore them: upgrade the gateway, or write "
            "delivery.mode HeaderCohort or Shadow. Nothing is counted as evidence."
        )
        return Traffic(Standing.WRITTEN, Sight(Truth.FALSE, "ShareNotServed", message), changed)
    if result.proof == Proof.NOT_YET:
        return Traffic(Standing.WRITTEN, Sight(Truth.UNKNOWN, "WaitingForGateway", result.message), changed)
    return Traffic(Standing.UNPROVABLE, Sight(Truth.UNKNOWN, result.proof.value, result.message), changed)


def _present(around: Surroundings, manifest: Manifest) -> Manifest | None:
    return around.owned.get((manifest["kind"], manifest["metadata"]["name"]))


def as_wanted(present: Manifest | None, wanted: Manifest) -> bool:
    """Whether an object in the cluster holds all that is wanted of it. What the server adds to a Service does not
    matter, but every list must have just the wanted entries. A route is the same to the letter: all that the server
    would add was copied from the user's route, and one more condition in a match would let requests slip past."""
    if present is None or not _covers(present["metadata"], wanted["metadata"]):
        return False
    if wanted["kind"] == "HTTPRoute":
        return bool(present["spec"] == wanted["spec"])
    return _covers(present["spec"], wanted["spec"])


def _covers(present: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(present, dict) and all(
            key in present and _covers(present[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(present, list)
            and len(present) == len(wanted)
            and all(_covers(mine, theirs) for mine, theirs in zip(present, wanted, strict=True))
        )
    return bool(present == wanted)


async def _write_all(cluster: Cluster, around: Surroundings, manifests: list[Manifest]) -> None:
    for manifest in manifests:
        await _write(cluster, _present(around, manifest), manifest)


async def _write(cluster: Cluster, present: Manifest | None, wanted: Manifest) -> None:
    """Create or replace one object. After a conflict it is read again: gateways write a route's status too."""
    resource = BY_KIND[wanted["kind"]]
    namespace, name = wanted["metadata"]["namespace"], wanted["metadata"]["name"]
    for _ in range(5):
        try:
            if present is None:
                await cluster.create(resource, namespace, wanted)
            else:
                await cluster.replace(resource, namespace, _updated(present, wanted))
            return
        except (Conflict, NotFound):
            present = await cluster.get(resource, namespace, name)
    raise ClusterError(409, f"{wanted['kind']} {name} changes faster than it can be written")


def _updated(present: Manifest, wanted: Manifest) -> Manifest:
    """The present object with the wanted spec and marks; fields that the server fixed at creation stay."""
    spec = {**present["spec"], **wanted["spec"]} if wanted["kind"] == "Service" else wanted["spec"]
    labels = {**present["metadata"].get("labels", {}), **wanted["metadata"]["labels"]}
    owners = wanted["metadata"]["ownerReferences"]
    return {**present, "metadata": {**present["metadata"], "labels": labels, "ownerReferences": owners}, "spec": spec}
