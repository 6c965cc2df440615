"""Who may ask for what, in every phase and by every way to write: a table, held against a real API server."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from earlystop.api.wire import API_VERSION
from earlystop.controller.cluster import POLICIES
from earlystop.rollout.state import RolloutState
from earlystop.rollout.stored.status_codec import to_status
from tests.cluster.access import WAYS
from tests.cluster.kit import Cluster
from tests.cluster.objects import CRDS, Manifest, policy
from tests.cluster.packaging import MANIFESTS, objects
from tests.cluster.processes import wait_until
from tests.unit.rollout.states import REACHED, TIMES

WAIT_SECONDS = 60
RBAC = {"apiVersion": "rbac.authorization.k8s.io/v1"}
SHIPPED = ("-signatures", "-approval-terms", "-approval-required", "-approvers", "-approved", "-authors", "-approve")
PHASES = (
    *("applying", "settling", "observing", "suspended", "promoting", "promoted", "rolling back", "rolled back", "held"),
    *("several, observed", "in the shadow stage", "waiting for an approval", "searching beside an incumbent"),
)
"""Of the states that a rollout reaches; one that is watched after its promotion comes to them."""
VALUES = {"suspend": "true", "abort": "0123456789", "promote": "0123456789/w10#2", "retry": "2"}
VIEWER, EDITOR, APPROVER, STRANGER = "vera", "alice", "bob", "system:serviceaccount:elsewhere:default"
EARLIER = {
    "metadata": {
        "annotations": {
            "earlystop.dev/suspend-by": "admin for false",
            **{f"earlystop.dev/{verb}": "9876543210" for verb in VALUES if verb != "suspend"},
            **{f"earlystop.dev/{verb}-by": "admin for 9876543210" for verb in VALUES if verb != "suspend"},
        }
    },
    "spec": {"suspend": False},
}
"""What somebody else asked for before, signed, which stands in nobody's way."""
MAY = {VIEWER: False, EDITOR: True, APPROVER: True, STRANGER: False}
"""Who may ask for what a policy's annotations and spec.suspend say. Nobody may write a status."""
GROUPS = {STRANGER: "system:serviceaccounts"}


def reached() -> dict[str, RolloutState]:
    """The states of PHASES by names of objects, and one under guard."""
    named = {each.replace(",", "").replace(" ", "-"): REACHED[each] for each in PHASES}
    return {**named, "guarded": next(state for state in REACHED.values() if state.is_guarded)}


@pytest.fixture(scope="module", autouse=True)
def shipped(cluster: Cluster) -> Iterator[None]:
    """The admission policies that the chart ships, and the role of who approves."""
    cluster.access.install_crds(CRDS)
    made = [each for each in objects((MANIFESTS / "install.yaml").read_text()) if is_about_people(each)]
    assert len(made) == 2 * (len(SHIPPED) - 1) + 1
    cluster.access.apply(*made)
    yield
    for each in made:
        cluster.access.kubectl("delete", each["kind"].lower(), each["metadata"]["name"], "--ignore-not-found")


def is_about_people(manifest: Manifest) -> bool:
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    return bool(name.endswith(SHIPPED)) and (kind.startswith("ValidatingAdmissionPolicy") or kind == "ClusterRole")


def people(namespace: str) -> list[Manifest]:
    """Roles of who looks, who edits and who approves, in this namespace, and of a stranger in none."""
    of = {f"look-{namespace}": ["get"], f"edit-{namespace}": ["get", "create", "patch", "update"]}
    roles = [
        {
            **RBAC,
            "kind": "ClusterRole",
            "metadata": {"name": name},
            "rules": [{"apiGroups": ["earlystop.dev"], "resources": ["earlystoppolicies"], "verbs": verbs}],
        }
        for name, verbs in of.items()
    ]
    whom = {f"look-{namespace}": (VIEWER,), f"edit-{namespace}": (EDITOR, APPROVER), "earlystop-approve": (APPROVER,)}
    bindings = [
        {
            **RBAC,
            "kind": "RoleBinding",
            "metadata": {"name": role, "namespace": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "User", "name": each, "apiGroup": "rbac.authorization.k8s.io"} for each in named],
        }
        for role, named in whom.items()
    ]
    return [*roles, *bindings]


def asks(verb: str, signer: str) -> Manifest:
    """What a command writes for a verb, with that name beside it."""
    notes = {f"earlystop.dev/{verb}-by": f"{signer} for {VALUES[verb]} at 2026-11-28T05:00:00Z"}
    if verb == "suspend":
        return {"metadata": {"annotations": notes}, "spec": {"suspend": True}}
    return {"metadata": {"annotations": {f"earlystop.dev/{verb}": VALUES[verb], **notes}}}


def written(way: str, live: Manifest, changes: Manifest) -> Manifest:
    """The body by which these changes are made in this way."""
    if way == "merge":
        return changes
    if way == "apply":
        about = {"name": live["metadata"]["name"], "namespace": live["metadata"]["namespace"]}
        metadata = {**changes.get("metadata", {}), **about}
        return {"apiVersion": API_VERSION, "kind": "EarlyStopPolicy", **changes, "metadata": metadata}
    whole = copy.deepcopy(live)
    whole["spec"] |= changes.get("spec", {})
    whole["metadata"]["annotations"] = {**live["metadata"].get("annotations", {}), **changes["metadata"]["annotations"]}
    return whole


@pytest.fixture(scope="module")
def lives(cluster: Cluster) -> Mapping[str, Manifest]:
    """A stored policy in each phase, in one namespace, each with an earlier request of another editor's beside it."""
    namespace = "who-may"
    cluster.access.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}, *people(namespace))
    found = {}
    for name, state in reached().items():
        cluster.access.apply(policy(namespace, name))
        live = cluster.access.read(POLICIES, namespace, name)
        status = to_status(name, live["metadata"]["uid"], TIMES, state, "")
        assert cluster.access.write("PATCH", POLICIES, namespace, f"{name}/status", {"status": status}) == 200, name
        assert cluster.access.write("PATCH", POLICIES, namespace, name, EARLIER) == 200, name
        found[name] = cluster.access.read(POLICIES, namespace, name)
    forged, first = asks("abort", "somebody"), next(iter(found))

    def are_in_force() -> bool:
        """The rules and the bindings, each of which the API server learns by a watch of its own."""
        taken = (cluster.access.refusal(each, POLICIES, namespace, first, asks("retry", each)) for each in MAY)
        right = [said == "" for said in taken] == list(MAY.values())
        return right and "is a signature" in cluster.access.refusal(EDITOR, POLICIES, namespace, first, forged)

    wait_until(are_in_force, WAIT_SECONDS, "rules and rights to be in force")
    return found


def refused(cluster: Cluster, user: str, live: Manifest, way: str, changes: Manifest, part: str = "") -> str:
    groups = {"Impersonate-Group": GROUPS[user]} if user in GROUPS else {}
    namespace, name = live["metadata"]["namespace"], live["metadata"]["name"] + part
    return cluster.access.refusal(user, POLICIES, namespace, name, written(way, live, changes), groups, way)


def test_every_verb_is_open_to_who_may_edit_in_every_phase_and_by_every_way_and_to_nobody_else(
    cluster: Cluster, lives: Mapping[str, Manifest]
) -> None:
    wrong: list[Any] = []
    for phase, live in lives.items():
        for user, may in MAY.items():
            for way in WAYS:
                for verb in VALUES:
                    said = refused(cluster, user, live, way, asks(verb, user))
                    if (said == "") is not may or (said and "forbidden" not in said):
                        wrong.append((phase, user, way, verb, said[:160]))
    assert wrong == []


def test_in_no_phase_and_by_no_way_does_anybody_ask_in_anothers_name(
    cluster: Cluster, lives: Mapping[str, Manifest]
) -> None:
    wrong: list[Any] = []
    for phase, live in lives.items():
        for user, other in ((EDITOR, APPROVER), (APPROVER, EDITOR), (EDITOR, f"{EDITOR} ")):
            for way in WAYS:
                for verb in VALUES:
                    said = refused(cluster, user, live, way, asks(verb, other))
                    if f"earlystop.dev/{verb}-by is a signature" not in said:
                        wrong.append((phase, user, way, verb, said[:160]))
    assert wrong == []


def test_in_no_phase_and_by_no_way_does_a_person_write_a_status(
    cluster: Cluster, lives: Mapping[str, Manifest]
) -> None:
    forged = {"status": {"phase": "Promoted"}, "metadata": {"annotations": {}}}
    for phase, live in lives.items():
        for user in MAY:
            for way in WAYS:
                said = refused(cluster, user, live, way, forged, "/status")
                assert "cannot" in said and "earlystoppolicies/status" in said, (phase, user, way, said)
