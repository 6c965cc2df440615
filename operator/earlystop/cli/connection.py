"""Which cluster and namespace a command is about: those of the kubeconfig's context, as with kubectl."""

from __future__ import annotations

from typing import Annotated

import typer
from kubernetes.aio import config

from earlystop.controller.cluster import Cluster

Namespace = Annotated[
    str | None, typer.Option("--namespace", "-n", help="Namespace of the object; without it, the context's.")
]
Context = Annotated[str | None, typer.Option(help="Context of the kubeconfig; without it, the current one.")]
PolicyName = Annotated[str, typer.Argument(help="Name of the policy.")]


async def connect(context: str | None) -> Cluster:
    """A connection as a context of the kubeconfig says. Raises ClusterError when there is none."""
    return await Cluster.connect(context)


def namespace_of(namespace: str | None, context: str | None) -> str:
    """The namespace that was asked for, else that of the context, else `default`."""
    if namespace is not None:
        return namespace
    try:
        contexts, current = config.list_kube_config_contexts()
    except config.ConfigException:
        return "default"
    chosen = next((each for each in contexts if each["name"] == context), current) if context else current
    return str(chosen["context"].get("namespace") or "default")
