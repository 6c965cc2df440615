"""Digests of a target's Pod template, by which a change of what serves is told from one that changes nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from earlystop.api.wire import MODEL_LABEL

RESTARTED_AT = "/restartedAt"
"""With which annotations end by which `kubectl rollout restart`, Argo CD and OpenShift's console restart a target."""
REDEPLOYED_AT = "cattle.io/timestamp"
"""The one by which Rancher does."""


def says_restart(annotation: str) -> bool:
    """Whether an annotation of a Pod template only says when it was restarted; the Pods after it are as before."""
    return annotation == REDEPLOYED_AT or annotation.endswith(RESTARTED_AT)


def template_digests(template: Mapping[str, Any]) -> dict[str, str]:
    """Digests of a Pod template, as `template` without images and model label, and of its `images`.

    Replicas are no part of it, nor is what a restart or the API server writes there. One that has its digests in place
    of its spec gives these.
    """
    known = template.get("digests")
    if known is not None:
        return dict(known)
    metadata, spec = template.get("metadata") or {}, template.get("spec") or {}
    annotations = {name: text for name, text in (metadata.get("annotations") or {}).items() if not says_restart(name)}
    labels = {name: text for name, text in (metadata.get("labels") or {}).items() if name != MODEL_LABEL}
    kinds = ("initContainers", "containers")
    containers = {kind: [_without_image(each) for each in spec.get(kind) or []] for kind in kinds}
    images = [[kind, each.get("name"), each.get("image")] for kind in kinds for each in spec.get(kind) or []]
    return {
        "template": _digest([labels, annotations, {**spec, **containers}]),
        "images": _digest(images),
    }


def _without_image(container: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in container.items() if name != "image"}


def _digest(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
