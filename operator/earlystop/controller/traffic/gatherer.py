"""Reading the objects of the cluster that a policy's delivery mode has to know."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace

from earlystop.api.policy import PolicySpec
from earlystop.api.wire import INCUMBENT, POLICY_UID_LABEL
from earlystop.controller.cluster import DEPLOYMENTS, FORBIDDEN, PODS, POLICIES, Cluster, ClusterError, Manifest
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.traffic.neighbourhood import with_neighbours
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.modes import mode_of
from earlystop.delivery.object_key import ObjectKey
from earlystop.delivery.settings_mode import SETTINGS_GRACE_SECONDS, SettingsMode
from earlystop.rollout.plan import variant_labels
from earlystop.rollout.state import ENDED


async def inputs_of_spec(cluster: Cluster, tracked: TrackedPolicy, now: float) -> ClusterInputs:
    """What the mode has to know of the policy as it is written now. `inputs_of_plan` may use it too."""
    edits = tracked.traffic.edits
    inputs, read = await _gathered(cluster, tracked, tracked.spec)
    inputs = await _with_entry(cluster, tracked, inputs, now)
    if cluster.cache is not None:
        cluster.cache.keep_reads(tracked.key, read)
    tracked.traffic.gathered.kept = (inputs, now) if edits == tracked.traffic.edits else None
    return inputs


async def inputs_of_plan(cluster: Cluster, tracked: TrackedPolicy, now: float) -> ClusterInputs:
    """What the mode has to know of the campaign under way: what the acceptance check has just read, else read now."""
    spec = tracked.plan.spec
    handed_over = tracked.traffic.gathered.hand_over(spec, now)
    return handed_over or await _with_entry(cluster, tracked, await gather_inputs(cluster, tracked, spec), now)


async def gather_inputs(cluster: Cluster, tracked: TrackedPolicy, spec: PolicySpec) -> ClusterInputs:
    """Read the policy's target and what its mode names, until what was read makes it name nothing more.

    Raises ClusterError when the API fails.
    """
    inputs, _ = await _gathered(cluster, tracked, spec)
    return inputs


async def _with_entry(cluster: Cluster, tracked: TrackedPolicy, inputs: ClusterInputs, now: float) -> ClusterInputs:
    """The inputs, with whether another policy's settings may be written over. That policy is read anew, since it may
    not be tracked."""
    mode = mode_of(inputs.spec.delivery)
    held = mode.settled(inputs) if isinstance(mode, SettingsMode) else None
    seconds = tracked.traffic.note_entry("" if held is None else held.digest, now)
    if held is None or seconds < SETTINGS_GRACE_SECONDS:
        return inputs
    namespace, _, name = held.policy.partition("/")
    other = await cluster.get(POLICIES, namespace, name) if namespace == inputs.namespace else None
    phase = None if other is None else other.get("status", {}).get("phase")
    return replace(inputs, entry_is_free=other is None or phase in {each.value for each in ENDED})


async def _gathered(
    cluster: Cluster, tracked: TrackedPolicy, spec: PolicySpec
) -> tuple[ClusterInputs, Collection[ObjectKey]]:
    """The inputs, and all objects that were looked for. Each is noted before it is read: a change of it from then on
    has the policy checked again."""
    mode, labels = mode_of(spec.delivery), _labels(spec)
    inputs = ClusterInputs(
        namespace=tracked.namespace,
        policy=tracked.name,
        uid=tracked.uid,
        spec=spec,
        injector_image=cluster.injector_image,
        writes_gateway_objects=cluster.writes_gateway_objects,
        inference_pools=cluster.inference_pools,
    )
    read: dict[ObjectKey, Manifest | None] = {}
    if spec.delivery.traits.own_pods:
        # Those of candidates that the policy no longer names, too.
        deployments = await cluster.list(DEPLOYMENTS, inputs.namespace, f"{POLICY_UID_LABEL}={inputs.uid}")
        read = {ObjectKey("Deployment", inputs.namespace, each["metadata"]["name"]): each for each in deployments}
        if cluster.cache is not None:
            cluster.cache.note_reads(tracked.key, read)
        inputs = replace(inputs, pods=await _candidate_pods(cluster, inputs))
    while True:
        owned = (ObjectKey(kind, inputs.namespace, name) for kind, name in mode.owned_names(inputs, labels))
        named = dict.fromkeys((inputs.target_key, *mode.objects_needed(inputs), *owned))
        unread = [key for key in named if key not in read]
        if not unread:
            return await with_neighbours(cluster, inputs), read
        if cluster.cache is not None:
            cluster.cache.note_reads(tracked.key, unread)
        found = await asyncio.gather(*(cluster.read(key) for key in unread))
        read.update(zip(unread, found, strict=True))
        inputs = replace(inputs, objects={key: each for key, each in read.items() if each is not None})


def _labels(spec: PolicySpec) -> tuple[str, ...]:
    """Labels of all variants that may have objects of their own: those of the candidates, and a search's incumbent."""
    return (*variant_labels(spec), *([INCUMBENT] if spec.search is not None else []))


async def _candidate_pods(cluster: Cluster, inputs: ClusterInputs) -> tuple[Manifest, ...] | None:
    """The Pods of the policy's candidates, None where the operator may not list them."""
    try:
        return tuple(await cluster.list(PODS, inputs.namespace, f"{POLICY_UID_LABEL}={inputs.uid}"))
    except ClusterError as error:
        if error.status == FORBIDDEN:
            return None
        raise
