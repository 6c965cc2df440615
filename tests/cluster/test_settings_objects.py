"""The operator's token reads and writes settings in objects that allow it, and nothing else: the admission policy that
the chart ships, on a real API server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from earlystop.exporter.settings_document import written
from tests.cluster.errors import ClusterError
from tests.cluster.kit import Cluster
from tests.cluster.packaging import MANIFESTS, objects
from tests.cluster.processes import wait_until
from tests.unit.exporter.mounts import DOCUMENT, KEY

OPERATOR = "--as=system:serviceaccount:earlystop-system:earlystop"
RIGHTS = ("--as-group=system:masters", "--as-group=system:authenticated")
ALLOWED = {"earlystop.dev/settings": "true"}
OTHERS = {"model.yaml": "qa: 1", "half.json": '{"kind": "Settings"}'}
SETTINGS = written(DOCUMENT)
REFUSED = "denied request: the operator may"


@pytest.fixture(scope="module", autouse=True)
def settings_objects(cluster: Cluster) -> Iterator[None]:
    shipped = [
        each
        for each in objects((MANIFESTS / "install.yaml").read_text())
        if each["kind"].startswith("ValidatingAdmission") and each["metadata"]["name"].endswith("-settings-objects")
    ]
    assert len(shipped) == 2
    cluster.access.apply(*shipped)
    # A new policy is in force a moment after it is stored.
    wait_until(lambda: not may(cluster, "default", "kube-root-ca.crt", {}), 60, "the admission policy")
    yield
    for each in shipped:
        cluster.access.kubectl("delete", each["kind"].lower(), each["metadata"]["name"], "--ignore-not-found")


def may(cluster: Cluster, namespace: str, name: str, patch: dict[str, Any], who: str = OPERATOR) -> bool:
    """Whether the account may patch a ConfigMap so, with every right that RBAC could give. Raises ClusterError for
    another refusal."""
    where = (f"--namespace={namespace}", "--type=merge", f"--patch={json.dumps(patch)}", "--dry-run=server")
    try:
        cluster.access.kubectl("patch", "configmap", name, *where, who, *RIGHTS)
    except ClusterError as error:
        if REFUSED in str(error):
            return False
        raise
    return True


def put(cluster: Cluster, namespace: str, labels: dict[str, str], data: dict[str, str]) -> None:
    metadata = {"name": "qa-settings", "namespace": namespace, "labels": labels}
    cluster.access.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})


def test_settings_are_written_changed_and_removed_where_the_owner_allows_it(cluster: Cluster, namespace: str) -> None:
    put(cluster, namespace, ALLOWED, OTHERS)
    assert may(cluster, namespace, "qa-settings", {"data": {KEY: SETTINGS}})
    put(cluster, namespace, ALLOWED, {**OTHERS, KEY: SETTINGS})
    assert may(cluster, namespace, "qa-settings", {})
    assert may(cluster, namespace, "qa-settings", {"data": {KEY: SETTINGS.replace("95", "94")}})
    assert may(cluster, namespace, "qa-settings", {"data": {KEY: None}})


def test_nothing_else_of_such_an_object_is_changed(cluster: Cluster, namespace: str) -> None:
    put(cluster, namespace, ALLOWED, {**OTHERS, KEY: SETTINGS})
    for patch in (
        {"data": {"model.yaml": "other"}},
        {"data": {"model.yaml": None}},
        {"data": {"model.yaml": SETTINGS}},
        {"data": {"half.json": None}},
        {"data": {KEY: "other"}},
        {"data": {"another": "key"}},
        {"binaryData": {"another": "e30="}},
        {"immutable": True},
        {"metadata": {"labels": {"more": "labels"}}},
        {"metadata": {"labels": {"earlystop.dev/settings": None}}},
        {"metadata": {"annotations": {"more": "annotations"}}},
    ):
        assert not may(cluster, namespace, "qa-settings", patch), patch


@pytest.mark.parametrize("labels", [{}, {"earlystop.dev/settings": "false"}])
def test_an_object_whose_owner_does_not_allow_it_is_neither_written_nor_read(
    cluster: Cluster, namespace: str, labels: dict[str, str]
) -> None:
    put(cluster, namespace, labels, {KEY: SETTINGS})
    for patch in ({}, {"data": {KEY: SETTINGS.replace("95", "94")}}, {"metadata": {"labels": ALLOWED}}):
        assert not may(cluster, namespace, "qa-settings", patch), patch


def test_it_makes_objects_of_its_own_with_settings_and_nothing_else(cluster: Cluster, namespace: str) -> None:
    own = {"app.kubernetes.io/managed-by": "earlystop", "earlystop.dev/policy-uid": "1"}

    def may_create(labels: dict[str, str], **content: Any) -> bool:
        metadata = {"name": "qa-es-injector", "namespace": namespace, "labels": labels}
        whole = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **content}
        try:
            create = ("create", "--filename=-", "--dry-run=server", OPERATOR, *RIGHTS)
            cluster.access.kubectl(*create, input=json.dumps(whole))
        except ClusterError as error:
            if REFUSED in str(error):
                return False
            raise
        return True

    assert may_create({**own, **ALLOWED}, data={KEY: SETTINGS})
    for labels in (own, ALLOWED, {**own, "earlystop.dev/policy-uid": "", **ALLOWED}):
        assert not may_create(labels, data={KEY: SETTINGS}), labels
    assert not may_create({**own, **ALLOWED}, data={KEY: "other"})
    assert not may_create({**own, **ALLOWED}, data={KEY: SETTINGS}, binaryData={"more": "e30="})
    assert not may_create({**own, **ALLOWED}, data={KEY: SETTINGS}, immutable=True)


def test_nobody_else_is_bound_by_it(cluster: Cluster, namespace: str) -> None:
    put(cluster, namespace, {}, OTHERS)
    assert may(cluster, namespace, "qa-settings", {"data": {"model.yaml": "other"}}, "--as=alice")
