"""Where a policy asks people, only who may approve weakens what protects them; who may edit makes it stricter."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from earlystop.api.wire import API_VERSION
from earlystop.controller.cluster import POLICIES
from tests.cluster.errors import ClusterError
from tests.cluster.kit import Cluster
from tests.cluster.objects import CRDS, Manifest
from tests.cluster.packaging import MANIFESTS, objects
from tests.cluster.processes import wait_until
from tests.cluster.protections import PROTECTIONS, Edit
from tests.unit.rollout.asking import asking
from tests.unit.rollout.policies import written

WAIT_SECONDS = 60
RBAC = {"apiVersion": "rbac.authorization.k8s.io/v1"}
ASKS = {"approval": asking()["approval"]}
NOBODY = {"approval": {"mode": "Never"}}


def merged(was: Edit, changes: Edit) -> Edit:
    """Both, as the tests' `written` merges them."""
    found = dict(was)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(found.get(key), dict)
        found[key] = merged(found[key], value) if both else value
    return found


@pytest.fixture(scope="module")
def rules(cluster: Cluster) -> Iterator[None]:
    """The admission policies and the role that the chart ships: stored once, since an API server hears of a policy that
    goes and comes a moment later, and not always of both at once."""
    access = cluster.access
    access.install_crds(CRDS)
    shipped = [
        each
        for each in objects((MANIFESTS / "install.yaml").read_text())
        if each["metadata"]["name"].endswith(("-approval-terms", "-approval-required", "-approve"))
    ]
    assert len(shipped) == 5
    access.apply(*shipped)
    yield
    for each in shipped:
        access.kubectl("delete", each["kind"].lower(), each["metadata"]["name"], "--ignore-not-found")


@pytest.fixture
def people(cluster: Cluster, namespace: str, rules: None) -> Iterator[None]:
    """Carol may edit policies, and bob may approve as well."""
    access = cluster.access
    rule = {
        "apiGroups": ["earlystop.dev"],
        "resources": ["earlystoppolicies"],
        "verbs": ["get", "create", "patch", "update"],
    }
    name = f"edit-{namespace}"
    bindings = {name: ("bob", "carol"), "earlystop-approve": ("bob",)}
    access.apply(
        {**RBAC, "kind": "ClusterRole", "metadata": {"name": name}, "rules": [rule]},
        *(
            {
                **RBAC,
                "kind": "RoleBinding",
                "metadata": {"name": role, "namespace": namespace},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                "subjects": [{"kind": "User", "name": each, "apiGroup": "rbac.authorization.k8s.io"} for each in who],
            }
            for role, who in bindings.items()
        ),
    )
    yield
    access.kubectl("delete", "clusterrole", name, "--ignore-not-found")


def made(cluster: Cluster, namespace: str, name: str, was: Edit, asked: Edit) -> str:
    """A stored policy with these parts. Returns its name."""
    manifest: Manifest = {
        "apiVersion": API_VERSION,
        "kind": "EarlyStopPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": written(merged(was, asked)),
    }
    cluster.access.apply(manifest)
    return name


def test_every_field_that_protects_people_is_weakened_by_who_may_approve_and_made_stricter_by_anybody(
    cluster: Cluster, namespace: str, people: None
) -> None:
    def refusal(user: str, name: str, spec: Edit) -> str:
        return cluster.access.refusal(user, POLICIES, namespace, name, {"spec": spec})

    first = made(cluster, namespace, "first", {}, ASKS)
    wait_until(lambda: "carol may not change" in refusal("carol", first, NOBODY), WAIT_SECONDS, "the rule in force")
    wait_until(lambda: refusal("bob", first, NOBODY) == "", WAIT_SECONDS, "bob's rights")
    wrong: dict[str, str] = {}
    for number, each in enumerate(PROTECTIONS):
        name = f"{number}"
        try:
            made(cluster, namespace, name, each.was, ASKS)
            made(cluster, namespace, f"{name}-free", each.was, NOBODY)
        except ClusterError as error:
            wrong[f"{name} {each.field} is not valid"] = str(error)[-600:]
            continue
        said = {
            "weaker": refusal("carol", name, each.weaker),
            "stricter": refusal("carol", name, each.stricter),
            "weaker by who may approve": refusal("bob", name, each.weaker),
            "weaker where nobody is asked": refusal("carol", f"{name}-free", each.weaker),
        }
        for what, answer in said.items():
            is_right = f"spec.{each.field}: carol may not" in answer if what == "weaker" else answer == ""
            if what == "weaker" and not is_right:
                is_right = f"spec.{each.field}, " in answer and ": carol may not" in answer
            if not is_right and not (each.field == "approval" and "nobody" in what):
                wrong[f"{name} {each.field} {what}"] = answer
    assert wrong == {}
    what_is_tried = {"suspend": True, "candidates": [{"name": "x", "values": [{"name": "window", "value": "9"}]}]}
    assert refusal("carol", first, what_is_tried) == "", "what is tried is not what protects people"


def test_a_namespace_that_asks_people_takes_no_policy_that_asks_nobody_but_from_who_may_approve(
    cluster: Cluster, namespace: str, people: None
) -> None:
    cluster.access.kubectl("label", "namespace", namespace, "earlystop.dev/asks-people=true")

    def said(user: str, asked: Edit) -> str:
        metadata = {"name": "anew", "namespace": namespace}
        manifest = {"apiVersion": API_VERSION, "kind": "EarlyStopPolicy", "metadata": metadata, "spec": written(asked)}
        try:
            cluster.access.kubectl(
                "create", "--filename=-", "--dry-run=server", f"--as={user}", input=json.dumps(manifest)
            )
        except ClusterError as error:
            return str(error)
        return ""

    wait_until(lambda: "policies of namespace" in said("carol", NOBODY), WAIT_SECONDS, "the rule in force")
    assert said("carol", ASKS) == ""
    low = {"approval": {"mode": "WhenBelowFloor"}, "objective": {"exactMatch": {"margin": "0.05", "floor": "0.001"}}}
    assert "policies of namespace" in said("carol", low), "who writes the floor would say that nobody is asked"
    wait_until(lambda: said("bob", NOBODY) == "", WAIT_SECONDS, "bob's rights")


def test_what_an_impersonation_carries_beside_a_name_gives_no_right_and_no_other_name(
    cluster: Cluster, namespace: str, people: None
) -> None:
    name = made(cluster, namespace, "first", {}, ASKS)

    def said(user: str, **headers: str) -> str:
        more = {key.replace("_", "-"): value for key, value in headers.items()}
        return cluster.access.refusal(user, POLICIES, namespace, name, {"spec": NOBODY}, more)

    wait_until(lambda: "carol may not change" in said("carol"), WAIT_SECONDS, "the rule in force")
    wait_until(lambda: said("bob") == "", WAIT_SECONDS, "bob's rights")
    for headers in (
        {"Impersonate_Uid": "bob"},
        {"Impersonate_Extra_Username": "bob"},
        {"Impersonate_Extra_Authentication.kubernetes.io%2Fcredential-id": "bob"},
        {"Impersonate_Group": "earlystop-approve"},
    ):
        assert "carol may not change" in said("carol", **headers), headers
        assert said("bob", **headers) == "", headers
