"""The weights by which an injector draws variants: a ConfigMap of the operator's own that its Pods mount, and the proof
that each of them serves by it."""

from __future__ import annotations

from earlystop.api.conditions import Refusal
from earlystop.api.wire import SETTINGS_ALLOWED, SETTINGS_LABEL
from earlystop.delivery.injector.objects import (
    Upstream,
    disruption_budget,
    drawing_settings,
    injector_deployment,
    network_policy,
    weights_key,
)
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.names import injector_name
from earlystop.delivery.ownership import owned_metadata
from earlystop.delivery.proof import Reports
from earlystop.delivery.settings_mode import settings_document
from earlystop.delivery.split import TrafficSplit
from earlystop.exporter.settings_document import (
    BY_REQUEST,
    BY_USER,
    SettingsDocument,
    all_on_baseline,
    read_document,
    written,
)

KINDS = ("ConfigMap", "Deployment", "PodDisruptionBudget", "NetworkPolicy", "Service")
"""The kinds of objects that stand for an injector which draws variants; all have its name."""


def owned(inputs: ClusterInputs) -> list[tuple[str, str]]:
    """Kind and name of each object that stands for an injector which draws variants."""
    return [(kind, injector_name(inputs.policy)) for kind in KINDS]


def shadow_refusal(split: TrafficSplit) -> Refusal | None:
    """Why candidates cannot be judged in the shadow of the baseline's requests; None where that is not asked for."""
    if not split.shadows:
        return None
    return Refusal(
        "ShadowNotDelivered",
        "rollout.shadowSeconds asks servers to judge candidates on the baseline's requests, and an engine behind an "
        "injector does not. Remove it.",
    )


def document(inputs: ClusterInputs, split: TrafficSplit) -> SettingsDocument:
    """What the injector's processes shall serve by."""
    return settings_document(inputs, split, BY_USER if drawing_settings(inputs).user_key else BY_REQUEST)


def weights(inputs: ClusterInputs, split: TrafficSplit) -> Manifest:
    """The ConfigMap. Its label lets the operator read and write it again, as an object with settings."""
    metadata = owned_metadata(inputs, injector_name(inputs.policy))
    metadata["labels"][SETTINGS_LABEL] = SETTINGS_ALLOWED
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {weights_key(inputs): written(document(inputs, split))},
    }


def on_baseline(inputs: ClusterInputs) -> list[Manifest]:
    """The ConfigMap that is found, with the baseline for everybody."""
    found = inputs.own("ConfigMap", injector_name(inputs.policy))
    if found is None:
        return []
    return [{"kind": "ConfigMap", **found, "data": {key: _on_baseline(text) for key, text in _texts(found).items()}}]


def _texts(found: Manifest) -> dict[str, str]:
    return dict(found.get("data") or {})


def _on_baseline(text: str) -> str:
    try:
        return written(all_on_baseline(read_document(text)))
    except ValueError:
        return text  # no process serves by it


def processes(inputs: ClusterInputs, upstream: Upstream) -> tuple[Manifest, ...]:
    """The injector's Deployment first, then what keeps it up and apart."""
    return injector_deployment(inputs, upstream), disruption_budget(inputs), network_policy(inputs)


def proof(inputs: ClusterInputs, split: TrafficSplit) -> Reports:
    """Every Pod that is ready says that it draws by these weights."""
    deployment = inputs.own("Deployment", injector_name(inputs.policy)) or {}
    ready = int((deployment.get("status") or {}).get("readyReplicas") or 0)
    return Reports(document(inputs, split).digest, ready)
