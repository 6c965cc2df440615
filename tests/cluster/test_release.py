"""An installed release: its Pod is admitted, and the operator and people get the rights they need and no others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from earlystop.controller.cluster import PODS
from earlystop.delivery.routes.policy_kinds import POLICY_KINDS
from tests.cluster.errors import ClusterError
from tests.cluster.kit import Cluster
from tests.cluster.objects import CRDS
from tests.cluster.packaging import CHART, MANIFESTS, helm, named
from tests.cluster.processes import wait_until

RELEASE = "packaging-test"
ACCOUNT = f"{RELEASE}-earlystop"
NAME_LABEL = "app.kubernetes.io/name"

Right = tuple[str, str, str]
"""API group, resource, verb."""
# What operator/earlystop/controller calls; Kopf adds list and watch of what it watches, and of the CRDs.
NEEDED: set[Right] = {
    *(("earlystop.dev", "earlystoppolicies", verb) for verb in ("get", "list", "watch")),
    ("earlystop.dev", "earlystoppolicies/status", "update"),
    *(("earlystop.dev", "metricsources", verb) for verb in ("get", "list", "watch")),
    ("earlystop.dev", "metricsources/status", "update"),
    *(("earlystop.dev", "earlystopproposals", verb) for verb in ("get", "list", "watch")),
    ("earlystop.dev", "earlystopproposals/status", "update"),
    ("earlystop.dev", "hooktargets", "get"),
    *(("earlystop.dev", "earlystopapprovals", verb) for verb in ("get", "list", "watch")),
    ("earlystop.dev", "earlystopapprovals/status", "update"),
    *(("earlystop.dev", "earlystopverdicts", verb) for verb in ("create", "get", "list")),
    ("earlystop.dev", "earlystopcheckpoints", "list"),
    *(("coordination.k8s.io", "leases", verb) for verb in ("get", "update")),  # one of its own namespace, by its name
    *(("apps", "deployments", verb) for verb in ("get", "list", "watch", "create", "update")),
    *(("policy", "poddisruptionbudgets", verb) for verb in ("get", "create", "update")),
    *(("networking.k8s.io", "networkpolicies", verb) for verb in ("get", "create", "update")),
    *(("gateway.networking.k8s.io", "httproutes", verb) for verb in ("get", "list", "watch", "create", "update")),
    *(("gateway.networking.k8s.io", "gateways", verb) for verb in ("get", "list", "watch")),
    *(("gateway.networking.k8s.io", "grpcroutes", verb) for verb in ("list", "watch")),
    *((kind.group, kind.plural, verb) for kind in POLICY_KINDS for verb in ("list", "watch")),
    *(("gateway.networking.k8s.io", "gatewayclasses", verb) for verb in ("get", "list", "watch")),
    *(("", "services", verb) for verb in ("get", "list", "watch", "create", "update")),
    *(("", "secrets", verb) for verb in ("get", "update")),  # in the operator's own namespace, see below
    ("", "configmaps", "patch"),  # those with a label, see settings-objects.yaml of the chart
    ("", "configmaps", "create"),  # with its own labels and an injector's weights alone, see there
    ("core.openfeature.dev", "featureflags", "patch"),
    ("rbac.authorization.k8s.io", "clusterroles", "list"),
    ("coordination.k8s.io", "leases", "list"),
    *(("", "events", verb) for verb in ("create", "patch")),
    *(("apiextensions.k8s.io", "customresourcedefinitions", verb) for verb in ("list", "watch")),
}


@pytest.fixture(scope="module", autouse=True)
def kinds(cluster: Cluster) -> None:
    cluster.access.install_crds(CRDS)


@pytest.fixture(scope="module")
def release(cluster: Cluster) -> Iterator[str]:
    """The namespace of an installed release, whose Pods must be `restricted`."""
    kubectl = cluster.access.kubectl
    namespace = named((MANIFESTS / "namespace.yaml").read_text(), "Namespace", "earlystop-system")
    cluster.access.apply({**namespace, "metadata": {**namespace["metadata"], "name": RELEASE}})
    try:
        install = ("install", RELEASE, str(CHART), f"--namespace={RELEASE}", "--set=crds.install=false")
        helm(*install, kubeconfig=cluster.access.kubeconfig)
        # A right of the account's own namespace, and one of all, each of which the API server learns of by a watch.
        for verb, resource in (("get", "secrets"), ("list", "earlystoppolicies.earlystop.dev")):
            wait_until(lambda: may(cluster, RELEASE, ACCOUNT, verb, resource), 30, f"the right to {verb} {resource}")  # noqa: B023
        yield RELEASE
        helm("uninstall", RELEASE, f"--namespace={RELEASE}", kubeconfig=cluster.access.kubeconfig)
    finally:
        kubectl("delete", "namespace", RELEASE, "--wait=false")


def test_the_operators_pod_is_admitted_where_only_restricted_pods_are(cluster: Cluster, release: str) -> None:
    def pods() -> list[Any]:
        found = cluster.access.items(PODS, release)
        return [each for each in found if each["metadata"].get("labels", {}).get(NAME_LABEL) == "earlystop"]

    wait_until(lambda: bool(pods()), 30, "the operator's Pod")
    (pod,) = pods()
    (container,) = pod["spec"]["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["spec"]["serviceAccountName"] == ACCOUNT


def test_the_operator_may_do_what_its_code_does_and_nothing_else(cluster: Cluster, release: str) -> None:
    found: set[Right] = set()

    def are_known() -> bool:
        found.clear()
        found.update(granted(cluster, release, ACCOUNT) - granted(cluster, release, "default"))
        return found == NEEDED

    # The API server learns of roles a moment after they were made; what is missing or too much is told below.
    with suppress(ClusterError):
        wait_until(are_known, 15, "all rights to be known")
    assert found == NEEDED


def granted(cluster: Cluster, namespace: str, account: str) -> set[Right]:
    """Every right of a service account in its namespace, as the API server sees it."""
    answer = review(cluster, "SelfSubjectRulesReview", {"namespace": namespace}, user_name(namespace, account))
    assert not answer["incomplete"]
    return {
        (group, resource, verb)
        for rule in answer["resourceRules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def user_name(namespace: str, account: str) -> str:
    return f"system:serviceaccount:{namespace}:{account}"


def review(cluster: Cluster, kind: str, spec: dict[str, Any], as_user: str | None = None) -> dict[str, Any]:
    """The API server's answer to a question about rights, asked as the admin or as somebody else."""
    question = json.dumps({"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec})
    somebody = () if as_user is None else (f"--as={as_user}",)
    ask = ("create", "--filename=-", "--output=json", "--validate=ignore", *somebody)
    status: dict[str, Any] = json.loads(cluster.access.kubectl(*ask, input=question))["status"]
    return status


def may(cluster: Cluster, namespace: str, account: str, verb: str, resource: str) -> bool:
    """Whether a service account may do something in its namespace. resource: `plural.group/subresource`."""
    plural, _, subresource = resource.partition("/")
    name, _, group = plural.partition(".")
    attributes = {"namespace": namespace, "verb": verb, "group": group, "resource": name, "subresource": subresource}
    spec = {"user": user_name(namespace, account), "resourceAttributes": attributes}
    return bool(review(cluster, "SubjectAccessReview", spec)["allowed"])


@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        ("list", "secrets"),
        ("watch", "secrets"),
        ("update", "secrets"),
        ("get", "configmaps"),
        ("list", "configmaps"),
        ("update", "configmaps"),
        ("delete", "configmaps"),
        ("get", "featureflags.core.openfeature.dev"),
        ("get", "pods"),
        ("patch", "deployments.apps"),
        ("delete", "deployments.apps"),
        ("list", "networkpolicies.networking.k8s.io"),
        ("delete", "httproutes.gateway.networking.k8s.io"),
        ("delete", "services"),
        ("update", "earlystoppolicies.earlystop.dev"),
        ("update", "earlystopverdicts.earlystop.dev"),
        ("delete", "earlystopverdicts.earlystop.dev"),
        ("create", "earlystopcheckpoints.earlystop.dev"),
        ("delete", "earlystopcheckpoints.earlystop.dev"),
        ("update", "leases.coordination.k8s.io"),
        ("create", "leases.coordination.k8s.io"),
        ("update", "metricsources.earlystop.dev"),
        ("list", "hooktargets.earlystop.dev"),
        ("update", "hooktargets.earlystop.dev"),
        ("update", "earlystopproposals.earlystop.dev"),
        ("create", "earlystopproposals.earlystop.dev"),
        ("delete", "earlystopproposals.earlystop.dev"),
        ("create", "earlystopapprovals.earlystop.dev"),
        ("approve", "earlystoppolicies.earlystop.dev"),
        ("impersonate", "users"),
    ],
)
def test_the_operator_may_not(cluster: Cluster, release: str, verb: str, resource: str) -> None:
    assert not may(cluster, release, ACCOUNT, verb, resource)


def test_the_operator_gets_no_secret_of_another_namespace(cluster: Cluster, release: str) -> None:
    def may_get_secrets(namespace: str) -> bool:
        attributes = {"namespace": namespace, "verb": "get", "resource": "secrets"}
        spec = {"user": user_name(release, ACCOUNT), "resourceAttributes": attributes}
        return bool(review(cluster, "SubjectAccessReview", spec)["allowed"])

    assert may_get_secrets(release)
    assert not may_get_secrets("default")
    assert not may_get_secrets("kube-system")


def test_the_only_secret_that_the_operator_changes_is_the_key_of_tokens(cluster: Cluster, release: str) -> None:
    def may_update(name: str, namespace: str = release) -> bool:
        attributes = {"namespace": namespace, "verb": "update", "resource": "secrets", "name": name}
        spec = {"user": user_name(release, ACCOUNT), "resourceAttributes": attributes}
        return bool(review(cluster, "SubjectAccessReview", spec)["allowed"])

    key = f"{ACCOUNT}-token-key"
    assert "data" not in cluster.access.get(f"secret/{key}", f"--namespace={release}")
    assert may_update(key)
    assert not may_update("prometheus-token") and not may_update(key, "default")


@pytest.mark.parametrize(
    ("role", "verb", "resource", "allowed"),
    [
        ("view", "list", "earlystoppolicies.earlystop.dev", True),
        ("view", "list", "earlystopverdicts.earlystop.dev", True),
        ("view", "create", "earlystoppolicies.earlystop.dev", False),
        ("edit", "create", "earlystoppolicies.earlystop.dev", True),
        ("edit", "delete", "earlystoppolicies.earlystop.dev", True),
        ("edit", "update", "earlystoppolicies.earlystop.dev/status", False),
        ("edit", "create", "earlystopverdicts.earlystop.dev", False),
        ("view", "list", "earlystopcheckpoints.earlystop.dev", True),
        ("edit", "create", "earlystopcheckpoints.earlystop.dev", False),
        ("view", "create", "earlystopproposals.earlystop.dev", False),
        ("edit", "create", "earlystopproposals.earlystop.dev", True),
        ("edit", "update", "earlystopproposals.earlystop.dev/status", False),
        ("view", "list", "earlystopapprovals.earlystop.dev", True),
        ("edit", "approve", "earlystoppolicies.earlystop.dev", False),
        ("admin", "create", "earlystopapprovals.earlystop.dev", False),
        ("edit", "create", "metricsources.earlystop.dev", False),
        ("admin", "create", "earlystoppolicies.earlystop.dev", True),
        ("admin", "create", "metricsources.earlystop.dev", False),
        ("edit", "create", "hooktargets.earlystop.dev", False),
        ("admin", "create", "hooktargets.earlystop.dev", False),
    ],
)
def test_people_get_the_rights_of_their_role(
    cluster: Cluster, release: str, role: str, verb: str, resource: str, allowed: bool
) -> None:
    account = f"person-with-{role}"
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": account, "namespace": release},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": release}],
    }
    cluster.access.apply(binding)
    # The aggregation is a controller's work; it has happened when the role lets its holder list policies.
    wait_until(lambda: may(cluster, release, account, "list", "earlystoppolicies.earlystop.dev"), 30, f"role {role}")
    if allowed:
        wait_until(lambda: may(cluster, release, account, verb, resource), 30, f"the right to {verb} {resource}")
    else:
        assert not may(cluster, release, account, verb, resource)


def test_who_may_propose_does_so_in_the_own_name_alone_and_changes_no_proposal(cluster: Cluster, release: str) -> None:
    account = "optuna"
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": account, "namespace": release},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": f"{ACCOUNT}-propose"},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": release}],
    }
    cluster.access.apply(binding)
    user, other = user_name(release, account), user_name(release, "eve")

    def create(name: str, proposer: str, *options: str, as_user: str = user) -> str:
        spec = {"policyRef": {"name": "qa"}, "proposer": proposer, "values": [{"name": "window", "value": "12"}]}
        kind = {"apiVersion": "earlystop.dev/v1alpha1", "kind": "EarlyStopProposal"}
        proposal = {**kind, "metadata": {"name": name, "namespace": release}, "spec": spec}
        asking = ("create", "--filename=-", f"--as={as_user}", *options)
        return cluster.access.kubectl(*asking, input=json.dumps(proposal))

    def is_refused() -> bool:
        try:
            create("in-anothers-name", other, "--dry-run=server")
        except ClusterError as refused:
            return f"nobody proposes in another name; write your own, {user}" in str(refused)
        return False

    wait_until(lambda: may(cluster, release, account, "create", "earlystopproposals.earlystop.dev"), 30, "the binding")
    wait_until(is_refused, 30, "the admission policy")
    with pytest.raises(ClusterError, match="forbidden"):
        create("without-the-right", other, as_user=other)
    assert "created" in create("own", user)
    stored = cluster.access.get("espr", "own", f"--namespace={release}")
    assert [each["reason"] for each in stored["status"]["conditions"]] == ["Pending"]
    edit = ("patch", "espr", "own", f"--namespace={release}", "--type=merge")
    with pytest.raises(ClusterError, match="a proposal is never changed; create another one"):
        cluster.access.kubectl(*edit, '--patch={"spec": {"values": [{"name": "window", "value": "1"}]}}')
