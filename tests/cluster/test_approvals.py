"""Who approves, what, and for whom: twenty attacks on a real API server with real users, and the one right answer."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.wire import API_VERSION
from earlystop.controller.approvals import SECONDS_TO_LIST, Approvals
from earlystop.rollout.stored.status_codec import to_status
from earlystop.rollout.waiting.approval import ApprovalRequirement, Asked, asked
from earlystop.rollout.waiting.requirements import Answer, RequirementState
from tests.cluster.errors import ClusterError
from tests.cluster.kit import Cluster
from tests.cluster.objects import CRDS
from tests.cluster.own_client import connected
from tests.cluster.packaging import MANIFESTS, objects
from tests.cluster.processes import wait_until
from tests.unit.rollout.asking import Campaign, asking
from tests.unit.rollout.policies import written

POLICIES = ("-approvers", "-approved", "-approval-terms", "-authors", "-proposers")
ROLES = ("-approve", "-propose")
SIGNED = "earlystop.dev/changed-by"
ASKING = asking(notByAuthor=True)
WAIT_SECONDS = 60
OWN_NAME = "writes the own user name, alice"


@pytest.fixture(scope="module", autouse=True)
def shipped(cluster: Cluster) -> Iterator[None]:
    """The admission policies and the roles that the chart ships."""
    cluster.access.install_crds(CRDS)
    made = [
        each
        for each in objects((MANIFESTS / "install.yaml").read_text())
        if (each["kind"].startswith("ValidatingAdmissionPolicy") and each["metadata"]["name"].endswith(POLICIES))
        or (each["kind"] == "ClusterRole" and each["metadata"]["name"].endswith(ROLES))
    ]
    assert len(made) == 2 * len(POLICIES) + len(ROLES)
    cluster.access.apply(*made)
    yield
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


@pytest.fixture
def scene(cluster: Cluster, namespace: str) -> Iterator[Scene]:
    yield Scene(cluster, namespace)
    cluster.access.kubectl("delete", "clusterrole", f"write-{namespace}", "--ignore-not-found")


TRY_LESS = {"candidates": [{"name": "w10", "values": [{"name": "window", "value": "2"}]}]}


def attacks(scene: Scene) -> dict[str, tuple[str, str]]:
    """What the API server said to each, and what it has to say."""
    of_other = {**scene.approval(policy="other", policyUid=str(uid_of(scene, "other")))}
    unsigned, mine = scene.policy("new"), scene.policy("new", by="alice")
    loose = {**ASKING, "approval": {"mode": "Never"}}

    def create(user: str, manifest: dict[str, Any]) -> str:
        return scene.refusal(user, "create", manifest)

    def edit(user: str, changes: dict[str, Any], *more: str) -> str:
        return scene.patched(user, "esp/qa", changes, *more)

    loosened = "may not change what this policy asks people"
    asks_nobody, asks_anybody = {"approval": {"mode": "Never"}}, {"approval": {"notByAuthor": False}}
    status = {"status": {"awaiting": None}}
    return {
        "in another's name": (create("bob", scene.approval(by="alice")), "nobody answers in another name"),
        "in the name of nobody": (create("bob", scene.approval(by="")), "should be at least 1 chars"),
        "without the verb": (create("carol", scene.approval(by="carol")), "carol may not answer for the policy qa"),
        "a rejection without the verb": (
            create("carol", scene.approval(by="carol", answer="Reject")),
            "carol may not answer for the policy qa",
        ),
        "without any right": (create("mallory", scene.approval(by="mallory")), "forbidden"),
        "for an earlier policy of the name": (
            create("bob", scene.approval(policyUid="5a1d8c0e-0000-4000-8000-000000000001")),
            "is another policy by now",
        ),
        "for another decision": (
            create("bob", scene.approval(decisionDigest="sha256:" + "0" * 64)),
            "waits with another decision",
        ),
        "for a policy of which no decision waits": (create("bob", of_other), "other has no decision that waits"),
        "for a digest that is none": (create("bob", scene.approval(decisionDigest="all")), "decisionDigest"),
        "with an answer that is none": (create("bob", scene.approval(answer="Maybe")), "Unsupported value"),
        "by the author": (create("alice", scene.approval(by="alice")), "wants somebody else to approve it"),
        "the author leaves": (edit("alice", scene.signed(None)), "who stays its author"),
        "another takes the authorship": (edit("bob", scene.signed("bob")), "who stays its author"),
        "a change under another's name": (edit("carol", {"spec": TRY_LESS}), "writes the own user name, carol"),
        "a change signed as another": (edit("carol", scene.signed("bob", TRY_LESS)), "writes the own user name, carol"),
        "a policy signed as another": (create("carol", mine), "writes the own user name, carol"),
        "a policy that nobody signs": (create("carol", unsigned), "writes the own user name, carol"),
        "a forged author where none is asked for": (
            create("carol", scene.policy("new", by="bob", changes=loose)),
            "writes the own user name, carol",
        ),
        "nobody is asked any more": (edit("carol", {"spec": asks_nobody}), loosened),
        "the author may approve": (edit("carol", {"spec": asks_anybody}), loosened),
        "another status": (edit("carol", status, "--subresource=status"), "forbidden"),
    }


BELOW_FLOOR = {**asking(mode="WhenBelowFloor"), "objective": {"exactMatch": {"margin": "0.05", "floor": "0.9"}}}


def later_attacks(scene: Scene) -> dict[str, tuple[str, str]]:
    """The same by other ways to write an object, and by what `spec.approval` does not hold."""
    where = f"--namespace={scene.namespace}"
    mine, loose = scene.policy("qa", by="alice"), scene.policy("qa", by="alice", changes={"rollout": ASKING["rollout"]})
    applied = ("--server-side", "--field-manager=bob")
    named = scene.approval(by="carol")
    named["metadata"] = {"generateName": "qa-", "namespace": scene.namespace}
    scene.access.kubectl("create", "--filename=-", input=json.dumps(scene.policy("floor", changes=BELOW_FLOOR)))

    def floor(user: str, exact_match: dict[str, Any]) -> str:
        return scene.patched(user, "esp/floor", {"spec": {"objective": {"exactMatch": exact_match}}})

    asks = "may not change what this policy asks people"
    taken_out = json.dumps([{"op": "remove", "path": "/spec/approval"}])
    return {
        "applied by the server under bob's manager": (
            scene.refusal("carol", "apply", scene.approval(), *applied),
            "nobody answers in another name",
        ),
        "by a name that the server makes": (scene.refusal("carol", "create", named), "carol may not answer"),
        "as one of a group that may not": (
            scene.refusal("carol", "create", scene.approval(by="carol"), "--as-group=reviewers"),
            "carol may not answer",
        ),
        "the terms are applied away": (scene.refusal("carol", "apply", loose, *applied, "--force-conflicts"), ""),
        "the terms are replaced": (scene.refusal("carol", "replace", {**mine, "spec": loose["spec"]}), asks),
        "the terms are taken out": (
            scene.failure("patch", "esp/qa", where, "--type=json", f"--patch={taken_out}", "--as=carol"),
            asks,
        ),
        "the floor is lowered": (floor("carol", {"floor": "0.1"}), f"exactMatch.floor: carol {asks}"),
        "the floor is taken out": (floor("carol", {"floor": None}), "Invalid value"),
        "who may approve lowers it": (floor("bob", {"floor": "0.1"}), ""),
        "another part of the objective": (floor("carol", {"margin": "0.04"}), ""),
    }


def test_no_other_way_to_write_an_object_and_no_lower_floor_goes_past_those_who_approve(scene: Scene) -> None:
    said = later_attacks(scene)
    assert {
        what: answer for what, (answer, wanted) in said.items() if wanted not in answer or (not wanted and answer)
    } == {}
    # Whoever is in a group that may approve does; what a new approval says of itself counts for nothing.
    group = {"kind": "Group", "name": "reviewers", "apiGroup": "rbac.authorization.k8s.io"}
    for role in ("earlystop-approve", f"write-{scene.namespace}"):
        binding = next(each for each in people(scene.namespace) if each.get("roleRef", {}).get("name") == role)
        metadata = {**binding["metadata"], "name": f"{role}-of-reviewers"}
        scene.access.apply({**binding, "metadata": metadata, "subjects": [group]})
    told = {
        "type": "Counted",
        "status": "True",
        "reason": "Counted",
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    dave = {**scene.approval("dave", by="dave"), "status": {"conditions": [told]}}
    wait_until(
        lambda: not scene.refusal("dave", "create", dave, "--as-group=reviewers"), WAIT_SECONDS, "the group's right"
    )
    assert "NotFound" in scene.failure("get", "esa/dave", f"--namespace={scene.namespace}"), "a dry run stored it"
    assert scene.refusal("dave", "create", dave, "--as-group=reviewers", dry=False) == ""
    (condition,) = scene.access.get("esa/dave", f"--namespace={scene.namespace}")["status"]["conditions"]
    assert condition["status"] == "Unknown"


def test_an_approval_of_a_policy_that_was_made_anew_under_its_name_is_refused_and_counts_nowhere(scene: Scene) -> None:
    assert scene.refusal("bob", "create", scene.approval("early"), dry=False) == ""
    scene.access.kubectl("delete", "esp/qa", f"--namespace={scene.namespace}")
    assert scene.refusal("alice", "create", scene.policy("qa", by="alice"), dry=False) == ""
    wait_until(
        lambda: "is another policy by now" in scene.refusal("bob", "create", scene.approval("late")),
        WAIT_SECONDS,
        "what the API server's watch shows",
    )
    of = asked(uid_of(scene, "qa"), scene.terms, scene.state, "alice")
    (early,) = scene.access.get("esa", f"--namespace={scene.namespace}")["items"]
    assert early["spec"]["policyUid"] != of.uid


BY_SERVER = ("--server-side", "--field-manager=git")


def applied(scene: Scene, user: str, manifest: dict[str, Any], *more: str) -> str:
    """What the API server says against a server-side apply, "" when it is done."""
    return scene.refusal(user, "apply", manifest, *BY_SERVER, *more, dry=False)


def with_metadata(manifest: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {**manifest, "metadata": {**manifest["metadata"], **metadata}}


def stored(scene: Scene, what: str) -> dict[str, Any]:
    """An object as the API server has it, but for who manages which field, and how often that was written."""
    found: dict[str, Any] = scene.access.get(what, f"--namespace={scene.namespace}")
    for name in ("managedFields", "resourceVersion"):
        found["metadata"].pop(name, None)
    return found


NOBODY = {"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "5a1d8c0e-0000-4000-8000-000000000001"}
"""An owner that does not exist: what it owns is collected as garbage."""
ITEM = json.dumps([{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}])
REFUSED = ("never changed", "of erin, of which", "forbidden")


def ensure_own(scene: Scene, what: str, right: dict[str, Any], in_names: dict[str, Any]) -> None:
    """Erin, who has the chart's role alone, applies this object as often as she likes, and frank, who has the same
    role, changes nothing of it by any patch. in_names: what frank would write into its spec to have it in his name."""
    wait_until(lambda: not applied(scene, "erin", right), WAIT_SECONDS, f"erin's {what} by server-side apply")
    first = stored(scene, what)
    assert applied(scene, "erin", right) == "" and stored(scene, what) == first
    of_frank = {**right, "spec": {**right["spec"], **in_names}}
    metadata = (
        {"labels": {"a": "b"}},
        {"annotations": {"a": "b"}},
        {"finalizers": ["a/b"]},
        {"ownerReferences": [NOBODY]},
    )
    patches = [*({"metadata": each} for each in metadata), {"spec": in_names}]
    where = f"--namespace={scene.namespace}"
    said = {
        "applied as it is": applied(scene, "frank", right),
        "taken over": applied(scene, "frank", of_frank, "--force-conflicts"),
        "applied with an owner": applied(scene, "frank", with_metadata(right, ownerReferences=[NOBODY])),
        "applied by another's manager": applied(scene, "frank", with_metadata(right, labels={"a": "b"})),
        "patched by items": scene.failure("patch", what, where, "--type=json", "--as=frank", f"--patch={ITEM}"),
        "its status": scene.patched("frank", what, {"status": {"conditions": []}}, "--subresource=status"),
        **{str(patch): scene.patched("frank", what, patch) for patch in patches},
    }
    assert {how: answer for how, answer in said.items() if not any(each in answer for each in REFUSED)} == {}
    assert stored(scene, what) == first
    # Of her own she may say more about it, and change no answer.
    assert "never changed" in applied(scene, "erin", of_frank, "--force-conflicts")
    assert applied(scene, "erin", with_metadata(right, labels={"team": "qa"})) == ""
    # Who may update what others wrote did so before, and still does, but for what was said.
    assert scene.patched("admin", what, {"metadata": {"labels": {"a": "b"}, "finalizers": ["a/b"]}}) == ""
    assert "never changed" in scene.patched("admin", what, {"spec": in_names})


def test_an_approval_comes_by_server_side_apply_and_nobody_else_changes_takes_or_removes_it(scene: Scene) -> None:
    ensure_own(scene, "esa/erin", scene.approval("erin", by="erin"), {"by": "frank"})
    assert "nobody answers in another name" in applied(scene, "frank", scene.approval("frank", by="erin"))
    for metadata in ({"ownerReferences": [NOBODY]}, {"finalizers": ["a/b"]}):
        assert "an answer stays for the record" in scene.patched("erin", "esa/erin", {"metadata": metadata})
    assert "forbidden" in scene.failure("delete", "esa/erin", f"--namespace={scene.namespace}", "--as=erin")


def test_a_proposal_comes_by_server_side_apply_and_nobody_else_changes_or_takes_it(scene: Scene) -> None:
    spec = {"policyRef": {"name": "qa"}, "proposer": "erin", "values": [{"name": "window", "value": "12"}]}
    metadata = {"name": "erin", "namespace": scene.namespace}
    right = {"apiVersion": API_VERSION, "kind": "EarlyStopProposal", "metadata": metadata, "spec": spec}
    ensure_own(scene, "espr/erin", right, {"proposer": "frank"})
    assert "nobody proposes in another name" in applied(scene, "frank", with_metadata(right, name="frank"))


def uid_of(scene: Scene, name: str) -> str:
    return str(scene.access.get(f"esp/{name}", f"--namespace={scene.namespace}")["metadata"]["uid"])


async def test_twenty_attacks_are_refused_or_not_counted_and_the_right_approval_is_and_all_are_told(
    cluster: Cluster, scene: Scene
) -> None:
    said = attacks(scene)
    wrong = {what: answer for what, (answer, wanted) in said.items() if wanted not in answer}
    assert wrong == {} and len(said) >= 20
    # What others may do goes on.
    assert scene.patched("carol", "esp/qa", scene.signed("carol", TRY_LESS)) == ""
    assert scene.patched("carol", "esp/qa", {"spec": {"rollout": {"lookSeconds": 30}}}) == ""
    assert scene.patched("bob", "esp/qa", {"spec": {"approval": {"expiresSeconds": 600}}}) == ""
    # What the API server cannot tell comes to the operator.
    stored = {
        "right": ("bob", scene.approval("right")),
        "twice": ("bob", scene.approval("twice", answer="Reject")),
        "nowhere": ("bob", scene.approval("nowhere", policy="nobodys")),
    }
    for user, manifest in stored.values():
        assert scene.refusal(user, "create", manifest, dry=False) == ""
    assert "an approval is never changed" in scene.patched("bob", "esa/right", {"spec": {"answer": "Reject"}})
    of = asked(scene.uid, scene.terms, scene.state, "alice")
    told, answer = await judged(cluster, scene, of)
    assert told == {"right": "Counted", "twice": "AnsweredBefore", "nowhere": "NoSuchPolicy"}
    assert answer == Answer(RequirementState.OPEN, ("user bob",))


async def judged(cluster: Cluster, scene: Scene, of: Asked) -> tuple[dict[str, str], Answer]:
    """What the operator writes into each approval, and what comes of all of them."""
    now = time.time()
    async with connected(cluster) as api:
        known = {(scene.namespace, "qa"): of}
        approvals = Approvals(api, known.get, lambda _: None, lambda: now)
        for each in scene.access.get("esa", f"--namespace={scene.namespace}")["items"]:
            assert each["status"]["conditions"][0]["reason"] == "Pending"
            approvals.shown(each)
        now += SECONDS_TO_LIST
        await approvals.write_due()
        answer = ApprovalRequirement(of, approvals.given_to((scene.namespace, "qa"))).answer(int(now))
    found = scene.access.get("esa", f"--namespace={scene.namespace}")["items"]
    return {each["metadata"]["name"]: each["status"]["conditions"][0]["reason"] for each in found}, answer
