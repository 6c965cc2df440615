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
from tests.turns import Turns

OPERATOR = "--as=system:serviceaccount:earlystop-system:earlystop"
RIGHTS = ("--as-group=system:masters", "--as-group=system:authenticated")
OWN = {"app.kubernetes.io/managed-by": "earlystop", "earlystop.dev/policy-uid": "0b7c"}
REFUSED = "the operator may write only what it made itself"
KINDS = ("service", "httproute", "deployment")
CONFLICTS = 20
"""Times in a row that a controller of the cluster may write an object just before the test does."""
OWN_POLICIES = ("-own-objects", "-own-workloads")


@pytest.fixture(scope="module", autouse=True)
def own_objects(cluster: Cluster) -> Iterator[None]:
    shipped = [
        each
        for each in objects((MANIFESTS / "install.yaml").read_text())
        if each["kind"].startswith("ValidatingAdmission") and each["metadata"]["name"].endswith(OWN_POLICIES)
    ]
    assert len(shipped) == 4
    # What a whole install left on this cluster would refuse other things.
    ours = "--selector=app.kubernetes.io/name=earlystop"
    cluster.access.kubectl("delete", "validatingadmissionpolicybindings", ours, "--ignore-not-found")
    cluster.access.apply(*shipped)
    # A policy is in force, or no longer, a moment after that is stored.
    wait_until(lambda: in_force(cluster), 60, "the admission policies, and no others")
    yield
    for each in shipped:
        cluster.access.kubectl("delete", each["kind"].lower(), each["metadata"]["name"], "--ignore-not-found")


def in_force(cluster: Cluster) -> bool:
    """Whether the operator may create what has its labels, and nothing else."""
    try:
        return all(
            admitted(cluster, manifest(kind, "default", OWN)) and not admitted(cluster, manifest(kind, "default", {}))
            for kind in ("service", "deployment")
        )
    except ClusterError:
        return False


def manifest(kind: str, namespace: str, labels: dict[str, str], name: str = "qa") -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    if kind == "service":
        return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}]}}
    if kind == "deployment":
        return deployment(metadata)
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": metadata,
        "spec": {"parentRefs": [{"name": "edge"}], "rules": [{"backendRefs": [{"name": "qa", "port": 80}]}]},
    }


def deployment(metadata: dict[str, Any], **container: Any) -> dict[str, Any]:
    """A Deployment with a number in its environment and one among its arguments. container: what is otherwise."""
    labels = {"app": "qa"}
    made = {
        "name": "server",
        "image": "qa:1",
        "args": ["serve", "--budget", "40"],
        "env": [{"name": "WINDOW", "value": "40"}, {"name": "MODE", "value": "safe"}],
        **container,
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [made]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def write(cluster: Cluster, verb: str, what: dict[str, Any], *flags: str) -> None:
    """Write an object; again where one of the cluster's controllers has just written it."""
    turns = Turns(CONFLICTS)
    while turns.another():
        try:
            cluster.access.kubectl(verb, "--filename=-", *flags, *RIGHTS, input=json.dumps(what))
        except ClusterError as error:
            if "(Conflict)" not in str(error):
                raise
        else:
            break


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


CHANGES: dict[str, tuple[dict[str, Any], bool]] = {
    "a variable's number": ({"env": [{"name": "WINDOW", "value": "10"}, {"name": "MODE", "value": "safe"}]}, True),
    "a number among the arguments": ({"args": ["serve", "--budget", "10"]}, True),
    "a new variable with a number": (
        {"env": [{"name": "WINDOW", "value": "40"}, {"name": "MODE", "value": "safe"}, {"name": "N", "value": "1"}]},
        True,
    ),
    "a variable's text": ({"env": [{"name": "WINDOW", "value": "40"}, {"name": "MODE", "value": "/bin/sh"}]}, False),
    "a variable that is gone": ({"env": [{"name": "WINDOW", "value": "40"}]}, False),
    "another word": ({"args": ["serve", "--budget", "rm"]}, False),
    "one more argument": ({"args": ["serve", "--budget", "40", "40"]}, False),
    "the image": ({"image": "evil:1"}, False),
    "a command": ({"command": ["40"]}, False),
    "more rights": ({"securityContext": {"runAsUser": 0}}, False),
    "a Secret": ({"envFrom": [{"secretRef": {"name": "keys"}}]}, False),
}


def test_of_a_users_deployment_the_operator_changes_numbers_alone_and_only_where_its_owner_lets_it(
    cluster: Cluster, namespace: str
) -> None:
    metadata: dict[str, Any] = {"name": "qa", "namespace": namespace, "labels": {"app": "qa"}}
    allowed = {**metadata, "annotations": {"earlystop.dev/settable": "server/WINDOW"}}
    write(cluster, "create", deployment(allowed), "--as=alice")
    where = ("deployment/qa", f"--namespace={namespace}")

    def annotations() -> dict[str, str]:
        found: dict[str, str] = cluster.access.get(*where)["metadata"]["annotations"]
        return found

    # Kubernetes' own controller writes one, too.
    wait_until(lambda: len(annotations()) > 1, 30, "the Deployment to be taken up")
    stored = {**allowed, "annotations": annotations()}
    got = {name: admitted(cluster, deployment(stored, **change), "replace") for name, (change, _) in CHANGES.items()}
    assert got == {name: expected for name, (_, expected) in CHANGES.items()}
    number = CHANGES["a variable's number"][0]
    more = {**stored, "annotations": {**stored["annotations"], "more": "marks"}}
    assert not admitted(cluster, deployment(more, **number), "replace")
    write(cluster, "create", deployment({**metadata, "name": "other"}), "--as=alice")
    assert not admitted(cluster, deployment({**metadata, "name": "other"}, **number), "replace")
    assert not admitted(cluster, deployment({**allowed, "name": "other"}, **number), "replace")


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
