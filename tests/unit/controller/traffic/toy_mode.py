"""A delivery mode without a route: servers read their share from a ConfigMap, and only their counts prove it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from earlystop.api.conditions import Refusal
from earlystop.api.delivery import Delivery
from earlystop.delivery.inputs import (
    ClusterInputs,
    Manifest,
)
from earlystop.delivery.object_key import ObjectKey
from earlystop.delivery.ownership import owned_metadata
from earlystop.delivery.proof import Metrics, SplitProof
from earlystop.delivery.rendered import Rendered
from earlystop.delivery.split import TrafficSplit

BUDGET = "capacity"
"""Name of the user's ConfigMap that the mode has to read."""


def config_name(policy: str) -> str:
    return f"{policy}-split"


def objects_needed(inputs: ClusterInputs) -> Iterable[ObjectKey]:
    return [ObjectKey("ConfigMap", inputs.namespace, BUDGET)]


def owned_names(inputs: ClusterInputs, _: Sequence[str]) -> list[tuple[str, str]]:
    return [("ConfigMap", config_name(inputs.policy))]


def check(inputs: ClusterInputs, _: TrafficSplit) -> Refusal | None:
    if inputs.own("ConfigMap", BUDGET) is None:
        return Refusal("CapacityNotFound", f"There is no ConfigMap {BUDGET}. Create it.")
    return None


def render(inputs: ClusterInputs, split: TrafficSplit) -> Rendered:
    weights = {each.variant: str(each.weight) for each in split.variants}
    return Rendered(
        (
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": owned_metadata(inputs, config_name(inputs.policy)),
                "data": {"revision": split.revision, "step": str(split.step), **weights},
            },
        )
    )


def serves_users(inputs: ClusterInputs) -> bool:
    return inputs.own("ConfigMap", config_name(inputs.policy)) is not None


def probe_only(_: ClusterInputs, __: TrafficSplit) -> None:
    return None


def has_split(manifest: Manifest, _: Delivery, split: TrafficSplit) -> bool:
    return all(manifest["data"].get(each.variant) == str(each.weight) for each in split.variants)


def baseline_only(inputs: ClusterInputs) -> list[Manifest]:
    found = inputs.own("ConfigMap", config_name(inputs.policy))
    return [] if found is None else [{**found, "data": {**found["data"], "baseline": "100", "candidate": "0"}}]


def detached(inputs: ClusterInputs) -> list[Manifest]:
    return baseline_only(inputs)


def proof(_: ClusterInputs, __: TrafficSplit, ___: Rendered) -> SplitProof:
    return Metrics("CountedByServers", "No probe can ask a server for its share; the metrics must show it.")


def summary(split: TrafficSplit) -> str:
    return f"Servers give {split.weight_beside_baseline} % of requests the candidate."
