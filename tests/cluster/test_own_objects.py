"""The operator's token writes the operator's own objects only: the admission policy that the chart ships, on a real API
server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.errors import ClusterError
from tests.cluster.kit import Cluster
from tests.cluster.packaging import MANIFESTS, objects
from tests.cluster.processes import wait_until

OPERATOR = "--as=system:serviceaccount:earlystop-system:earlystop"
RIGHTS = ("--as-group=system:masters", "--as-group=system:authenticated")
OWN = {"app.kubernetes.io/managed-by": "earlystop", "earlystop.dev/policy-uid": "0b7c"}
REFUSED = "the operator may write only what it made itself"
KINDS = ("service", "httproute")


@pytest.fixture(scope="module", autouse=True)
def own_objects(cluster: Cluster) -> Iterator[None]:
    shipped = [
        each
        for each in objects((MANIFESTS / "install.yaml").read_text())
        if each["kind"].startswith("ValidatingAdmission") and each["metadata"]["name"].endswith("-own-objects")
    ]
    assert len(shipped) == 2
    cluster.access.apply(*shipped)
    # A new policy is in force a moment after it is stored.
    wait_until(lambda: not admitted(cluster, manifest("service", "default", {})), 60, "the admission policy")
    yield
    for each in shipped:
        cluster.access.kubectl("delete", each["kind"].lower(), each["metadata"]["name"], "--ignore-not-found")


def manifest(kind: str, namespace: str, labels: dict[str, str], name: str = "qa") -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    if kind == "service":
        return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}]}}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": metadata,
        "spec": {"parentRefs": [{"name": "edge"}], "rules": [{"backendRefs": [{"name": "qa", "port": 80}]}]},
    }


def write(cluster: Cluster, verb: str, what: dict[str, Any], *flags: str) -> None:
    cluster.access.kubectl(verb, "--filename=-", *flags, *RIGHTS, input=json.dumps(what))


def admitted(cluster: Cluster, what: dict[str, Any], verb: str = "create") -> bool:
    """Whether the operator's account may write it, with every right that RBAC could give. Raises ClusterError for
    another refusal."""
    try:
        write(cluster, verb, what, OPERATOR, "--dry-run=server")
    except ClusterError as error:
        if REFUSED in str(error):
            return False
        raise
    return True


@pytest.mark.parametrize("kind", KINDS)
def test_the_operator_creates_objects_with_its_own_labels_only(cluster: Cluster, namespace: str, kind: str) -> None:
    assert admitted(cluster, manifest(kind, namespace, OWN))
    for missing in OWN:
        labels = {name: value for name, value in OWN.items() if name != missing}
        assert not admitted(cluster, manifest(kind, namespace, labels))
        assert not admitted(cluster, manifest(kind, namespace, {**labels, missing: ""}))
    helm = {**OWN, "app.kubernetes.io/managed-by": "Helm"}
    assert not admitted(cluster, manifest(kind, namespace, helm))


@pytest.mark.parametrize("kind", KINDS)
def test_the_operator_never_changes_an_object_of_the_user(cluster: Cluster, namespace: str, kind: str) -> None:
    write(cluster, "create", manifest(kind, namespace, {"app": "qa"}), "--as=alice")
    assert not admitted(cluster, manifest(kind, namespace, {"app": "other"}), "replace")
    # Nor can it make one its own by writing its labels on it.
    assert not admitted(cluster, manifest(kind, namespace, OWN), "replace")


@pytest.mark.parametrize("kind", KINDS)
def test_the_operator_changes_its_own_objects_and_keeps_its_labels_on_them(
    cluster: Cluster, namespace: str, kind: str
) -> None:
    write(cluster, "create", manifest(kind, namespace, OWN), OPERATOR)
    assert admitted(cluster, manifest(kind, namespace, {**OWN, "more": "labels"}), "replace")
    assert not admitted(cluster, manifest(kind, namespace, {"app": "qa"}), "replace")


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_else_is_bound_by_it(cluster: Cluster, namespace: str, kind: str) -> None:
    write(cluster, "create", manifest(kind, namespace, {}), "--as=system:serviceaccount:other:earlystop")
    write(cluster, "replace", manifest(kind, namespace, OWN), "--as=alice")
