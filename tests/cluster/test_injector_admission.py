"""The operator's token runs injectors and nothing else, by the chart's admission policies on a real API server."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from earlystop.delivery.modes import mode_of
from tests.cluster.errors import ClusterError
from tests.cluster.kit import Cluster
from tests.cluster.packaging import MANIFESTS, named, objects
from tests.cluster.processes import wait_until
from tests.unit.delivery.cluster import inputs, spec_in, split

OPERATOR = "--as=system:serviceaccount:earlystop-system:earlystop"
RIGHTS = ("--as-group=system:masters", "--as-group=system:authenticated")
INSTALL = (MANIFESTS / "install.yaml").read_text()
IMAGE = next(
    each.partition("=")[2]
    for each in named(INSTALL, "Deployment", "earlystop")["spec"]["template"]["spec"]["containers"][0]["args"]
    if each.startswith("--injector-image=")
)
POD = ("spec", "template", "spec")
CONTAINER = (*POD, "containers", 0)
SECRET = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "any", "key": "token"}}}
REFUSED: dict[str, tuple[tuple[str | int, ...], Any]] = {
    "another image": ((*CONTAINER, "image"), "evil:1"),
    "another command": ((*CONTAINER, "command"), ["sh"]),
    "a Secret in the environment": ((*CONTAINER, "env"), [SECRET]),
    "a hook": ((*CONTAINER, "lifecycle", "postStart"), {"exec": {"command": ["sh"]}}),
    "another last command": ((*CONTAINER, "lifecycle", "preStop", "exec", "command"), ["sh"]),
    "a probe by command": ((*CONTAINER, "livenessProbe"), {"exec": {"command": ["sh"]}}),
    "a capability": ((*CONTAINER, "securityContext", "capabilities", "add"), ["NET_ADMIN"]),
    "a file system to write to": ((*CONTAINER, "securityContext", "readOnlyRootFilesystem"), False),
    "a second container": ((*POD, "containers", 1), {"name": "more", "image": IMAGE}),
    "an init container": ((*POD, "initContainers"), [{"name": "first", "image": IMAGE}]),
    "a token": ((*POD, "automountServiceAccountToken"), True),
    "another account": ((*POD, "serviceAccountName"), "admin"),
    "a volume": ((*POD, "volumes"), [{"name": "node", "hostPath": {"path": "/"}}]),
    "the node's network": ((*POD, "hostNetwork"), True),
}


@pytest.fixture(scope="module", autouse=True)
def shipped(cluster: Cluster) -> Iterator[None]:
    found = [each for each in objects(INSTALL) if each["kind"].startswith("ValidatingAdmission")]
    narrowing = [each for each in found if "injector" in each["metadata"]["name"]]
    assert len(narrowing) == 6
    cluster.access.apply(*narrowing)
    # A new policy is in force a moment after it is stored.
    wait_until(
        lambda: not admitted(cluster, "default", changed("Deployment", (*CONTAINER, "image"), "evil:1")), 60, "it"
    )
    wait_until(lambda: not admitted(cluster, "default", of_others("PodDisruptionBudget")), 60, "the second")
    wait_until(lambda: not admitted(cluster, "default", of_others("NetworkPolicy")), 60, "the third")
    yield
    for each in narrowing:
        cluster.access.kubectl("delete", each["kind"].lower(), each["metadata"]["name"], "--ignore-not-found")


def made(kind: str) -> dict[str, Any]:
    """What the operator makes of this kind for an injector. No API server asks for its owners."""
    here = inputs(spec=spec_in("RequestBody"), injector_image=IMAGE)
    return next(each for each in mode_of(here.spec.delivery).render(here, split(50)).objects if each["kind"] == kind)


def changed(kind: str, path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    manifest = copy.deepcopy(made(kind))
    holder: Any = manifest
    for key in path[:-1]:
        holder = holder[key]
    if isinstance(holder, list):
        holder.append(value)
    else:
        holder[path[-1]] = value
    return manifest


def of_others(kind: str) -> dict[str, Any]:
    """One that is for the Pods of somebody else."""
    field = "selector" if kind == "PodDisruptionBudget" else "podSelector"
    return changed(kind, ("spec", field), {"matchLabels": {"app": "database"}})


def admitted(cluster: Cluster, namespace: str, manifest: dict[str, Any]) -> bool:
    """Whether the operator's account may write it, with every right that RBAC could give. Raises ClusterError for
    another refusal."""
    there = {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}
    try:
        write = ("create", "--filename=-", "--dry-run=server", OPERATOR, *RIGHTS)
        cluster.access.kubectl(*write, input=json.dumps(there))
    except ClusterError as error:
        if "ValidatingAdmissionPolicy" in str(error):
            return False
        raise
    return True


@pytest.mark.parametrize("kind", ["Deployment", "PodDisruptionBudget", "NetworkPolicy", "Service"])
def test_what_the_operator_makes_for_an_injector_is_admitted(cluster: Cluster, namespace: str, kind: str) -> None:
    assert admitted(cluster, namespace, made(kind))


@pytest.mark.parametrize("what", REFUSED)
def test_no_pod_that_is_more_than_an_injector_is_admitted(cluster: Cluster, namespace: str, what: str) -> None:
    assert not admitted(cluster, namespace, changed("Deployment", *REFUSED[what]))


@pytest.mark.parametrize("kind", ["PodDisruptionBudget", "NetworkPolicy"])
def test_nor_what_is_for_the_pods_of_others(cluster: Cluster, namespace: str, kind: str) -> None:
    assert not admitted(cluster, namespace, of_others(kind))
