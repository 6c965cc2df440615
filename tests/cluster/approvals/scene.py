"""A policy that people answer for on a real API server, under the admission policies and roles of the chart."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from earlystop.api.wire import API_VERSION
from earlystop.rollout.stored.status_codec import to_status
from tests.cluster.errors import ClusterError
from tests.cluster.kit import Cluster
from tests.cluster.objects import CRDS
from tests.cluster.packaging import MANIFESTS, objects
from tests.cluster.processes import wait_until
from tests.unit.rollout.asking import Campaign, asking
from tests.unit.rollout.policies import written

POLICIES = ("-approvers", "-approved", "-approval-terms", "-authors", "-proposers")
ROLES = ("-approve", "-propose")
SIGNED = "earlystop.dev/changed-by"
ASKING = asking(notByAuthor=True)
WAIT_SECONDS = 60
OWN_NAME = "writes their own user name, alice"


@contextmanager
def shipped_rules(cluster: Cluster) -> Iterator[None]:
    """The admission policies and the roles that the chart ships, for as long as it lasts."""
    cluster.access.install_crds(CRDS)
    made = [
        each
        for each in objects((MANIFESTS / "install.yaml").read_text())
        if (each["kind"].startswith("ValidatingAdmissionPolicy") and each["metadata"]["name"].endswith(POLICIES))
        or (each["kind"] == "ClusterRole" and each["metadata"]["name"].endswith(ROLES))
    ]
    assert len(made) == 2 * len(POLICIES) + len(ROLES)
    cluster.access.apply(*made)
    try:
        yield
    finally:
        for each in made:
            cluster.access.kubectl("delete", each["kind"].lower(), each["metadata"]["name"], "--ignore-not-found")


def people(namespace: str) -> list[dict[str, Any]]:
    """Three who may write policies and approvals, of whom two may approve; two who may approve and propose, and nothing
    else; and an admin, who may write approvals and proposals and gives no answer."""
    kinds = ["earlystoppolicies", "earlystopapprovals", "earlystopproposals"]
    verbs = ["get", "list", "create", "update", "patch", "delete"]
    name = {"name": f"write-{namespace}"}
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1"}
    role = {"apiGroups": ["earlystop.dev"], "resources": kinds, "verbs": verbs}
    bindings = {
        f"write-{namespace}": ("alice", "bob", "carol", "admin"),
        "earlystop-approve": ("alice", "bob", "erin", "frank"),
        "earlystop-propose": ("erin", "frank"),
    }
    return [
        {**rbac, "kind": "ClusterRole", "metadata": name, "rules": [role]},
        *(
            {
                **rbac,
                "kind": "RoleBinding",
                "metadata": {"name": of, "namespace": namespace},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": of},
                "subjects": [{"kind": "User", "name": each, "apiGroup": "rbac.authorization.k8s.io"} for each in whom],
            }
            for of, whom in bindings.items()
        ),
    ]


class Scene:
    """A policy of alice's whose decision waits, another one whose does not, and people who answer."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.access, self.namespace = cluster.access, namespace
        self.access.apply(*people(namespace))
        forged = self.policy("qa", by="bob")
        # Until her role is known, she is refused as well.
        wait_until(
            lambda: OWN_NAME in self.refusal("alice", "create", forged), WAIT_SECONDS, "role, and rule on authors"
        )
        for name in ("qa", "other"):
            assert self.refusal("alice", "create", self.policy(name, by="alice"), dry=False) == ""
        campaign = Campaign(ASKING, author="alice")
        waiting = campaign.until_it_waits()
        assert waiting.awaiting is not None
        self.state = replace(waiting, awaiting=replace(waiting.awaiting, since=int(time.time())))
        found = self.access.get("esp/qa", f"--namespace={namespace}")
        self.uid = str(found["metadata"]["uid"])
        self.terms = campaign.spec.approval
        status = to_status("qa", self.uid, campaign.times, self.state, "")
        self.digest = str(status["awaiting"]["digest"])
        replacing = ("replace", "--subresource=status", "--filename=-")
        self.access.kubectl(*replacing, input=json.dumps({**found, "status": status}))
        # The API server judges by what its own watch has shown it.
        wait_until(lambda: not self.refusal("bob", "create", self.approval()), WAIT_SECONDS, "the right answer's way")

    def policy(self, name: str, by: str = "", changes: dict[str, Any] | None = None) -> dict[str, Any]:
        metadata = {"name": name, "namespace": self.namespace, "annotations": {SIGNED: by} if by else {}}
        spec = written(ASKING if changes is None else changes)
        return {"apiVersion": API_VERSION, "kind": "EarlyStopPolicy", "metadata": metadata, "spec": spec}

    def approval(self, name: str = "a", **spec: Any) -> dict[str, Any]:
        """Bob's right answer, but for what is said."""
        right = {"policy": "qa", "policyUid": self.uid, "decisionDigest": self.digest, "answer": "Approve", "by": "bob"}
        metadata = {"name": name, "namespace": self.namespace}
        kind = {"apiVersion": API_VERSION, "kind": "EarlyStopApproval"}
        return {**kind, "metadata": metadata, "spec": {**right, **spec}}

    def refusal(self, user: str, verb: str, manifest: dict[str, Any], *more: str, dry: bool = True) -> str:
        """What the API server says against it, "" when it lets it pass. dry: nothing is stored."""
        options = [f"--as={user}", *more, *(["--dry-run=server"] if dry else [])]
        try:
            self.access.kubectl(verb, "--filename=-", *options, input=json.dumps(manifest))
        except ClusterError as error:
            return str(error)
        return ""

    def patched(self, user: str, what: str, changes: dict[str, Any], *more: str) -> str:
        """The same of a patch of a stored object."""
        where = (f"--namespace={self.namespace}", "--type=merge", f"--patch={json.dumps(changes)}", "--dry-run=server")
        try:
            self.access.kubectl("patch", what, *where, f"--as={user}", *more)
        except ClusterError as error:
            return str(error)
        return ""

    def failure(self, *command: str) -> str:
        """What kubectl says against a command, "" when it is done."""
        try:
            self.access.kubectl(*command)
        except ClusterError as error:
            return str(error)
        return ""

    def signed(self, by: str | None, spec: dict[str, Any] | None = None) -> dict[str, Any]:
        return {"metadata": {"annotations": {SIGNED: by}}, **({"spec": spec} if spec else {})}


def uid_of(scene: Scene, name: str) -> str:
    return str(scene.access.get(f"esp/{name}", f"--namespace={scene.namespace}")["metadata"]["uid"])


@contextmanager
def scene_in(cluster: Cluster, namespace: str) -> Iterator[Scene]:
    """A scene, whose roles are taken away at the end; its objects go with the namespace."""
    try:
        yield Scene(cluster, namespace)
    finally:
        cluster.access.kubectl("delete", "clusterrole", f"write-{namespace}", "--ignore-not-found")
