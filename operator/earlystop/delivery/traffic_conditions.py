"""What a policy says about its traffic when users are not led as it asks: what was found, and what to do about it."""

from __future__ import annotations

from earlystop.api.conditions import Condition, ConditionStatus, ConditionType
from earlystop.delivery.canary import Fault
from earlystop.delivery.proof import ProbeResult, Proof


def taken_off(fault: Fault, rest: float) -> Condition:
    """Users were taken off since probes by variant found a fault. rest: seconds until they may be led again."""
    reason = Proof.CANDIDATE_FAILS.value if fault.proof == Proof.CANDIDATE_FAILS else "ShareNotServed"
    message = (
        f"{fault.message} All requests go by your own route. Look at what stands between the gateway and the "
        "candidate's Service: its ports and endpoints, and TLS and other policies that name your Service. It is tried "
        f"again in {rest:.0f} s."
    )
    return _condition(ConditionStatus.FALSE, reason, message)


def unproven_for_long(missing: bool, seconds: float, rest: float) -> Condition:
    """Users were taken off since nothing proved that the split serves them.

    missing: whether counts even show that a variant gets none of its requests. seconds: how long proof was waited for.
    rest: seconds until they may be led again.
    """
    why = (
        "Requests were counted, and a variant has none of those that it should have"
        if missing
        else f"Nothing has proven the split for {seconds:.0f} s"
    )
    message = (
        f"{why}, so all requests go by your own route. Look at the gateway's answers and at the servers behind it; "
        f"let the server echo probes, so that the split can be proven. It is tried again in {rest:.0f} s."
    )
    return _condition(ConditionStatus.FALSE, "SplitUnproven", message)


def not_served(answer: ProbeResult, seconds: float, meanwhile: str) -> Condition:
    """The gateway has not served the overlay for so many seconds. meanwhile: a sentence about what that means."""
    message = (
        f"{answer.message} The overlay was written over {seconds:.0f} s ago. Look at the gateway and at the servers "
        f"behind it. {meanwhile}"
    )
    return _condition(ConditionStatus.FALSE, "ShareNotServed", message)


def _condition(status: ConditionStatus, reason: str, message: str) -> Condition:
    return Condition(ConditionType.TRAFFIC_APPLIED, status, reason, message)
