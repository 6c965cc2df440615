"""Asking the gateway what it does, and when its answers mean that it cannot be trusted with users' requests."""

from __future__ import annotations

from collections.abc import Sequence

import aiohttp

from earlystop.api.conditions import ConditionStatus
from earlystop.controller.reconcile.tracked import TrackedPolicy
from earlystop.delivery.inputs import ProbeTarget
from earlystop.delivery.probe import ProbeResult, Proof, probe
from earlystop.rollout.observations import Observation

MISROUTES = "GatewayMisroutes"
# How long answers may go on that speak against what was written. One that carries the overlay's own mark is of an
# older version of it at most, which a gateway drops within its throttle; one without may be of a gateway that is slow.
PATIENCE_SECONDS = {Proof.WRONG: 10.0, Proof.STALE: 60.0}


async def ask(
    http: aiohttp.ClientSession, tracked: TrackedPolicy, targets: Sequence[ProbeTarget], now: float
) -> ProbeResult:
    """Probe the gateway, and note since when its answers speak against what was written."""
    result = await probe(http, targets)
    if result.proof not in PATIENCE_SECONDS:
        tracked.traffic.contradicted_at = None
    elif tracked.traffic.contradicted_at is None:
        tracked.traffic.contradicted_at = now
    return result


def misroutes(tracked: TrackedPolicy, result: ProbeResult, now: float) -> bool:
    """Whether such answers have come for so long that the gateway must be taken to misroute."""
    since = tracked.traffic.contradicted_at
    return since is not None and now - since >= PATIENCE_SECONDS[result.proof]


def misrouting(result: ProbeResult, backends: bool, under_way: bool) -> Observation:
    """What to say of such a gateway. result: its last answer. backends: it was asked to set headers by backend.
    under_way: users were led by the overlay until now."""
    seen = result.message
    if result.proof == Proof.STALE:
        seen = f"For {PATIENCE_SECONDS[Proof.STALE]:.0f} s no probe came to the server with the headers that it sets."
    retry = ", then retry the policy" if under_way else ""
    if backends:
        what_to_do = (
            "All requests go by your own route. Traefik before 3.7.6 confuses the headers of backends: upgrade it"
            f"{retry}, or use delivery.mode HeaderCohort or Shadow, which need no headers by backend."
        )
    else:
        what_to_do = f"All requests get the baseline. Find what changes headers on the way to the server{retry}."
    what = "The gateway does not do what the overlay's HTTPRoute says, whatever it reports."
    return Observation(ConditionStatus.FALSE, MISROUTES, f"{what} {seen} {what_to_do}")
