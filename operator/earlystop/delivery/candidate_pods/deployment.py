"""The Deployment of a candidate, or of the incumbent of a search, and how many Pods it has.

Its Pods carry a label of their own, by which alone their Service selects them: a candidate's Pod that the user's
Service selected too would serve the baseline's requests.
"""

from __future__ import annotations

import hashlib
import json
from math import ceil
from typing import Any

from earlystop.api.delivery import Workload
from earlystop.api.wire import GROUP, POLICY_LABEL, POLICY_UID_LABEL, TEMPLATE_ANNOTATION, WORKLOAD_LABEL
from earlystop.delivery.candidate_pods.copying import copied_annotations, copied_labels, copied_spec
from earlystop.delivery.candidate_pods.knobs import with_value
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.ownership import owned_metadata
from earlystop.delivery.split import TrafficSplit, VariantWeight

REVISION_ANNOTATION = f"{GROUP}/revision"
# A Pod's name is cut at 58 characters before its five random ones; then nothing could tell whose Pod it is.
LONGEST_NAME = 46
# Fields of a Deployment, beside the Pod template, that say how its Pods are replaced.
COPIED_FIELDS = ("strategy", "minReadySeconds")


def workload_name(target: str, variant: str) -> str:
    """Name of a candidate's Deployment: at most 46 characters, different for different targets and variants."""
    plain = f"{target}-es-{variant}"
    if len(plain) <= LONGEST_NAME:
        return plain
    digest = hashlib.sha256(plain.encode()).hexdigest()[:8]
    return f"{target[: LONGEST_NAME - 12].rstrip('-.')}-es-{digest}"


def selector_of(name: str) -> dict[str, str]:
    """The labels by which a candidate's Pods are selected. name: of their Deployment."""
    return {WORKLOAD_LABEL: name}


def candidate_deployment(inputs: ClusterInputs, split: TrafficSplit, variant: VariantWeight) -> Manifest:
    """The Deployment of a candidate. The target owns it as well: it goes with it, and outlives the policy until the
    gateway has heard that no route leads to it. The inputs must have passed the mode's checks."""
    target, settings = inputs.deployment, inputs.spec.delivery.workload
    assert target is not None and settings is not None  # checked before
    name = workload_name(target["metadata"]["name"], variant.variant)
    template = _template(inputs, target, settings, split, variant, name)
    metadata = owned_metadata(inputs, name)
    metadata["annotations"] = {TEMPLATE_ANNOTATION: digest_of(template)}
    metadata["ownerReferences"].append(
        {"apiVersion": "apps/v1", "kind": "Deployment", "name": target["metadata"]["name"], "uid": _uid(target)}
    )
    spec = target["spec"]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {
            **{field: spec[field] for field in COPIED_FIELDS if field in spec},
            "replicas": replicas_of(inputs, split, variant),
            # Kubernetes refuses one that is not longer than it takes a Pod to be available.
            "progressDeadlineSeconds": max(settings.ready_deadline_seconds, spec.get("minReadySeconds", 0) + 1),
            "revisionHistoryLimit": 1,
            "selector": {"matchLabels": selector_of(name)},
            "template": template,
        },
    }


def replicas_of(inputs: ClusterInputs, split: TrafficSplit, variant: VariantWeight) -> int:
    """How many Pods a candidate has. What is found stays while a campaign goes on, so that no autoscaler of the
    candidate's is fought. An incumbent has its largest share of requests first, since candidates rise beside it."""
    target, settings = inputs.deployment, inputs.spec.delivery.workload
    assert target is not None and settings is not None  # checked before
    found = inputs.own("Deployment", workload_name(target["metadata"]["name"], variant.variant))
    present = int((found.get("spec") or {}).get("replicas", 1)) if found is not None else 0
    if present > 0 and _revision(found) == split.revision:
        return present
    of_target = max(1, int((target.get("spec") or {}).get("replicas", 1)))
    largest = max((step.weight for step in inputs.spec.rollout.steps), default=100)
    if variant == split.incumbent:
        largest = variant.weight
    return min(of_target, settings.replicas or ceil(of_target * largest / 100))


def digest_of(template: Manifest) -> str:
    """A digest of a Pod template: a field that the target has lost is seen by it, which a comparison of those that
    are left does not show."""
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:16]


def scaled_to_zero(deployment: Manifest) -> Manifest:
    """A candidate's Deployment without any Pod. A list does not repeat its kind."""
    spec = {**deployment["spec"], "replicas": 0}
    return {"apiVersion": "apps/v1", "kind": "Deployment", **deployment, "spec": spec}


def _template(
    inputs: ClusterInputs, target: Manifest, settings: Workload, split: TrafficSplit, variant: VariantWeight, name: str
) -> Manifest:
    metadata = owned_metadata(inputs, name)
    own = {key: metadata["labels"][key] for key in (POLICY_LABEL, POLICY_UID_LABEL)}
    spec = copied_spec(target)
    return {
        "metadata": {
            "labels": {**copied_labels(target), **own, **selector_of(name)},
            # Each campaign has Pods of its own: those of an earlier one count for it no more.
            "annotations": {**copied_annotations(target), REVISION_ANNOTATION: split.revision},
        },
        "spec": {**spec, "containers": [_set(each, settings, variant) for each in spec.get("containers") or []]},
    }


def _set(container: dict[str, Any], settings: Workload, variant: VariantWeight) -> dict[str, Any]:
    if container.get("name") != settings.container:
        return container
    for parameter, value in variant.settings:
        setting = settings.setting_of(parameter)
        assert setting is not None  # a rule of the API
        container = with_value(container, setting, value)
    return container


def _revision(deployment: Manifest | None) -> str:
    template = ((deployment or {}).get("spec") or {}).get("template") or {}
    return str(((template.get("metadata") or {}).get("annotations") or {}).get(REVISION_ANNOTATION, ""))


def _uid(target: Manifest) -> str:
    return str(target["metadata"].get("uid", ""))
