"""Copying the target's Pod template: what is left out of a copy, and what cannot be run a second time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from earlystop.api.conditions import Refusal
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.ownership import controller_of
from earlystop.delivery.routes.attachment import KSERVE_LABELS
from earlystop.delivery.routes.carried_metadata import carried_annotations
from earlystop.delivery.template_digests import says_restart

Template = dict[str, Any]

SHARED_MODES = frozenset({"ReadWriteMany", "ReadOnlyMany"})
# Disks that one node has at a time.
SINGLE_DISKS = (
    *("awsElasticBlockStore", "azureDisk", "gcePersistentDisk", "cinder", "vsphereVolume", "photonPersistentDisk"),
    *("fc", "iscsi", "rbd", "portworxVolume", "scaleIO", "storageos"),
)
# By which Pods are treated, and no Service of a user's selects them. No other label is copied: each might be one that
# a Service, an InferencePool, a PodDisruptionBudget or a PodMonitor of the target selects by.
COPIED_LABEL_DOMAINS = (
    *("azure.workload.identity", "sidecar.istio.io", "service.istio.io", "linkerd.io", "kueue.x-k8s.io"),
    *("sidecar.opentelemetry.io", "vault.hashicorp.com"),
)
NOT_COPIED_ANNOTATION = "deployment.kubernetes.io/revision"


def template_of(target: Manifest) -> Template:
    """The Pod template of a Deployment, {} where it has none."""
    found: Template = (target.get("spec") or {}).get("template") or {}
    return found


def claims_of(target: Manifest) -> list[str]:
    """Names of the PersistentVolumeClaims that the target's Pods mount, each once."""
    volumes = (template_of(target).get("spec") or {}).get("volumes") or []
    claims = (each.get("persistentVolumeClaim") for each in volumes)
    return list(dict.fromkeys(str(each["claimName"]) for each in claims if each))


def copied_labels(target: Manifest) -> dict[str, str]:
    """The labels of the target's Pods that a candidate's Pods have too, none of which the target itself selects by."""
    labels = (template_of(target).get("metadata") or {}).get("labels") or {}
    selected = ((target.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    copied = (key for key in labels if key.partition("/")[0] in COPIED_LABEL_DOMAINS and key not in selected)
    return {key: labels[key] for key in copied}


def copied_annotations(target: Manifest) -> dict[str, str]:
    """The annotations of the target's Pods that a candidate's Pods have too. A restart of the target is no change of
    what it serves."""
    annotations = (template_of(target).get("metadata") or {}).get("annotations") or {}
    carried = carried_annotations(annotations).items()
    return {key: text for key, text in carried if key != NOT_COPIED_ANNOTATION and not says_restart(key)}


def copied_spec(target: Manifest) -> dict[str, Any]:
    """The spec of the target's Pods, but for the node that it may be bound to."""
    spec: dict[str, Any] = template_of(target).get("spec") or {}
    return {name: value for name, value in spec.items() if name != "nodeName"}


def copy_refusal(inputs: ClusterInputs, target: Manifest) -> Refusal | None:
    """Why the target's Pods cannot be run a second time beside it, None when they can."""
    return next(_refusals(inputs, target), None)


def _refusals(inputs: ClusterInputs, target: Manifest) -> Iterator[Refusal]:
    yield from _managed(target)
    spec, name = copied_spec(target), target["metadata"]["name"]
    containers = [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]
    ports = [port for each in containers for port in each.get("ports") or []]
    if spec.get("hostNetwork") or any(port.get("hostPort") for port in ports):
        yield Refusal(
            "HostPortTaken",
            f"Pods of Deployment {name} take a port of their node, which a candidate's Pods would want too. Remove "
            "hostPort and hostNetwork from its Pod template.",
        )
    for volume in spec.get("volumes") or []:
        if disk := next((kind for kind in SINGLE_DISKS if kind in volume), None):
            yield _not_shareable(name, f"volume {volume.get('name')} is a {disk}")
    for claim in claims_of(target):
        found = inputs.own("PersistentVolumeClaim", claim)
        if found is not None and not SHARED_MODES & set(_access_modes(found)):
            yield _not_shareable(name, f"PersistentVolumeClaim {claim} is {', '.join(_access_modes(found))}")
    for each in spec.get("resourceClaims") or []:
        if each.get("resourceClaimName"):
            yield _not_shareable(name, f"ResourceClaim {each['resourceClaimName']} is one device's")


def _access_modes(claim: Mapping[str, Any]) -> Iterable[str]:
    return (claim.get("spec") or {}).get("accessModes") or ["of no access mode"]


def _managed(target: Manifest) -> Iterator[Refusal]:
    """A Deployment that another controller writes: a copy would not follow it, and a promotion be undone."""
    owner, metadata = controller_of(target), target["metadata"]
    whose = f"{owner['kind']} {owner['name']}" if owner is not None else ""
    if not whose and any(label in (metadata.get("labels") or {}) for label in KSERVE_LABELS):
        whose = "KServe"
    if whose:
        yield Refusal(
            "TargetManaged",
            f"Deployment {metadata['name']} is managed by {whose}, which would undo a promotion. Set the parameter in "
            "that object, or name a Deployment that no other controller owns.",
        )


def _not_shareable(name: str, what: str) -> Refusal:
    return Refusal(
        "VolumeNotShareable",
        f"Pods of Deployment {name} cannot run twice: {what}. Use a claim that is ReadOnlyMany or ReadWriteMany, an "
        "image volume, or an ephemeral one.",
    )
