"""Leaving a target to another policy: what a campaign that is over had put there leads nobody, and binds nobody."""

from __future__ import annotations

import re
from dataclasses import replace

from earlystop.api.conditions import ConditionStatus, Refusal, traffic_condition
from earlystop.delivery.decide import misfit
from earlystop.delivery.decisions import Detach
from earlystop.delivery.desired import Desired
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.ownership import is_controlled_by

LEFT = "TargetLeft"
RELEASED = frozenset({"Service", "Deployment", "AgentgatewayBackend", "AIGatewayRoute", "AIServiceBackend", "Backend"})
_SUCCESSOR = re.compile(r"policy (\S+) is about this target")


def leave(observed: ClusterInputs, desired: Desired, successor: str) -> Detach:
    """Take the mode's objects off, and release those that are named by the target: alias Services, what a gateway takes
    for them, and the candidates' Deployments. successor: name of the policy that the target is left to;
    its own where it was deleted."""
    why = "was deleted" if successor == observed.policy else "is about this target or route now"
    message = f"The campaign is over, and policy {successor} {why}. Nothing of this policy leads any request."
    taken_off = misfit(observed, replace(desired, refusal=Refusal(LEFT, message)))
    assert taken_off is not None  # what is refused is taken off
    named_alike = [
        (key.kind, each)
        for key, each in observed.objects.items()
        if key.kind in RELEASED and key.namespace == observed.namespace and is_controlled_by(each, observed.uid)
    ]
    return replace(
        taken_off,
        condition=traffic_condition(ConditionStatus.UNKNOWN, LEFT, message),
        objects=(*taken_off.objects, *(_released(kind, each) for kind, each in named_alike)),
    )


def successor_in(reason: str, message: str) -> str:
    """Name of the policy that the target was left to, as a stored condition says, "" where it says of none."""
    found = _SUCCESSOR.search(message) if reason == LEFT else None
    return found.group(1) if found else ""


def _released(kind: str, found: Manifest) -> Manifest:
    """The object without its controller: as what a deleted policy leaves behind, another policy may take it."""
    owners = [each for each in found["metadata"]["ownerReferences"] if not each.get("controller")]
    return {"kind": kind, **found, "metadata": {**found["metadata"], "ownerReferences": owners}}
