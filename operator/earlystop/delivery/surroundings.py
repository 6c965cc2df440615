"""What a delivery mode has to know of the cluster, fetched beforehand and handed over as plain objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from earlystop.api.policy import PolicySpec

Manifest = dict[str, Any]

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "earlystop"
SELECTOR = f"{MANAGED_BY}={MANAGER}"
POLICY_UID = "earlystop.dev/policy-uid"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Objects around a policy; an absent one was looked for and not found.

    services: by name, those that the route leads to. gateways: by namespace and name.
    gateway_classes: by name. owned: objects that already carry the names which the mode wants, by (kind, name).
    """

    namespace: str
    policy: str
    uid: str
    spec: PolicySpec
    deployment: Manifest | None = None
    route: Manifest | None = None
    services: Mapping[str, Manifest] = field(default_factory=dict)
    gateways: Mapping[tuple[str, str], Manifest] = field(default_factory=dict)
    gateway_classes: Mapping[str, Manifest] = field(default_factory=dict)
    owned: Mapping[tuple[str, str], Manifest] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Share:
    """What shall be in force: the campaign's revision, its step, and the candidate's percent of requests."""

    revision: str
    step: int
    weight: int


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """Where a probe can be sent: a URL through the gateway, the Host header if one is needed, the nonce, and headers
    that the user's route asks for."""

    url: str
    host: str | None
    nonce: str
    headers: tuple[tuple[str, str], ...] = ()


def owner_reference(around: Surroundings) -> Manifest:
    """Ownership by the policy: deleting it brings back the original route by garbage collection alone."""
    return {
        "apiVersion": "earlystop.dev/v1alpha1",
        "kind": "EarlyStopPolicy",
        "name": around.policy,
        "uid": around.uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }


def controller_of(manifest: Manifest) -> Manifest | None:
    """The ownerReference of the controller that manages an object, if there is one."""
    for reference in manifest["metadata"].get("ownerReferences", []):
        if reference.get("controller"):
            return dict(reference)
    return None
