"""Kinds of objects whose conditions a gate may wait for, and how the API server calls them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

GateKind = Literal["Deployment", "Job", "Workflow", "PipelineRun", "Kustomization", "HelmRelease"]


class KindOfObject(NamedTuple):
    """group, version, plural: as in the address of its objects. always_read: whether the operator may read it without
    the chart's `gates.kinds`."""

    group: str
    version: str
    plural: str
    always_read: bool = False


KINDS: Mapping[GateKind, KindOfObject] = {
    "Deployment": KindOfObject("apps", "v1", "deployments", always_read=True),
    "Job": KindOfObject("batch", "v1", "jobs", always_read=True),  # where the chart allows Jobs
    "Workflow": KindOfObject("argoproj.io", "v1alpha1", "workflows"),
    "PipelineRun": KindOfObject("tekton.dev", "v1", "pipelineruns"),
    "Kustomization": KindOfObject("kustomize.toolkit.fluxcd.io", "v1", "kustomizations"),
    "HelmRelease": KindOfObject("helm.toolkit.fluxcd.io", "v2", "helmreleases"),
}
"""Of Argo Workflows, Tekton and Flux those that run or apply something."""
