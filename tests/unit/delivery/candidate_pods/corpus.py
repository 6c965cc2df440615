"""Deployments as people write them, and a policy for each that tries window 10 against 40."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from earlystop.cli.files.yaml_values import SAFE_LOADER
from earlystop.delivery.inputs import (
    ClusterInputs,
    Manifest,
)
from earlystop.delivery.object_key import ObjectKey
from earlystop.delivery.split import TrafficSplit, VariantWeight
from tests.unit.delivery.cluster import LABELS, inputs
from tests.unit.rollout.policies import policy

CASES: dict[str, dict[str, Any]] = {
    each["name"]: each
    for each in yaml.load((Path(__file__).parent / "deployments.yaml").read_text(), Loader=SAFE_LOADER)
}


def split(weight: int = 25, revision: str = "0123456789", value: str = "10", promoted: str = "") -> TrafficSplit:
    """A split in which the one candidate gets `weight` percent."""
    variants = (
        VariantWeight("baseline", 100 - weight, (("window", "40"),)),
        VariantWeight("candidate", weight, (("window", value),)),
    )
    return TrafficSplit(revision, 1, variants, promoted=promoted)


def knob_of(case: dict[str, Any]) -> dict[str, str]:
    name = case["knob"]
    return {"parameter": "window", ("argument" if name.startswith("-") else "env"): name}


def deployment_of(case: dict[str, Any]) -> Manifest:
    """The target of a case. Its owner lets policies set the knob."""
    owner = [{**case["owner"], "apiVersion": "v1", "uid": "o", "controller": True}] if "owner" in case else []
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "qa-server",
            "namespace": "llm",
            "uid": "target-uid",
            "annotations": {"earlystop.dev/settable": f"server/{case['knob']}"},
            "ownerReferences": owner,
        },
        "spec": {
            "replicas": 4,
            "selector": {"matchLabels": dict(LABELS)},
            "template": {"metadata": {"labels": dict(LABELS)}, "spec": copy.deepcopy(case["spec"])},
        },
    }


def inputs_of(case: dict[str, Any], target: Manifest | None = None, **workload: Any) -> ClusterInputs:
    """What the operator reads for a case. workload: more settings of the mode."""
    window = {"name": "window", "type": "Integer", "minimum": "-1", "maximum": "40", "stopsSooner": "WhenLower"}
    settings = {"routeRef": {"name": "qa"}, "container": "server", "settings": [knob_of(case)], **workload}
    spec = policy(
        {
            "parameters": [window],
            "baseline": {"values": [{"name": "window", "value": "40"}]},
            "candidates": [{"name": "w10", "values": [{"name": "window", "value": "10"}]}],
            "delivery": {"mode": "Workload", "gatewayHeader": None, "workload": settings},
        }
    )
    here = inputs(spec=spec, deployment=target or deployment_of(case))
    claims = {
        ObjectKey("PersistentVolumeClaim", "llm", name): {"spec": {"accessModes": modes}}
        for name, modes in case.get("claims", {}).items()
    }
    return replace(here, objects={**here.objects, **claims})
