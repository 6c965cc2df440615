"""Reading everything around a policy that its delivery mode has to know, and handing it on while it is fresh."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from earlystop.api.policy import PolicySpec
from earlystop.controller.cluster import (
    BY_KIND,
    DEPLOYMENTS,
    GATEWAY_CLASSES,
    GATEWAYS,
    ROUTES,
    SERVICES,
    Cluster,
    Manifest,
)
from earlystop.controller.reconcile.tracked import TrackedPolicy
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.modes import mode_of
from earlystop.rollout.plan import variant_labels

# What acceptance has just read, putting weights in force need not read again.
FRESH_SECONDS = 2.0


async def gather_inputs(cluster: Cluster, tracked: TrackedPolicy, now: float) -> ClusterInputs:
    """The surroundings of the policy as it is written now. They are kept for `inputs_of_plan`."""
    inputs = await surroundings(cluster, tracked, tracked.spec)
    tracked.inputs = (now, inputs)
    return inputs


async def inputs_of_plan(cluster: Cluster, tracked: TrackedPolicy, now: float) -> ClusterInputs:
    """The surroundings of the campaign under way: those of acceptance, when it has just read them for the same target
    and route, else read now. Each reading is handed on once: a repeated attempt must see what has changed."""
    spec, kept, tracked.inputs = tracked.plan.spec, tracked.inputs, None
    if kept is not None and now - kept[0] <= FRESH_SECONDS and _same_place(kept[1].spec, spec):
        return replace(kept[1], spec=spec)
    return await surroundings(cluster, tracked, spec)


def _same_place(one: PolicySpec, other: PolicySpec) -> bool:
    same = one.target_ref == other.target_ref and one.delivery == other.delivery
    return same and variant_labels(one) == variant_labels(other)


async def surroundings(cluster: Cluster, tracked: TrackedPolicy, spec: PolicySpec) -> ClusterInputs:
    """Everything around the policy that its delivery mode has to know."""
    namespace = tracked.namespace
    assert spec.delivery.route_ref is not None  # the CRD demands it for every mode that is built
    deployment, route = await asyncio.gather(
        cluster.get(DEPLOYMENTS, namespace, spec.target_ref.name),
        cluster.get(ROUTES, namespace, spec.delivery.route_ref.name),
    )
    backends = _backends(route)
    gateways = _gateways(route, namespace)
    wanted = mode_of(spec.delivery).owned_names(tracked.name, backends, variant_labels(spec))
    found_services, found_gateways, found_owned = await asyncio.gather(
        asyncio.gather(*(cluster.get(SERVICES, namespace, name) for name in backends)),
        asyncio.gather(*(cluster.get(GATEWAYS, *key) for key in gateways)),
        asyncio.gather(*(cluster.get(BY_KIND[kind], namespace, name) for kind, name in wanted)),
    )
    present = {key: found for key, found in zip(gateways, found_gateways, strict=True) if found is not None}
    names = sorted({gateway["spec"]["gatewayClassName"] for gateway in present.values()})
    found_classes = await asyncio.gather(*(cluster.get(GATEWAY_CLASSES, None, name) for name in names))
    return ClusterInputs(
        namespace=namespace,
        policy=tracked.name,
        uid=tracked.uid,
        spec=spec,
        deployment=deployment,
        route=route,
        services={name: found for name, found in zip(backends, found_services, strict=True) if found is not None},
        gateways=present,
        gateway_classes={name: found for name, found in zip(names, found_classes, strict=True) if found is not None},
        owned={key: found for key, found in zip(wanted, found_owned, strict=True) if found is not None},
    )


def _backends(route: Manifest | None) -> list[str]:
    """Names of the Services of the route's own namespace that it leads to."""
    if route is None:
        return []
    own = route["metadata"]["namespace"]
    references = [
        backend
        for rule in route["spec"].get("rules", [])
        for backend in rule.get("backendRefs", [])
        if backend.get("kind", "Service") == "Service" and backend.get("namespace", own) == own
    ]
    return sorted({reference["name"] for reference in references})


def _gateways(route: Manifest | None, namespace: str) -> list[tuple[str, str]]:
    if route is None:
        return []
    references = route["spec"].get("parentRefs", [])
    return sorted(
        {
            (reference.get("namespace", namespace), reference["name"])
            for reference in references
            if reference.get("kind", "Gateway") == "Gateway"
        }
    )
