"""Who approves, what, and for whom: twenty attacks on a real API server with real users, and the one right answer."""

from __future__ import annotations

import json
import time
from typing import Any

from earlystop.controller.approvals import SECONDS_TO_LIST, Approvals
from earlystop.rollout.waiting.approval import ApprovalRequirement, Asked, asked
from earlystop.rollout.waiting.requirements import Answer, RequirementState
from tests.cluster.approvals.scene import ASKING, WAIT_SECONDS, Scene, people, uid_of
from tests.cluster.kit import Cluster
from tests.cluster.own_client import connected
from tests.cluster.processes import wait_until
from tests.unit.rollout.asking import asking

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
        "a change under another's name": (edit("carol", {"spec": TRY_LESS}), "writes their own user name, carol"),
        "a change signed as another": (
            edit("carol", scene.signed("bob", TRY_LESS)),
            "writes their own user name, carol",
        ),
        "a policy signed as another": (create("carol", mine), "writes their own user name, carol"),
        "a policy that nobody signs": (create("carol", unsigned), "writes their own user name, carol"),
        "a forged author where none is asked for": (
            create("carol", scene.policy("new", by="bob", changes=loose)),
            "writes their own user name, carol",
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
