"""Whose an object is: what the operator writes is owned by its policy."""

from __future__ import annotations

from typing import Any

from earlystop.api.values import bounded
from earlystop.api.wire import API_VERSION, MANAGED_BY_LABEL, MANAGER, POLICY_LABEL, POLICY_UID_LABEL
from earlystop.delivery.inputs import ClusterInputs, Manifest


def owned_metadata(inputs: ClusterInputs, name: str) -> dict[str, Any]:
    """Metadata of an object that is deleted with its policy."""
    return {
        "name": name,
        "namespace": inputs.namespace,
        "labels": {
            MANAGED_BY_LABEL: MANAGER,
            POLICY_LABEL: bounded(inputs.policy, 63),
            POLICY_UID_LABEL: inputs.uid,
        },
        "ownerReferences": [_owner_reference(inputs)],
    }


def _owner_reference(inputs: ClusterInputs) -> Manifest:
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


def is_part(manifest: Manifest) -> bool:
    """Whether a manifest states some fields of a user's object, which are all that the operator writes of it: then its
    metadata names the object and nothing else. What the operator makes as a whole has labels and an owner."""
    return set(manifest["metadata"]) <= {"name", "namespace"}


def is_controlled_by(manifest: Manifest, uid: str) -> bool:
    """Whether the policy with this UID manages an object."""
    owner = controller_of(manifest)
    return owner is not None and owner.get("uid") == uid
