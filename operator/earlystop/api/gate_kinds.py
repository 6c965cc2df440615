"""Kinds of objects whose conditions a gate may wait for, and how the API server calls them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

GateKind = Literal["Deployment", "Job", "Workflow", "PipelineRun", "Kustomization", "HelmRelease"]


class KindOfObject(NamedTuple):
    """group, version, plural: as in the address of its objects."""

    group: str
    version: str
    plural: str


KINDS: Mapping[GateKind, KindOfObject] = {
    "Deployment": KindOfObject("apps", "v1", "deployments"),
    "Job": KindOfObject("batch", "v1", "jobs"),
    "Workflow": KindOfObject("argoproj.io", "v1alpha1", "workflows"),
    "PipelineRun": KindOfObject("tekton.dev", "v1", "pipelineruns"),
    "Kustomization": KindOfObject("kustomize.toolkit.fluxcd.io", "v1", "kustomizations"),
    "HelmRelease": KindOfObject("helm.toolkit.fluxcd.io", "v2", "helmreleases"),
}
"""Of Argo Workflows, Tekton and Flux those that run or apply something, which the operator may read where the chart's
`gates.kinds` names them."""
