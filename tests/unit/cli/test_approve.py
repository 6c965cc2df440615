"""`approve` and `reject` show what is answered, in a sentence with its interval, and answer nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from earlystop.api.approval_kind import ApprovalSpec
from earlystop.cli.approve import approval_of, question_of
from earlystop.cli.main import app
from earlystop.cli.manual_plan import Refused, promote
from earlystop.controller.cluster import Manifest
from earlystop.rollout.waiting.approval import awaited_digest
from earlystop.rollout.waiting.gates import GateAnswer, GatesAsked, GateState
from tests.unit.cli.api_server import answering, refused
from tests.unit.controller.tracked_policies import manifest
from tests.unit.every_row import every_row
from tests.unit.metrics.source.faulty_server import Handler
from tests.unit.rollout.asking import asking
from tests.unit.rollout.policies import NOW, UID
from tests.unit.rollout.states import REACHED

WAITING, BY_PERSON = "waiting for an approval", "waiting for an approval of a person's promotion"
LATER = NOW + 5000


def policy_that(name: str) -> Manifest:
    return manifest(REACHED[name], changes=asking())


@contextmanager
def cluster_with(
    policy: Manifest, folder: Path, monkeypatch: pytest.MonkeyPatch, refusal: str = ""
) -> Iterator[list[Manifest]]:
    """KUBECONFIG leads to an API server with a policy that knows the user as bob; what is created there."""
    created: list[Manifest] = []

    def answer(handler: Handler) -> None:
        last = handler.path.split("?")[0].rpartition("/")[2]
        if last == "qa":
            handler.reply(200, json.dumps(policy).encode())
        elif last == "selfsubjectreviews":
            handler.reply(201, json.dumps({"status": {"userInfo": {"username": "bob"}}}).encode())
        elif refusal:
            refused(handler, 403, refusal)
        else:
            created.append(json.loads(handler.server.requests[-1][2]))
            handler.reply(201, json.dumps(created[-1]).encode())

    with answering(answer, folder, monkeypatch):
        yield created


def run(*words: str, sure: str = "") -> Result:
    return CliRunner().invoke(app, list(words), input=sure)


def test_the_question_is_what_is_proposed_with_its_interval_and_its_end() -> None:
    question = question_of(policy_that(WAITING))
    assert question.digest == awaited_digest(UID, REACHED[WAITING])
    assert question.sentence.startswith("Proposed: all requests get window=10, patience=2.5 (candidate w10; baseline ")
    assert "Candidate w10 is proven to lose less than 5 points of EM (" in question.sentence
    assert re.search(r"points of EM \([^)]*\[[^\]]+\]\)", question.sentence)
    assert "It waits until 2025-" in question.sentence
    assert not question.is_over(policy_that(WAITING)["status"]) and question.is_over({"phase": "Promoted"})


def test_what_a_person_asked_for_says_who_did_and_what_is_not_proven() -> None:
    sentence = question_of(policy_that(BY_PERSON)).sentence
    assert "Asked for by user carol; EM difference " in sentence
    assert (
        "Not proven: a saving of at least 10 % of the tokens (seen: 0 % [-11, 10]; no sign yet; 1 in 20 is needed)"
        in sentence
    )


@pytest.mark.slow
@every_row("name", sorted(REACHED))
def test_nothing_is_answered_where_no_decision_waits(name: str) -> None:
    if REACHED[name].awaiting is not None:
        assert question_of(policy_that(name)).digest
        return
    with pytest.raises(Refused, match="has no decision that waits"):
        question_of(manifest(REACHED[name]))


def test_what_waits_for_gates_alone_asks_nobody_for_an_approval_and_can_be_rejected() -> None:
    state = REACHED[WAITING]
    assert state.awaiting is not None
    asked = GatesAsked(state.awaiting.since, False, (GateAnswer("ci", GateState.WAITING, state.awaiting.since),))
    gate = {"name": "ci", "timeoutSeconds": 600, "condition": {"kind": "Job", "name": "ci", "type": "Complete"}}
    policy = manifest(replace(state, gates=asked), changes={"rollout": {"steps": [{"weight": 50}], "gates": [gate]}})
    with pytest.raises(Refused, match="waits for its gates and asks nobody"):
        question_of(policy)
    rejected = question_of(policy, "Reject")
    assert rejected.digest and "It waits for its gates until 2025-" in rejected.sentence


def test_an_approval_is_one_that_the_kind_describes_and_goes_with_its_policy() -> None:
    policy = policy_that(WAITING)
    policy["metadata"]["name"] = "q" * 253
    made = approval_of(policy, "sha256:" + "0" * 64, "Approve", "bob", "", "0123456789")
    assert ApprovalSpec.model_validate(made["spec"]).answer == "Approve" and "comment" not in made["spec"]
    assert len(made["metadata"]["name"]) == 253 and made["metadata"]["ownerReferences"][0]["uid"] == UID


@pytest.mark.parametrize(("verb", "answer"), [("approve", "Approve"), ("reject", "Reject")])
def test_an_answer_is_given_in_the_name_that_the_api_server_knows_after_the_question(
    verb: str, answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cluster_with(policy_that(WAITING), tmp_path, monkeypatch) as created:
        told = run(verb, "qa", "--comment", "seen", sure="y\n")
    assert told.exit_code == 0 and told.stdout.startswith("Proposed: all requests get window=10")
    assert f"{answer} this for llm/qa?" in told.stdout and " by bob: EarlyStopApproval qa-" in told.stdout
    (spec,) = (each["spec"] for each in created)
    assert (spec["answer"], spec["by"], spec["policyUid"], spec["comment"]) == (answer, "bob", UID, "seen")
    assert spec["decisionDigest"] == awaited_digest(UID, REACHED[WAITING])


def test_who_is_not_sure_answers_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with cluster_with(policy_that(WAITING), tmp_path, monkeypatch) as created:
        told = run("approve", "qa", sure="n\n")
    assert told.exit_code == 1 and created == []


REFUSED: dict[str, Callable[[], tuple[str, list[str], str]]] = {
    "nothing waits": lambda: ("observing", [], "has no decision that waits"),
    "a long comment": lambda: (WAITING, ["--comment", "x" * 257], "--comment has 257 characters; write 256 at most"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_an_answer_that_cannot_be_is_a_sentence(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, words, sentence = REFUSED[what]()
    with cluster_with(policy_that(name), tmp_path, monkeypatch) as created:
        told = run("approve", "qa", "--yes", *words)
    assert told.exit_code == 1 and sentence in told.stderr and created == []


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        ("User bob cannot create resource", "as in the role `earlystop-approve`, is needed"),
        ("bob has made the change", "The API server refuses it: bob has made the change."),
    ],
)
def test_an_answer_that_the_api_server_refuses_says_why(
    refusal: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cluster_with(policy_that(WAITING), tmp_path, monkeypatch, refusal) as created:
        told = run("approve", "qa", "--yes")
    assert told.exit_code == 1 and sentence in told.stderr and created == []


def test_a_promotion_that_has_to_be_approved_says_so_before_it_is_asked_for() -> None:
    planned = promote(manifest(REACHED["observing"], changes=asking()), None, LATER)
    assert planned.sentence.endswith(
        "asks to promote its candidate w10: it gets all requests once somebody has approved that."
    )
    assert planned.reached is not None and planned.reached({"awaiting": {}}) and not planned.reached({})
    again = promote(policy_that(WAITING), None, LATER)
    assert again.changes is None and "`kubectl earlystop approve qa -n llm` agrees to it" in again.sentence
