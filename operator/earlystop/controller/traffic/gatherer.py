"""Reading the objects of the cluster that a policy's delivery mode has to know."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace

from earlystop.api.policy import PolicySpec
from earlystop.controller.cluster import Cluster, Manifest
from earlystop.controller.reconcile.tracked import TrackedPolicy
from earlystop.controller.traffic.neighbourhood import with_neighbours
from earlystop.delivery.inputs import ClusterInputs, ObjectKey
from earlystop.delivery.modes import mode_of
from earlystop.rollout.plan import variant_labels


async def inputs_of_spec(cluster: Cluster, tracked: TrackedPolicy, now: float) -> ClusterInputs:
    """What the mode has to know of the policy as it is written now. `inputs_of_plan` may use it too."""
    edits = tracked.traffic.edits
    inputs, read = await _gathered(cluster, tracked, tracked.spec)
    if cluster.cache is not None:
        cluster.cache.keep_reads(tracked.key, read)
    tracked.traffic.keep_inputs(inputs, now, edits)
    return inputs


async def inputs_of_plan(cluster: Cluster, tracked: TrackedPolicy, now: float) -> ClusterInputs:
    """What the mode has to know of the campaign under way: what the acceptance check has just read, else read now."""
    spec = tracked.plan.spec
    return tracked.traffic.hand_over_inputs(spec, now) or await gather_inputs(cluster, tracked, spec)


async def gather_inputs(cluster: Cluster, tracked: TrackedPolicy, spec: PolicySpec) -> ClusterInputs:
    """Read the policy's target and what its mode names, until what was read makes it name nothing more.

    Raises ClusterError when the API fails.
    """
    inputs, _ = await _gathered(cluster, tracked, spec)
    return inputs


async def _gathered(
    cluster: Cluster, tracked: TrackedPolicy, spec: PolicySpec
) -> tuple[ClusterInputs, Collection[ObjectKey]]:
    """The inputs, and all objects that were looked for. Each is noted before it is read: a change of it from then on
    has the policy checked again."""
    mode, candidates = mode_of(spec.delivery), variant_labels(spec)
    inputs = ClusterInputs(
        namespace=tracked.namespace,
        policy=tracked.name,
        uid=tracked.uid,
        spec=spec,
        injector_image=cluster.injector_image,
    )
    read: dict[ObjectKey, Manifest | None] = {}
    while True:
        owned = (ObjectKey(kind, inputs.namespace, name) for kind, name in mode.owned_names(inputs, candidates))
        named = dict.fromkeys((inputs.target_key, *mode.objects_needed(inputs), *owned))
        unread = [key for key in named if key not in read]
        if not unread:
            return await with_neighbours(cluster, inputs), read
        if cluster.cache is not None:
            cluster.cache.note_reads(tracked.key, unread)
        found = await asyncio.gather(*(cluster.read(key) for key in unread))
        read.update(zip(unread, found, strict=True))
        inputs = replace(inputs, objects={key: each for key, each in read.items() if each is not None})
