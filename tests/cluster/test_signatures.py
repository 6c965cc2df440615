"""Nobody signs as another: the admission policy that the chart ships, on a real API server, with two real users."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.errors import ClusterError
from tests.cluster.kit import Cluster
from tests.cluster.objects import CRDS, changed, policy
from tests.cluster.packaging import MANIFESTS, objects
from tests.cluster.processes import wait_until

ABORT, PROMOTE, RETRY, BY = (f"earlystop.dev/{name}" for name in ("abort", "promote", "retry", "requested-by"))
KINDS = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
VERBS: tuple[dict[str, Any], ...] = (
    {"metadata": {"annotations": {ABORT: "0123456789"}}},
    {"metadata": {"annotations": {PROMOTE: "0123456789/w10"}}},
    {"metadata": {"annotations": {RETRY: "2"}}},
    {"spec": {"suspend": True}},
)
GROUPS = ("--as-group=system:masters", "--as-group=system:authenticated")


@pytest.fixture(scope="module", autouse=True)
def kinds(cluster: Cluster) -> Iterator[None]:
    cluster.access.install_crds(CRDS)
    shipped = [
        each
        for each in objects((MANIFESTS / "install.yaml").read_text())
        if each["kind"] in KINDS and each["metadata"]["name"].endswith("-signatures")
    ]
    assert len(shipped) == 2
    cluster.access.apply(*shipped)
    probe = changed(policy(name="probe"), "metadata.annotations", {BY: "somebody"})
    # A new policy is in force a moment after it is stored.
    wait_until(lambda: not admitted(cluster, "alice", probe), 60, "the admission policy to be in force")
    yield
    for each in shipped:
        cluster.access.kubectl("delete", each["kind"].lower(), each["metadata"]["name"], "--ignore-not-found")


def admitted(cluster: Cluster, user: str, manifest: dict[str, Any]) -> bool:
    """Whether a user who may do everything else may create this policy. Raises ClusterError for another refusal."""
    create = ("create", "--dry-run=server", "--filename=-")
    try:
        cluster.access.kubectl(*create, f"--as={user}", *GROUPS, input=json.dumps(manifest))
    except ClusterError as error:
        if "earlystop.dev/requested-by signs for" in str(error) and f"own user name, {user}" in str(error):
            return False
        raise
    return True


def patch(cluster: Cluster, namespace: str, user: str, changes: dict[str, Any]) -> None:
    what = ("patch", "esp/qa", f"--namespace={namespace}", "--type=merge", f"--patch={json.dumps(changes)}")
    cluster.access.kubectl(*what, f"--as={user}", *GROUPS)


def signed(changes: dict[str, Any], name: str | None) -> dict[str, Any]:
    """The changes with a signature; None takes it away."""
    metadata = changes.get("metadata", {})
    return {**changes, "metadata": {"annotations": {**metadata.get("annotations", {}), BY: name}}}


def test_a_policy_is_created_with_ones_own_signature_or_none(cluster: Cluster, namespace: str) -> None:
    manifest = policy(namespace)
    assert admitted(cluster, "alice", manifest)
    assert admitted(cluster, "alice", changed(manifest, "metadata.annotations", {BY: "alice"}))
    assert admitted(cluster, "alice", changed(manifest, "metadata.annotations", {ABORT: "0123456789"}))
    assert not admitted(cluster, "bob", changed(manifest, "metadata.annotations", {BY: "alice"}))


@pytest.mark.parametrize("verb", VERBS, ids=["abort", "promote", "retry", "suspend"])
def test_a_verb_is_signed_by_who_sends_it_or_by_nobody(cluster: Cluster, namespace: str, verb: dict[str, Any]) -> None:
    cluster.access.apply(policy(namespace))
    refused = r"earlystop\.dev/requested-by signs for.*bob"
    with pytest.raises(ClusterError, match=refused):
        patch(cluster, namespace, "bob", signed(verb, "alice"))
    patch(cluster, namespace, "alice", signed({}, "alice"))
    # Alice's name stands there, and would vouch for what bob asks.
    with pytest.raises(ClusterError, match=refused):
        patch(cluster, namespace, "bob", verb)
    patch(cluster, namespace, "bob", signed(verb, "bob"))
    patch(cluster, namespace, "alice", signed({"metadata": {"annotations": {RETRY: "9"}}}, None))


def test_a_controller_that_applies_an_old_signature_unchanged_goes_on(cluster: Cluster, namespace: str) -> None:
    made = changed(policy(namespace), "metadata.annotations", {BY: "alice", ABORT: "0123456789"})
    apply = ("apply", "--filename=-", *GROUPS)
    cluster.access.kubectl(*apply, "--as=alice", input=json.dumps(made))
    edited = changed(made, "spec.objective.exactMatch.margin", "0.03")
    assert "configured" in cluster.access.kubectl(*apply, "--as=argocd", input=json.dumps(edited))
    renewed = changed(edited, "metadata.annotations", {BY: "alice", ABORT: "9876543210"})
    with pytest.raises(ClusterError, match="argocd"):
        cluster.access.kubectl(*apply, "--as=argocd", input=json.dumps(renewed))
    own = changed(edited, "metadata.annotations", {BY: "argocd", ABORT: "9876543210"})
    assert "configured" in cluster.access.kubectl(*apply, "--as=argocd", input=json.dumps(own))


def test_the_operators_own_writes_of_status_pass(cluster: Cluster, namespace: str) -> None:
    cluster.access.apply(policy(namespace))
    patch(cluster, namespace, "alice", signed(VERBS[0], "alice"))
    status = json.dumps({"status": {"phase": "Observing", "campaign": 1}})
    where = ("patch", "esp/qa", f"--namespace={namespace}", "--subresource=status", "--type=merge", f"--patch={status}")
    assert "patched" in cluster.access.kubectl(*where, "--as=operator", *GROUPS)
