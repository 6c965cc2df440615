"""When answers to probes mean that a gateway cannot be trusted with users' requests, and what to say then."""

from __future__ import annotations

from earlystop.api.conditions import Condition, ConditionStatus, traffic_condition
from earlystop.delivery.proof import ProbeResult, Proof

MISROUTES = "GatewayMisroutes"
# For how many seconds answers may contradict what was written. One that carries the overlay's own mark is at most of an
# older version of it, which a gateway drops within its throttle; one without the mark may be of a gateway that is slow.
PATIENCE_SECONDS = {Proof.WRONG: 10.0, Proof.STALE: 60.0}


def contradicts(result: ProbeResult) -> bool:
    """Whether the answers contradict what was written."""
    return result.proof in PATIENCE_SECONDS


def misroutes(result: ProbeResult, contradicted_at: float | None, now: float) -> bool:
    """Whether the gateway must be taken to misroute. contradicted_at: Unix time since when its answers contradict what
    was written, None when they do not."""
    return contradicted_at is not None and now - contradicted_at >= PATIENCE_SECONDS[result.proof]


def misrouting(result: ProbeResult, headers_by_backend: bool, under_way: bool) -> Condition:
    """What to say of such a gateway.

    result: its last answer. headers_by_backend: whether it was asked to set headers by backend.
    under_way: whether the overlay led users' requests until now.
    """
    observed = result.message
    if result.proof == Proof.STALE:
        observed = (
            f"For {PATIENCE_SECONDS[Proof.STALE]:.0f} s no probe came to the server with the headers that it sets."
        )
    retry = ", then retry the policy" if under_way else ""
    if headers_by_backend:
        what_to_do = (
            "All requests go by your own route. Traefik before 3.7.6 confuses the headers of backends: upgrade it"
            f"{retry}, or use delivery.mode HeaderCohort or Shadow, which need no headers by backend."
        )
    else:
        what_to_do = f"All requests get the baseline. Find what changes headers on the way to the server{retry}."
    what = "The gateway does not do what the overlay's HTTPRoute says, whatever it reports."
    return traffic_condition(ConditionStatus.FALSE, MISROUTES, f"{what} {observed} {what_to_do}")
