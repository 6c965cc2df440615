"""What a delivery mode has to know of the cluster: the objects that it names, read beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

from earlystop.api.policy import PolicySpec
from earlystop.api.wire import MANAGED_BY_LABEL, MANAGER
from earlystop.delivery.object_key import ObjectKey
from earlystop.delivery.routes.neighbours import NeighbourRoute

Manifest = dict[str, Any]
Made = TypeVar("Made")

INFERENCE_POOL = "InferencePool"
"""The kind of Gateway API's inference extension whose endpoint picker chooses a Pod for each request."""
POOL_GROUP = "inference.networking.k8s.io"

SELECTOR = f"{MANAGED_BY_LABEL}={MANAGER}"


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What stands beside a policy's objects without being named by any of them.

    routes: those that are served for a host of the user's route.
    overlapping: others whose hosts are wider or narrower than some of the user's route, of a gateway that compares
        paths before hosts.
    mesh_routes: those by which a mesh leads requests to Services of the policy's namespace.
    policies: objects of kinds that attach to others, as far as they are of the policy's namespace or name it.
    unreadable: kinds of such objects that the operator may not list, as `securitypolicies.gateway.envoyproxy.io`.
    """

    routes: tuple[NeighbourRoute, ...] = ()
    overlapping: tuple[NeighbourRoute, ...] = ()
    mesh_routes: tuple[NeighbourRoute, ...] = ()
    policies: tuple[Manifest, ...] = ()
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClusterInputs:
    """One policy and the objects that its delivery mode asked for.

    namespace, policy, uid: namespace, name and UID of the policy.
    spec: the spec under which traffic is delivered.
    objects: what was found; a key that is missing was looked for and not found. They are never changed, so that what
        follows from them is worked out once.
    neighbours: what stands beside them.
    injector_image: image of injectors, by the operator's own setting; "" where it may run none.
    writes_gateway_objects: whether the operator may make objects of a gateway's own, by its own setting.
    inference_pools: whether injectors may send on to InferencePools, by the operator's own setting.
    entry_is_free: whether another policy's settings in the policy's entry may be written over: that policy is gone or
        over, and they have given no candidate anything for as long as every server needs to read them.
    pods: the Pods of the policy's candidates, for a mode whose candidates have Pods of their own; None where the
        operator may not list them.
    """

    namespace: str
    policy: str
    uid: str
    spec: PolicySpec
    objects: Mapping[ObjectKey, Manifest] = field(default_factory=dict)
    neighbours: Neighbours = Neighbours()
    injector_image: str = ""
    entry_is_free: bool = False
    pods: tuple[Manifest, ...] | None = None
    writes_gateway_objects: bool = False
    inference_pools: bool = False

    def once(self, make: Callable[[ClusterInputs], Made]) -> Made:
        """What a pure function makes of these inputs, worked out at the first call only. Nobody changes it."""
        if make not in self._made:
            self._made[make] = make(self)
        made: Made = self._made[make]
        return made

    @cached_property
    def _made(self) -> dict[Callable[[ClusterInputs], Any], Any]:
        return {}

    def own(self, kind: str, name: str) -> Manifest | None:
        """The object of this kind and name in the policy's namespace, None when there is none."""
        return self.objects.get(ObjectKey(kind, self.namespace, name))

    def with_objects(self, manifests: Iterable[Manifest]) -> ClusterInputs:
        """The inputs after these objects of the policy's namespace were written."""
        written = {ObjectKey(each["kind"], self.namespace, each["metadata"]["name"]): each for each in manifests}
        return replace(self, objects={**self.objects, **written})

    @property
    def target_key(self) -> ObjectKey:
        """Which object the policy's targetRef names."""
        return ObjectKey("Deployment", self.namespace, self.spec.target_ref.name)

    @property
    def deployment(self) -> Manifest | None:
        """The Deployment that the policy's targetRef names."""
        return self.objects.get(self.target_key)

    @cached_property
    def route_name(self) -> str:
        """Name of the user's route, "" for a mode without one."""
        reference = self.spec.delivery.route_ref
        return reference.name if reference is not None else ""

    @cached_property
    def route(self) -> Manifest | None:
        """The user's HTTPRoute, None when it is missing or the mode has none."""
        return self.own("HTTPRoute", self.route_name)

    @cached_property
    def services(self) -> dict[str, Manifest]:
        """Services of the policy's namespace, by name."""
        return {key.name: found for key, found in self.objects.items() if key[:2] == ("Service", self.namespace)}

    @cached_property
    def pools(self) -> dict[str, Manifest]:
        """InferencePools of the policy's namespace, by name."""
        return {key.name: found for key, found in self.objects.items() if key[:2] == (INFERENCE_POOL, self.namespace)}

    @cached_property
    def gateways(self) -> dict[tuple[str, str], Manifest]:
        """Gateways by namespace and name."""
        return {(key.namespace or "", key.name): found for key, found in self.objects.items() if key.kind == "Gateway"}

    @cached_property
    def gateway_classes(self) -> dict[str, Manifest]:
        """GatewayClasses by name."""
        return {key.name: found for key, found in self.objects.items() if key.kind == "GatewayClass"}
