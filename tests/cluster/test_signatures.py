"""Nobody signs as another: the admission policy that the chart ships, on a real API server, with two real users."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from earlystop.api.signatures import signer_of
from tests.cluster.errors import ClusterError
from tests.cluster.kit import Cluster
from tests.cluster.objects import CRDS, changed, policy
from tests.cluster.packaging import MANIFESTS, objects
from tests.cluster.processes import wait_until

KINDS = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
VALUES = {"abort": "0123456789", "promote": "0123456789/w10#2", "retry": "2", "suspend": "true"}
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
    probe = changed(policy(name="probe"), "metadata.annotations", {"earlystop.dev/abort-by": "somebody for "})
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
        if "-by is a signature: " in str(error) and f"'{user} for " in str(error):
            return False
        raise
    return True


def patch(cluster: Cluster, namespace: str, user: str, changes: dict[str, Any]) -> None:
    what = ("patch", "esp/qa", f"--namespace={namespace}", "--type=merge", f"--patch={json.dumps(changes)}")
    cluster.access.kubectl(*what, f"--as={user}", *GROUPS)


def asked(verb: str, value: str, signature: str | None = None) -> dict[str, Any]:
    """What a person changes who asks for something, with that signature beside it; the signature stays as it is
    where none is given."""
    annotations: dict[str, Any] = {} if signature is None else {f"earlystop.dev/{verb}-by": signature or None}
    if verb == "suspend":
        return {"spec": {"suspend": value == "true"}, "metadata": {"annotations": annotations}}
    return {"metadata": {"annotations": {f"earlystop.dev/{verb}": value, **annotations}}}


def test_a_policy_is_created_with_ones_own_signature_or_none(cluster: Cluster, namespace: str) -> None:
    manifest = policy(namespace)
    abort, by = "earlystop.dev/abort", "earlystop.dev/abort-by"
    assert admitted(cluster, "alice", manifest)
    assert admitted(cluster, "alice", changed(manifest, "metadata.annotations", {abort: "x", by: "alice for x"}))
    assert admitted(cluster, "alice", changed(manifest, "metadata.annotations", {abort: "0123456789"}))
    assert not admitted(cluster, "bob", changed(manifest, "metadata.annotations", {abort: "x", by: "alice for x"}))
    assert not admitted(cluster, "bob", changed(manifest, "metadata.annotations", {abort: "x", by: "bob for y"}))


@pytest.mark.parametrize("verb", VALUES)
def test_a_signature_is_that_of_who_sends_it_for_the_value_that_it_stands_beside(
    cluster: Cluster, namespace: str, verb: str
) -> None:
    cluster.access.apply(policy(namespace))
    value = VALUES[verb]
    forged = ("alice for " + value, "bob", "bob for", "bob for other", f"bob for {value} at noon", f" bob for {value}")
    for signature in (*forged, f"bob for {value} for {value}", f"alice for x\nbob for {value}"):
        with pytest.raises(ClusterError, match=rf"earlystop\.dev/{verb}-by is a signature: .*'bob for "):
            patch(cluster, namespace, "bob", asked(verb, value, signature))
    patch(cluster, namespace, "bob", asked(verb, value, f"bob for {value}"))
    patch(cluster, namespace, "bob", asked(verb, value, f"bob for {value} at 2026-11-27T05:00:00.25Z"))
    assert signer_of(f"bob for {value} at 2026-11-27T05:00:00.25Z", value) == "bob"


@pytest.mark.parametrize("verb", VALUES)
def test_an_old_signature_stands_in_nobodys_way(cluster: Cluster, namespace: str, verb: str) -> None:
    cluster.access.apply(policy(namespace))
    patch(cluster, namespace, "alice", asked(verb, VALUES[verb], f"alice for {VALUES[verb]}"))
    other = "false" if verb == "suspend" else "9876543210"
    patch(cluster, namespace, "bob", asked(verb, other))
    patch(cluster, namespace, "bob", asked(verb, VALUES[verb]))
    patch(cluster, namespace, "bob", asked(verb, other, f"bob for {other}"))
    patch(cluster, namespace, "alice", asked(verb, VALUES[verb], ""))


def test_a_controller_that_applies_an_old_signature_unchanged_goes_on(cluster: Cluster, namespace: str) -> None:
    abort, by = "earlystop.dev/abort", "earlystop.dev/abort-by"
    made = changed(policy(namespace), "metadata.annotations", {by: "alice for 0123456789", abort: "0123456789"})
    apply = ("apply", "--filename=-", *GROUPS)
    cluster.access.kubectl(*apply, "--as=alice", input=json.dumps(made))
    edited = changed(made, "spec.objective.exactMatch.margin", "0.03")
    assert "configured" in cluster.access.kubectl(*apply, "--as=argocd", input=json.dumps(edited))
    renewed = changed(edited, "metadata.annotations", {by: "alice for 0123456789", abort: "9876543210"})
    assert "configured" in cluster.access.kubectl(*apply, "--as=argocd", input=json.dumps(renewed))
    server_side = (*apply, "--as=argocd", "--server-side", "--force-conflicts", "--field-manager=argocd-controller")
    own = changed(edited, "metadata.annotations", {by: "argocd for 9876543210", abort: "9876543210"})
    assert "serverside-applied" in cluster.access.kubectl(*server_side, input=json.dumps(own))


def test_the_operators_own_writes_of_status_pass(cluster: Cluster, namespace: str) -> None:
    cluster.access.apply(policy(namespace))
    patch(cluster, namespace, "alice", asked("abort", "0123456789", "alice for 0123456789"))
    status = json.dumps({"status": {"phase": "Observing", "campaign": 1}})
    where = ("patch", "esp/qa", f"--namespace={namespace}", "--subresource=status", "--type=merge", f"--patch={status}")
    assert "patched" in cluster.access.kubectl(*where, "--as=operator", *GROUPS)
