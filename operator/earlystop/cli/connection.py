"""Which cluster and namespace a command is about: those of the kubeconfig's context, as with kubectl."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import typer
from kubernetes.aio import config

from earlystop.cli.failure import CommandFailure
from earlystop.controller.cluster import Cluster, ClusterError, Manifest, Resource

Namespace = Annotated[
    str | None, typer.Option("--namespace", "-n", help="Namespace of the object; without it, the context's.")
]
Context = Annotated[str | None, typer.Option(help="Context of the kubeconfig; without it, the current one.")]
PolicyName = Annotated[str, typer.Argument(help="Name of the policy.")]
KINDS = {"earlystoppolicies": "policy", "earlystopverdicts": "verdict", "metricsources": "MetricSource"}


@asynccontextmanager
async def connected(context: str | None) -> AsyncIterator[Cluster]:
    """A connection as a context of the kubeconfig says. Raises CommandFailure when there is none, or for what fails."""
    logging.getLogger("kubernetes.aio.config").setLevel(logging.CRITICAL)  # the sentence below says it better
    try:
        async with await Cluster.connect(context) as cluster:
            yield cluster
    except ClusterError as error:
        raise CommandFailure(explained(error, "use", None)) from None


async def read_object(resource: Resource, namespace: str | None, context: str | None, name: str) -> Manifest:
    """One object. Raises CommandFailure when there is none, or when it may not be read."""
    namespace = namespace_of(namespace, context)
    async with connected(context) as cluster:
        try:
            found = await cluster.get(resource, namespace, name)
        except ClusterError as error:
            raise CommandFailure(explained(error, "get", namespace, resource)) from None
    if found is None:
        kind = KINDS.get(resource.plural, resource.plural)
        raise CommandFailure(f"There is no {kind} {name} in namespace {namespace}; name another with --namespace.")
    return found


async def list_objects(
    resource: Resource, namespace: str | None, context: str | None, labels: str = ""
) -> list[Manifest]:
    """All objects of a kind with these labels, of one namespace or of all. Raises CommandFailure."""
    async with connected(context) as cluster:
        try:
            return await cluster.list(resource, namespace, labels)
        except ClusterError as error:
            raise CommandFailure(explained(error, "list", namespace, resource)) from None


def explained(error: ClusterError, verb: str, namespace: str | None, resource: Resource | None = None) -> str:
    """What an API server's refusal means for a person, and what to do."""
    if error.status == 401:
        return f"The API server does not know you: {error.message}. Log in again, or name another --context."
    if error.status == 403 and resource is not None:
        role = "view" if verb in ("get", "list", "watch") else "edit"
        needed = f"The verb {verb} on {resource.plural}.{resource.group}, as in the role `{role}`, is needed."
        return f"Not allowed in namespace {namespace}: {error.message}. {needed}"
    if error.status == 0:
        return f"There is no answer from a Kubernetes API: {error.message}."
    return f"The API server could not do it: {error}."


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
