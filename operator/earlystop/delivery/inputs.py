"""What a delivery mode has to know: the cluster around a policy, fetched beforehand, and what shall be in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from earlystop.api.policy import PolicySpec
from earlystop.api.wire import API_VERSION, MANAGED_BY_LABEL, MANAGER

Manifest = dict[str, Any]

SELECTOR = f"{MANAGED_BY_LABEL}={MANAGER}"


@dataclass(frozen=True, slots=True)
class ClusterInputs:
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

    @property
    def route_name(self) -> str:
        """Name of the user's route, "" for a mode without one."""
        reference = self.spec.delivery.route_ref
        return reference.name if reference is not None else ""


@dataclass(frozen=True, slots=True)
class VariantWeight:
    """A variant's percent of requests (0..100), and the value of each parameter for it."""

    variant: str
    weight: int
    settings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ShadowSetting:
    """A candidate that the server judges on the baseline's requests, and the value of each parameter for it."""

    variant: str
    settings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TrafficSplit:
    """What shall be in force: the campaign's revision, its step, and what each variant gets.

    variants: the baseline first, then every candidate of the campaign in constant order, dropped ones with weight 0.
    Raises ValueError unless weights lie in 0..100 and sum to 100.
    """

    revision: str
    step: int
    variants: tuple[VariantWeight, ...]
    shadows: tuple[ShadowSetting, ...] = ()

    def __post_init__(self) -> None:
        if sum(self.weights) != 100 or not all(0 <= weight <= 100 for weight in self.weights):
            raise ValueError(f"weights {self.weights} must lie in 0..100 and sum to 100")

    @property
    def baseline(self) -> VariantWeight:
        """The baseline's share."""
        return self.variants[0]

    @property
    def candidates(self) -> tuple[VariantWeight, ...]:
        """The candidates' shares."""
        return self.variants[1:]

    @property
    def weights(self) -> tuple[int, ...]:
        """Percent of each variant, the baseline first."""
        return tuple(each.weight for each in self.variants)

    @property
    def candidate_weight(self) -> int:
        """Percent of requests that get any candidate."""
        return sum(self.weights[1:])

    @property
    def in_use(self) -> frozenset[str]:
        """The variants that get requests."""
        return frozenset(each.variant for each in self.variants if each.weight > 0)


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """Where a probe can be sent, and what must come back.

    host: the Host header if one is needed. headers: those that the route asks for. revision, weights: what the server
    must echo; each variant with a weight above 0 must be seen, and no other.
    """

    url: str
    host: str | None
    nonce: str
    headers: tuple[tuple[str, str], ...]
    revision: str
    weights: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """An overlay that leads the operator's own requests alone, to see what the gateway makes of such rules before it
    leads anybody else's. objects: in the order of writing, the overlay last. targets: what to ask, never empty."""

    objects: list[Manifest]
    targets: list[ProbeTarget]


def owner_reference(inputs: ClusterInputs) -> Manifest:
    """Ownership by the policy: deleting it brings back the original route by garbage collection alone."""
    return {
        "apiVersion": API_VERSION,
        "kind": "EarlyStopPolicy",
        "name": inputs.policy,
        "uid": inputs.uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }


def controller_of(manifest: Manifest) -> Manifest | None:
    """The ownerReference of the controller that manages an object, if there is one."""
    for reference in manifest["metadata"].get("ownerReferences", []):
        if reference.get("controller"):
            return dict(reference)
    return None
