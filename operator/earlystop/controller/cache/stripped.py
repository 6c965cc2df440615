"""What is kept of an object: all that is read of it, or written back, and no more."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from earlystop.api.wire import SETTABLE_ANNOTATION
from earlystop.delivery.candidate_pods.readiness import readiness_gist
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.orphans import policy_of
from earlystop.delivery.template_digests import template_digests

# `kubectl apply` keeps a copy of the whole object in this annotation of users' objects.
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# Only of these kinds is the status read: addresses, listeners, supported features, and whether a route is accepted.
WITH_STATUS = frozenset({"HTTPRoute", "Gateway", "GatewayClass"})
# The fields that are read of the spec of kinds of which little is: of users' Deployments, unless their Pods are copied.
READ_FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType({"Deployment": ("replicas", "selector")})


def stripped(kind: str, manifest: Mapping[str, Any]) -> Manifest:
    """The object without what nobody reads. What the operator writes back stays whole, finalizers included."""
    metadata = {name: value for name, value in manifest["metadata"].items() if name != "managedFields"}
    annotations = metadata.get("annotations") or {}
    if LAST_APPLIED in annotations:
        metadata["annotations"] = {name: text for name, text in annotations.items() if name != LAST_APPLIED}
    kept = {name: value for name, value in manifest.items() if name not in ("metadata", "status", "spec")}
    kept["metadata"] = metadata
    if "spec" in manifest:
        kept["spec"] = manifest["spec"] if _is_read_whole(manifest) else _read_part(kind, manifest["spec"])
    if (kind in WITH_STATUS or (kind in READ_FIELDS and _is_read_whole(manifest))) and "status" in manifest:
        kept["status"] = manifest["status"]
    return kept


def _is_read_whole(manifest: Mapping[str, Any]) -> bool:
    """Whether an object is the operator's own, or a Deployment whose Pods policies may copy."""
    return bool(policy_of(dict(manifest))) or SETTABLE_ANNOTATION in (manifest["metadata"].get("annotations") or {})


def _read_part(kind: str, spec: Mapping[str, Any]) -> Mapping[str, Any]:
    names = READ_FIELDS.get(kind)
    if names is None:
        return spec
    kept = {name: spec[name] for name in names if name in spec}
    template = spec.get("template", {})
    labels = template.get("metadata", {}).get("labels") or {}
    return {**kept, "template": {"metadata": {"labels": labels}, "digests": template_digests(template)}}


def gist(kind: str, manifest: Mapping[str, Any]) -> bytes:
    """A digest of what a policy's traffic follows from: it changes when a person edits the object, or when a Gateway
    gets another address, or when Pods that the operator runs become ready or cease to be; but neither when a gateway
    reports on a route nor when a user's Deployment is scaled.

    manifest: as `stripped` gives it.
    """
    metadata = manifest["metadata"]
    parts: dict[str, Any] = {name: metadata.get(name) for name in ("uid", "labels", "annotations", "ownerReferences")}
    spec = manifest.get("spec")
    is_own = bool(policy_of(dict(manifest)))
    if kind in READ_FIELDS and isinstance(spec, Mapping) and not is_own:
        spec = {name: value for name, value in spec.items() if name != "replicas"}
    parts |= {name: value for name, value in manifest.items() if name not in ("metadata", "status", "apiVersion")}
    parts["spec"] = spec
    if kind in READ_FIELDS and is_own:
        parts["ready"] = readiness_gist(dict(manifest))
    if kind == "Gateway":
        parts["addresses"] = (manifest.get("status") or {}).get("addresses")
    parts.pop("kind", None)  # a list does not repeat it
    return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=16).digest()


def gist_of_users_objects(inputs: ClusterInputs, written: Collection[Manifest] = ()) -> bytes:
    """A digest of all that a policy's traffic follows from and that is not the operator's own. written: what it writes;
    a user's object of which it writes a part tells nothing here."""
    parts = {(each["kind"], each["metadata"]["name"]) for each in written}
    gists = [
        f"{key.kind}/{key.namespace}/{key.name}/{gist(key.kind, stripped(key.kind, each)).hex()}"
        for key, each in inputs.objects.items()
        if not policy_of(each) and (key.kind, key.name) not in parts
    ]
    return hashlib.blake2b("\n".join(sorted(gists)).encode(), digest_size=16).digest()
