"""A decision of a running operator waits for people, and others try to answer in their place, or to undo an answer."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from earlystop.api.wire import API_VERSION
from earlystop.controller.cluster import APPROVALS
from earlystop.demo import manifests
from tests.cluster.processes import wait_until
from tests.e2e.proof import only_verdict
from tests.e2e.stage import NEVER, Stage
from tests.e2e.stage_objects import phase_is
from tests.e2e.watching import Following
from tests.faults.people import Person, person
from tests.faults.policies import ONE_STEP
from tests.faults.reconciling import reconciliations, wait_reconciled

pytestmark = pytest.mark.usefixtures("load", "no_policy_left")

OTHER_DIGEST = "sha256:" + "0" * 64
OTHER_UID = "5a1d8c0e-0000-4000-8000-000000000001"
SIGNED = "earlystop.dev/changed-by"


@dataclass(frozen=True, slots=True)
class Cast:
    """alice: the author, who may approve what others change. bob, carol: may approve. mallory: edits policies. climber:
    may make roles and give them to itself, with whatever rights."""

    alice: Person
    bob: Person
    carol: Person
    mallory: Person
    climber: Person


RULES = {
    "climb": {
        "apiGroups": ["rbac.authorization.k8s.io"],
        "resources": ["roles", "rolebindings"],
        "verbs": ["create", "get", "escalate", "bind"],
    },
    "write-approvals": {
        "apiGroups": ["earlystop.dev"],
        "resources": ["earlystopapprovals"],
        "verbs": ["create", "update", "patch", "delete"],
    },
    "approve-all": {"apiGroups": ["earlystop.dev"], "resources": ["earlystoppolicies"], "verbs": ["approve"]},
}
"""Rights that no role of the chart gives: all may write approvals, so that only admission stands in the way."""


def role(stage: Stage, name: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": stage.namespace}
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata, "rules": [RULES[name]]}


def binding(name: str, *whom: Person) -> dict[str, Any]:
    metadata = {"name": name, "namespace": whom[0].stage.namespace}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": each.name, "namespace": each.stage.namespace} for each in whom],
    }


@pytest.fixture(scope="module")
def cast(stage: Stage) -> Cast:
    alice, bob, carol = (person(stage, name, "edit", "earlystop-approve") for name in ("alice", "bob", "carol"))
    cast = Cast(alice, bob, carol, person(stage, "mallory", "edit"), person(stage, "climber", "edit"))
    everybody = (cast.alice, cast.bob, cast.carol, cast.mallory, cast.climber)
    stage.access.apply(
        *(role(stage, name) for name in ("climb", "write-approvals")),
        binding("climb", cast.climber),
        binding("write-approvals", *everybody),
    )
    for each in everybody:
        wait_may(each, "delete", "esa")
    wait_may(cast.climber, "escalate", "roles")
    return cast


def wait_may(person: Person, verb: str, what: str) -> None:
    wait_until(lambda: not person.refusal("auth", "can-i", verb, what), 60, f"{person.name} to be let {verb} {what}")


class Waiting:
    """A policy of alice's, which nobody may approve who made it, with a decision that waits."""

    def __init__(self, stage: Stage, watched: Following, cast: Cast) -> None:
        self.stage, self.watched, self.cast = stage, watched, cast
        self.name = f"asking-{uuid.uuid4().hex[:6]}"
        body = manifests.policy(stage.namespace, self.name, stage.source, 10, "0.10")
        body["metadata"]["annotations"] = {SIGNED: cast.alice.user}
        body["spec"]["objective"]["risk"] = {"promote": "0.05", "harm": NEVER}
        body["spec"]["rollout"].update(ONE_STEP)
        body["spec"]["approval"] = {"mode": "BeforePromotion", "notByAuthor": True, "expiresSeconds": 900}
        cast.alice.kubectl("create", "--filename=-", body=body)
        watched.wait_status(self.name, phase_is("Observing"), 60, "observed")
        self.uid = str(stage.policy(self.name)["metadata"]["uid"])
        self.early = cast.bob.refusal("create", "--filename=-", body=self.answer(cast.bob, digest=OTHER_DIGEST))
        watched.wait_status(self.name, lambda status: "awaiting" in status, 120, "waiting for an approval")
        self.digest = str(stage.policy(self.name)["status"]["awaiting"]["digest"])

    def answer(
        self, person: Person, *, name: str = "", digest: str = "", forged: str = "", **spec: Any
    ) -> dict[str, Any]:
        """This person's answer to the decision that waits, but for what is said. forged: another name."""
        right = {"policy": self.name, "policyUid": self.uid, "decisionDigest": digest or self.digest}
        metadata = {"name": name or f"{self.name}-{person.name}", "namespace": self.stage.namespace}
        kind = {"apiVersion": API_VERSION, "kind": "EarlyStopApproval", "metadata": metadata}
        return {**kind, "spec": {**right, "answer": "Approve", "by": forged or person.user, **spec}}

    def says(self, person: Person, **spec: Any) -> str:
        """What the API server says against an answer, "" where it is stored."""
        return person.refusal("create", "--filename=-", body=self.answer(person, **spec))

    def edits(self, by: Person, changes: dict[str, Any], what: str = "", *more: str) -> str:
        patch = f"--patch={json.dumps(changes)}"
        return by.refusal("patch", what or f"esp/{self.name}", "--type=merge", patch, *more)

    def still_waits(self) -> bool:
        status = self.stage.policy(self.name)["status"]
        return "awaiting" in status and status["awaiting"]["digest"] == self.digest and status["weight"] == 50

    def told(self) -> dict[str, str]:
        """What the operator wrote into each answer to this policy."""
        found = [each for each in self.stage.access.items(APPROVALS, self.stage.namespace) if self.is_mine(each)]
        return {each["metadata"]["name"]: each["status"]["conditions"][0]["reason"] for each in found}

    def verdicts(self) -> list[dict[str, Any]]:
        return [each for each in self.stage.verdicts() if each["spec"]["policy"] == self.name]

    def is_mine(self, approval: dict[str, Any]) -> bool:
        return bool(approval["spec"]["policy"] == self.name)


def attacks(waiting: Waiting) -> dict[str, tuple[str, str]]:
    """What the API server said to each attack, and what it has to say."""
    cast, says, edits = waiting.cast, waiting.says, waiting.edits
    applied = ("apply", "--filename=-", "--server-side", "--force-conflicts", f"--field-manager={cast.bob.user}")
    named = waiting.answer(cast.mallory)
    named["metadata"] = {"generateName": "qa-", "namespace": waiting.stage.namespace}
    with_status = {**waiting.answer(cast.mallory, forged=cast.bob.user), "status": {"conditions": []}}
    nobody, no_verb = "nobody answers in another name", "may not answer for the policy"
    revision = waiting.stage.policy(waiting.name)["status"]["revision"]
    promote = {"earlystop.dev/promote": revision, "earlystop.dev/promote-by": f"{cast.mallory.user} for {revision}"}
    return {
        "before any decision waits": (waiting.early, "has no decision that waits"),
        "a stale digest": (says(cast.bob, digest=OTHER_DIGEST), "waits with another decision"),
        "the UID of another policy": (says(cast.bob, policyUid=OTHER_UID), "is another policy by now"),
        "a policy of another name": (says(cast.bob, name="nowhere", policy="nobodys", policyUid=OTHER_UID), ""),
        "by the author": (says(cast.alice), "wants somebody else to approve it"),
        "in the name of another who may": (says(cast.bob, forged=cast.carol.user), nobody),
        "in a name that looks the same": (says(cast.bob, forged=cast.bob.user + "\u200b"), nobody),
        "without the verb": (says(cast.mallory), no_verb),
        "a rejection without the verb": (says(cast.mallory, answer="Reject"), no_verb),
        "without the verb, in another's name": (says(cast.mallory, forged=cast.bob.user), nobody),
        "applied by the server under another's manager": (
            cast.mallory.refusal(*applied, body=waiting.answer(cast.mallory, forged=cast.bob.user)),
            nobody,
        ),
        "under a name that the server makes": (cast.mallory.refusal("create", "--filename=-", body=named), no_verb),
        "with a status of its own": (cast.mallory.refusal("create", "--filename=-", body=with_status), nobody),
        "by who could take the right and has not": (says(cast.climber), no_verb),
        "an answer that is none": (says(cast.bob, answer="approve"), "Unsupported value"),
        "the author leaves": (edits(cast.alice, {"metadata": {"annotations": {SIGNED: None}}}), "who stays its author"),
        "another takes the authorship": (
            edits(cast.mallory, {"metadata": {"annotations": {SIGNED: cast.mallory.user}}}),
            "who stays its author",
        ),
        "nobody is asked any more": (
            edits(cast.mallory, {"spec": {"approval": {"mode": "Never"}}}),
            "may not change what this policy asks people",
        ),
        "the author is let approve": (
            edits(cast.mallory, {"spec": {"approval": {"notByAuthor": False}}}),
            "may not change what this policy asks people",
        ),
        "the status of the policy": (
            edits(cast.mallory, {"status": {"awaiting": None}}, "", "--subresource=status"),
            "forbidden",
        ),
        "a promotion is asked for past it": (edits(cast.mallory, {"metadata": {"annotations": promote}}), ""),
    }


def test_no_attack_while_a_decision_waits_moves_a_request_and_the_right_answer_still_does(
    stage: Stage, watched: Following, cast: Cast
) -> None:
    waiting = Waiting(stage, watched, cast)
    before = reconciliations(stage)
    said = attacks(waiting)
    wrong = {what: each for what, (each, wanted) in said.items() if wanted not in each or (not wanted and each)}
    assert wrong == {} and len(said) >= 20
    wait_reconciled(stage, before)
    assert waiting.still_waits() and waiting.verdicts() == []
    assert waiting.says(cast.carol) == ""
    watched.wait_status(waiting.name, phase_is("Promoted"), 60, "promoted")
    assert only_verdict(stage, waiting.name)["spec"]["approvedBy"] == [f"user {cast.carol.user}"]
    assert "has no decision that waits" in waiting.says(cast.bob, answer="Reject")
    mine = f"esa/{waiting.name}-carol"
    assert "an approval is never changed" in waiting.edits(cast.carol, {"spec": {"answer": "Reject"}}, mine)
    wait_until(lambda: waiting.told() == {f"{waiting.name}-carol": "Counted"}, 30, "the approval to be told")


def test_answers_that_are_edited_remade_and_doubled_while_no_operator_runs_count_as_they_stand_and_a_no_wins(
    stage: Stage, watched: Following, cast: Cast
) -> None:
    waiting = Waiting(stage, watched, cast)
    assert stage.operator is not None
    stage.operator.stop(0.0)
    try:
        assert waiting.says(cast.bob) == ""
        mine = f"esa/{waiting.name}-bob"
        changes = (
            {"spec": {"answer": "Reject"}},
            {"spec": {"by": cast.carol.user}},
            {"spec": {"policyUid": OTHER_UID}},
        )
        for each in changes:
            assert "an approval is never changed" in waiting.edits(cast.bob, each, mine), each
        cast.bob.kubectl("delete", mine)
        assert waiting.says(cast.bob, answer="Reject", comment="not on a Friday") == ""
        assert "AlreadyExists" in waiting.says(cast.bob)
        assert waiting.says(cast.bob, name=f"{waiting.name}-second") == ""
        assert waiting.says(cast.carol) == ""
    finally:
        stage.start_operator()
    watched.wait_status(waiting.name, phase_is("RolledBack"), 60, "rolled back")
    spec = only_verdict(stage, waiting.name)["spec"]
    assert (spec["rejectedBy"], spec.get("approvedBy") or []) == (f"user {cast.bob.user}", [])
    assert "not on a Friday" in spec["message"]
    assert "has no decision that waits" in waiting.says(cast.carol, name=f"{waiting.name}-late")
    wait_until(lambda: waiting.told().get(f"{waiting.name}-bob") == "Counted", 30, "the rejection to be told")
    assert waiting.told()[f"{waiting.name}-second"] != "Counted"


def test_of_a_yes_and_a_no_at_one_moment_one_is_carried_out_and_the_verdict_names_whose_it_was(
    stage: Stage, watched: Following, cast: Cast
) -> None:
    waiting = Waiting(stage, watched, cast)
    # Who may give roles whatever rights may take this one. It answers under its own name then.
    for body in (role(stage, "approve-all"), binding("approve-all", cast.climber)):
        cast.climber.kubectl("create", "--filename=-", body=body)
    wait_may(cast.climber, "approve", "esp")
    with ThreadPoolExecutor(2) as together:
        yes, no = together.submit(waiting.says, cast.climber), together.submit(waiting.says, cast.bob, answer="Reject")
    for each in (yes.result(), no.result()):
        assert each == "" or "has no decision that waits" in each
    ended = watched.wait_status(waiting.name, phase_is("Promoted", "RolledBack"), 60, "ended")
    spec = only_verdict(stage, waiting.name)["spec"]
    named = (spec.get("approvedBy") or [], spec.get("rejectedBy") or "")
    if ended["phase"] == "Promoted":
        assert named == ([f"user {cast.climber.user}"], "") and yes.result() == ""
    else:
        assert named == ([], f"user {cast.bob.user}") and no.result() == ""
