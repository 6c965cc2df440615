"""What serves is told from its Pod template: another content changes a digest, and a restart or scaling does not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from earlystop.controller.cache.stripped import stripped
from earlystop.delivery.inputs import Manifest
from earlystop.delivery.template_digests import template_digests

TARGET: Manifest = {
    "kind": "Deployment",
    "metadata": {"name": "qa-server", "namespace": "llm", "annotations": {}},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "qa"}},
        "template": {
            "metadata": {
                "labels": {"app": "qa", "earlystop.dev/model": "m1"},
                "annotations": {"checksum/config": "c1"},
            },
            "spec": {
                "containers": [{"name": "server", "image": "vllm:1", "args": ["--seed=1"]}],
                "initContainers": [{"name": "fetch", "image": "fetch:1"}],
            },
        },
    },
}


def changed(path: tuple[Any, ...], value: Any) -> Manifest:
    target = copy.deepcopy(TARGET)
    place: Any = target
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return target


def digests(target: Manifest) -> dict[str, str]:
    """As of the whole object, and as of what is kept of it, which must not differ."""
    kept = stripped("Deployment", target)
    found = template_digests(target["spec"]["template"])
    assert template_digests(kept["spec"]["template"]) == found
    assert stripped("Deployment", kept) == kept
    return found


TEMPLATE = ("spec", "template")
OF_IMAGES = (
    changed((*TEMPLATE, "spec", "containers", 0, "image"), "vllm:2"),
    changed((*TEMPLATE, "spec", "initContainers", 0, "image"), "fetch:2"),
)
OF_TEMPLATE = (
    changed((*TEMPLATE, "spec", "containers", 0, "args"), ["--seed=2"]),
    changed((*TEMPLATE, "spec", "nodeSelector"), {"gpu": "h100"}),
    # kubectl set env, set resources, set serviceaccount, and what Reloader writes when a ConfigMap has changed
    changed((*TEMPLATE, "spec", "containers", 0, "env"), [{"name": "VLLM_USE_V1", "value": "1"}]),
    changed((*TEMPLATE, "spec", "containers", 0, "resources"), {"limits": {"nvidia.com/gpu": "2"}}),
    changed((*TEMPLATE, "spec", "serviceAccountName"), "other"),
    changed((*TEMPLATE, "metadata", "annotations", "reloader.stakater.com/last-reloaded-from"), '{"hash":"1"}'),
    changed((*TEMPLATE, "metadata", "annotations", "checksum/config"), "c2"),
    changed((*TEMPLATE, "metadata", "labels", "app.kubernetes.io/version"), "2"),
)
OF_NEITHER = (
    changed(("spec", "replicas"), 7),
    changed(("metadata", "annotations", "team"), "search"),
    changed((*TEMPLATE, "metadata", "annotations", "kubectl.kubernetes.io/restartedAt"), "2026-11-27T10:00:00Z"),
    changed((*TEMPLATE, "metadata", "annotations", "openshift.openshift.io/restartedAt"), "2026-11-27T10:00:00.1Z"),
    changed((*TEMPLATE, "metadata", "annotations", "cattle.io/timestamp"), "2026-11-27T10:00:00.123"),
    changed((*TEMPLATE, "metadata", "labels", "earlystop.dev/model"), "m2"),  # a part of its own
    changed((*TEMPLATE, "metadata", "creationTimestamp"), None),
)


@pytest.mark.parametrize("target", OF_IMAGES)
def test_another_image_changes_the_digest_of_images_alone(target: Manifest) -> None:
    assert digests(target)["images"] != digests(TARGET)["images"]
    assert digests(target)["template"] == digests(TARGET)["template"]


@pytest.mark.parametrize("target", OF_TEMPLATE)
def test_another_template_changes_the_digest_of_the_template_alone(target: Manifest) -> None:
    assert digests(target)["template"] != digests(TARGET)["template"]
    assert digests(target)["images"] == digests(TARGET)["images"]


@pytest.mark.parametrize("target", OF_NEITHER)
def test_scaling_and_restarting_change_neither(target: Manifest) -> None:
    assert digests(target) == digests(TARGET)
