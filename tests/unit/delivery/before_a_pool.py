"""A policy of mode RequestBody whose route leads to an InferencePool."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from earlystop.delivery.inputs import (
    INFERENCE_POOL,
    POOL_GROUP,
    ClusterInputs,
    Manifest,
)
from earlystop.delivery.object_key import ObjectKey
from tests.unit.delivery.cluster import LABELS, exact, header, inputs, prefix, spec_in, split

HALF = split(50)
CHAT = "/v1/chat/completions"
POOL = "qa-pool"
TO_POOL = {"group": POOL_GROUP, "kind": INFERENCE_POOL, "name": POOL}
ROUTES = {
    "everything": [prefix("/")],
    "a prefix": [prefix("/v1")],
    "the path": [exact(CHAT)],
    "as strict as can be": [exact(CHAT, method="POST", headers=[header("x-model", "qwen"), header("x-tenant", "a")])],
}


def pool(**labels: str) -> Manifest:
    """As its definition of inference.networking.k8s.io/v1 has it."""
    spec = {
        "selector": {"matchLabels": labels or LABELS},
        "targetPorts": [{"number": 8000}],
        "endpointPickerRef": {"name": "picker", "port": {"number": 9002}},
    }
    return {"metadata": {"name": POOL, "namespace": "llm", "uid": "pool-uid"}, "spec": spec}


def here(matches: list[dict[str, Any]] | None = None, found: Manifest | None = None, **more: Any) -> ClusterInputs:
    users = {"matches": matches or ROUTES["a prefix"], "backendRefs": [TO_POOL], **more.pop("rule", {})}
    plain = inputs(users, **{"spec": spec_in("RequestBody"), **more})
    key = ObjectKey(INFERENCE_POOL, "llm", POOL)
    objects = {name: each for name, each in plain.objects.items() if name.kind != "Service"}
    return replace(plain, inference_pools=True, objects={**objects, key: found or pool()})
