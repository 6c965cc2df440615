"""Names of the objects that the operator owns."""

from __future__ import annotations

import hashlib

from earlystop.api.values import bounded

BETWEEN = "-es-"
"""Stands between a Service's name and a variant's in the name of an alias."""


def overlay_name(policy: str) -> str:
    """Name of the overlay HTTPRoute."""
    return f"{bounded(policy, 235)}-early-stop"


def inner_route_name(policy: str) -> str:
    """Name of the HTTPRoute by which an injector's requests come to an InferencePool."""
    return f"{bounded(policy, 230)}-early-stop-inner"


def alias_name(service: str, variant: str = "candidate") -> str:
    """Name of a candidate's Service: at most 63 characters, different for different Services and variants."""
    plain = f"{service}{BETWEEN}{variant}"
    if len(plain) <= 63:
        return plain
    ending = f"-{hashlib.sha256(service.encode()).hexdigest()[:8]}{BETWEEN}{variant}"
    return service[: 63 - len(ending)] + ending


def injected_alias_name(service: str, variant: str) -> str:
    """Name of the Service through which a variant's requests come to an injector. No other mode has a Service of that
    name, so a change of the mode never leads an overlay's requests elsewhere."""
    return alias_name(service, f"{variant}-injected")


def written_backend_name(service: str, variant: str) -> str:
    """Name of the gateway's own object that writes a variant's values into bodies."""
    return alias_name(service, f"{variant}-body")


def injector_name(policy: str) -> str:
    """Name of a policy's injector: of its Deployment and what stands beside it."""
    return f"{bounded(policy, 50)}-es-injector"
