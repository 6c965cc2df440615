"""Which of the operator's own objects are not as they are wanted, and writing them."""

from __future__ import annotations

from typing import Any

from earlystop.controller.cluster import BY_KIND, Cluster, ClusterError, Conflict, Manifest, NotFound
from earlystop.delivery.inputs import ClusterInputs


def observed_object(inputs: ClusterInputs, manifest: Manifest) -> Manifest | None:
    """The object of a manifest's kind and name as it was found in the cluster."""
    return inputs.owned.get((manifest["kind"], manifest["metadata"]["name"]))


def matches_desired(present: Manifest | None, wanted: Manifest) -> bool:
    """Whether an object in the cluster holds all that is wanted of it. What the server adds to a Service does not
    matter, but every list must have just the wanted entries. A route is the same to the letter: all that the server
    would add was copied from the user's route, and one more condition in a match would let requests slip past."""
    if present is None or not _covers(present["metadata"], wanted["metadata"]):
        return False
    if wanted["kind"] == "HTTPRoute":
        return bool(present["spec"] == wanted["spec"])
    return _covers(present["spec"], wanted["spec"])


def _covers(present: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(present, dict) and all(
            key in present and _covers(present[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(present, list)
            and len(present) == len(wanted)
            and all(_covers(mine, theirs) for mine, theirs in zip(present, wanted, strict=True))
        )
    return bool(present == wanted)


async def write_all(cluster: Cluster, inputs: ClusterInputs, manifests: list[Manifest]) -> None:
    """Create or replace these objects, one after another. Raises ClusterError when the API fails."""
    for manifest in manifests:
        await _write(cluster, observed_object(inputs, manifest), manifest)


async def _write(cluster: Cluster, present: Manifest | None, wanted: Manifest) -> None:
    """Create or replace one object. After a conflict it is read again: gateways write a route's status too."""
    resource = BY_KIND[wanted["kind"]]
    namespace, name = wanted["metadata"]["namespace"], wanted["metadata"]["name"]
    for _ in range(5):
        try:
            if present is None:
                await cluster.create(resource, namespace, wanted)
            else:
                await cluster.replace(resource, namespace, _updated(present, wanted))
            return
        except (Conflict, NotFound):
            present = await cluster.get(resource, namespace, name)
    raise ClusterError(409, f"{wanted['kind']} {name} changes faster than it can be written")


def _updated(present: Manifest, wanted: Manifest) -> Manifest:
    """The present object with the wanted spec and marks; fields that the server fixed at creation stay."""
    spec = {**present["spec"], **wanted["spec"]} if wanted["kind"] == "Service" else wanted["spec"]
    labels = {**present["metadata"].get("labels", {}), **wanted["metadata"]["labels"]}
    owners = wanted["metadata"]["ownerReferences"]
    return {**present, "metadata": {**present["metadata"], "labels": labels, "ownerReferences": owners}, "spec": spec}
