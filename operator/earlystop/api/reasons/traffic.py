"""Where reasons are given, and those of TrafficApplied; `every.py` gathers all reasons for the page for users."""

from __future__ import annotations

from collections.abc import Mapping

from earlystop.api.conditions import ConditionType as Type

EVENT = "event"
DECISION = "verdict"
VERDICT = (DECISION, Type.PROMOTED.value, Type.ROLLED_BACK.value)
# What is checked before a policy is accepted is checked again before each change of its traffic.
PREFLIGHT = (Type.ACCEPTED.value, Type.TRAFFIC_APPLIED.value, Type.READY.value, Type.COMPLETED.value, EVENT)
TRAFFIC = (Type.TRAFFIC_APPLIED.value,)
TRAFFIC_FAULT = (Type.TRAFFIC_APPLIED.value, Type.READY.value, EVENT)

TRAFFIC_ROWS: tuple[tuple[tuple[str, ...], Mapping[str, str]], ...] = (
    (
        TRAFFIC_FAULT,
        {
            "GatewayMisroutes": "The gateway sends requests otherwise than its routes say, so no candidate gets any; "
            "fix or upgrade the gateway, then retry the policy.",
            "CandidateNotServed": "Probes or counts show that requests of a candidate, or of a search's incumbent, do "
            "not come to the server and the baseline's do. All requests go by your own route; look at what stands "
            "between the gateway and the Service of the variant that the message names.",
            "SplitUnproven": "For too long nothing has proven that the split serves users: all go by your own route; "
            "look at the gateway's answers and let the server echo probes.",
            "WriteRefused": "The Kubernetes API or an admission webhook refuses to write what the traffic needs; the "
            "message has their words. Change what refuses it; the operator goes on trying.",
            "ShareNotServed": "The gateway has not served the overlay for too long; look at the gateway and the "
            "servers behind it.",
        },
    ),
    (
        PREFLIGHT,
        {
            "IncumbentNotDelivered": "The mode moves no share of requests, so no setting that a search has proven "
            "can serve while others are tried; write a mode that does, such as GatewayHeader, or remove the search.",
        },
    ),
    (
        TRAFFIC,
        {
            "InForce": "The weights that the campaign asks for are in force; nothing is to be done.",
            "WaitingForGateway": "The gateway does not serve the overlay yet; the operator goes on asking it.",
            "Pacing": "The operator waits until the gateway has taken in the change before; nothing is to be done.",
            "TargetLeft": "The campaign is over and another policy is about the target now, so nothing of this policy "
            "leads any request; nothing is to be done.",
            "NoGatewayAddress": "No address of the Gateway is known, so no probe can prove the weights and the metrics "
            "must show the split; look at the Gateway's status.",
            "NoProbeListener": "No listener that probes can be sent to leads to the route's hosts, so the metrics must "
            "show the split; add an http or https listener for them.",
            "GatewayClassNotAccepted": "No controller has accepted the Gateway's class, so its address is not asked "
            "and the metrics must show the split; look at the GatewayClass.",
            "ProbeUnsupported": "The server does not answer probes, so the metrics must show the split; add the "
            "helper's echo to the server to have weights proven.",
            "ProbesTooSlow": "Probes are answered too slowly to prove the weights, so the metrics must show the split; "
            "look at what makes the gateway or the server slow.",
            "GatewayUnreachable": "The gateway did not answer a probe, so the metrics must show the split; check that "
            "the operator may reach it.",
            "GatewayNotTrusted": "No TLS connection to the Gateway came about that delivery.probe.trust allows, so the "
            "metrics must show the split; look at the listener's certificate, or write trust: Any.",
        },
    ),
    (
        (*TRAFFIC, EVENT),
        {
            "OverlayMisses": "The weights are in force, and many of the target's requests come past the overlay, so no "
            "candidate gets them; write their paths in spec.delivery.paths, or a path prefix in the route.",
            "ForgedRequests": "The weights are in force, and many requests named the campaign without its token; they "
            "are no evidence. Close the way past the gateway by a NetworkPolicy, or have the server hand on the token.",
        },
    ),
)
