"""Three people ask for everything in random orders, by the command, by kubectl and by server-side apply: each request
works after any other, and events and verdicts name the one who made it."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from earlystop.api.wire import API_VERSION
from earlystop.cli.screen.view import status_of
from earlystop.rollout.handled_requests import handled_of
from earlystop.rollout.stored.status_codec import from_status
from earlystop.rollout.verify.verdict import differences
from tests.e2e.stage import Stage
from tests.e2e.stage_objects import condition_is, phase_is
from tests.e2e.watching import Following
from tests.faults.people import Person, person
from tests.faults.policies import apply_lasting

pytestmark = pytest.mark.usefixtures("load", "no_policy_left")

REQUESTS = 8
"""Of each seed; the two have every verb between them."""
WAYS = ("command", "kubectl", "apply")
PEOPLE = ("alice", "bob", "carol")
MAY_FOLLOW = {
    "Observing": ("pause", "abort", "promote", "retry", "edit"),
    "Waiting": ("approve", "approve", "abort", "retry"),
    "Suspended": ("resume", "resume", "abort", "retry", "edit"),
    "Promoted": ("abort", "retry", "edit"),
    "RolledBack": ("retry", "edit"),
}
"""What makes sense where; what does not is for other tests. Waiting: for an approval."""
ASKS = {"approval": {"mode": "BeforePromotion", "expiresSeconds": 900}}


@pytest.fixture(scope="module")
def people(stage: Stage) -> tuple[Person, ...]:
    return tuple(person(stage, name, "edit", "earlystop-approve") for name in PEOPLE)


class Played:
    """One policy and what was asked of it so far."""

    def __init__(self, stage: Stage, watched: Following, people: tuple[Person, ...], seed: int) -> None:
        self.stage, self.watched, self.people = stage, watched, people
        self.name = f"played-{uuid.uuid4().hex[:6]}"
        self.chance = random.Random(seed)
        self.asked: list[str] = []
        self.waits = False
        apply_lasting(stage, self.name, spec=ASKS)
        self.at = self.observed()

    @property
    def status(self) -> dict[str, Any]:
        return dict(self.stage.policy(self.name)["status"])

    def wait(self, what: Callable[[dict[str, Any]], bool], described: str) -> None:
        self.watched.wait_status(self.name, what, 60, f"{described}, after {'; '.join(self.asked)}")

    def observed(self) -> str:
        self.wait(phase_is("Observing"), "observed")
        return "Observing"

    def named(self, verb: str, by: Person) -> None:
        """The status says that the latest request of this verb is this person's, as events and verdicts do."""
        state, _ = from_status(status_of(self.stage.policy(self.name)))
        assert handled_of(state, verb).by == f"user {by.user}", self.asked

    def next_request(self) -> None:
        """Somebody asks for something in some way, and what follows from it is waited for."""
        verb, way = self.chance.choice(MAY_FOLLOW[self.at]), self.chance.choice(WAYS)
        by = self.chance.choice(self.people)
        self.asked.append(f"{by.name}: {verb} by {way}")
        self.at = getattr(self, verb)(by, way)

    def ask(self, by: Person, way: str, verb: str, value: str, *options: str) -> None:
        if way == "command":
            by.does(verb if verb != "suspend" else "pause" if value == "true" else "resume", self.name, *options)
            return
        notes = {f"earlystop.dev/{verb}-by": f"{by.user} for {value}"}
        changes: dict[str, Any] = {"metadata": {"annotations": notes}}
        if verb == "suspend":
            changes["spec"] = {"suspend": value == "true"}
        else:
            notes[f"earlystop.dev/{verb}"] = value
        self.change(by, way, changes)

    def change(self, by: Person, way: str, changes: dict[str, Any]) -> None:
        if way == "apply":
            by.applies(self.name, changes, f"{by.name}-{len(self.asked)}")
        else:
            by.patches(self.name, changes)

    def pause(self, by: Person, way: str) -> str:
        self.ask(by, way, "suspend", "true")
        self.wait(phase_is("Suspended"), "paused")
        self.named("suspend", by)
        return "Suspended"

    def resume(self, by: Person, way: str) -> str:
        campaign = self.status["campaign"]
        self.ask(by, way, "suspend", "false")
        if self.waits:
            self.waits = False
            self.wait(lambda status: status["campaign"] == campaign + 1, "in another campaign")
        at = self.observed()
        assert self.stage.policy(self.name)["spec"].get("suspend") is not True
        if self.status["campaign"] == campaign:
            self.named("suspend", by)
        return at

    def another(self, campaign: int) -> str:
        """Another campaign begins, or waits for the end of a pause."""
        if self.at == "Suspended":
            self.waits = True
            self.wait(condition_is("Ready", "True", "EditWaits"), "shown to wait")
            assert self.status["campaign"] == campaign
            return "Suspended"
        self.wait(lambda status: status["campaign"] == campaign + 1, "in another campaign")
        return self.observed()

    def retry(self, by: Person, way: str) -> str:
        campaign = self.status["campaign"]
        self.ask(by, way, "retry", f"again-{len(self.asked)}", "--yes")
        at = self.another(campaign)
        if at != "Suspended":
            self.named("retry", by)
        return at

    def edit(self, by: Person, way: str) -> str:
        campaign = self.status["campaign"]
        saving = f"0.99{len(self.asked)}"  # never shown, and never the same
        self.change(by, way, {"spec": {"objective": {"tokens": {"minimumSaving": saving}}}})
        return self.another(campaign)

    def abort(self, by: Person, way: str) -> str:
        self.ask(by, way, "abort", self.unused("abort"))
        self.wait(phase_is("RolledBack"), "rolled back")
        spec = self.latest_verdict()
        assert (spec["reason"], spec["requestedBy"]) == ("Aborted", f"user {by.user}"), self.asked
        if self.waits or self.stage.policy(self.name)["spec"].get("suspend"):
            self.go_on()
        return "RolledBack"

    def go_on(self) -> None:
        """A pause that an abort found goes on beneath it; somebody ends it, and what was edited meanwhile begins."""
        campaign, waited = self.status["campaign"], self.waits
        self.ask(self.people[0], "command", "suspend", "false")
        if waited:
            self.waits = False
            self.wait(lambda status: status["campaign"] == campaign + 1, "in another campaign")
            self.observed()
            self.ask(self.people[0], "command", "abort", "")
            self.wait(phase_is("RolledBack"), "rolled back")

    def promote(self, by: Person, way: str) -> str:
        self.ask(by, way, "promote", self.unused("promote"), "--yes")
        self.wait(lambda status: "awaiting" in status, "waiting for an approval")
        assert self.status["awaiting"]["requestedBy"] == f"user {by.user}", self.asked
        self.promoter = by
        return "Waiting"

    def approve(self, by: Person, way: str) -> str:
        if way == "command":
            by.does("approve", self.name, "--yes")
        else:
            awaiting, uid = self.status["awaiting"], self.stage.policy(self.name)["metadata"]["uid"]
            spec = {"policy": self.name, "policyUid": uid, "decisionDigest": awaiting["digest"], "answer": "Approve"}
            metadata = {"name": f"{self.name}-{len(self.asked)}", "namespace": self.stage.namespace}
            body = {"apiVersion": API_VERSION, "kind": "EarlyStopApproval", "metadata": metadata}
            how = ("apply", "--server-side") if way == "apply" else ("create",)
            by.kubectl(*how, "--filename=-", body={**body, "spec": {**spec, "by": by.user}})
        self.wait(phase_is("Promoted"), "promoted")
        spec = self.latest_verdict()
        assert spec["approvedBy"] == [f"user {by.user}"], self.asked
        assert spec["requestedBy"] == f"user {self.promoter.user}", self.asked
        return "Promoted"

    def unused(self, verb: str) -> str:
        """The campaign, as a text that was not written for this verb before."""
        written = self.stage.policy(self.name)["metadata"].get("annotations", {}).get(f"earlystop.dev/{verb}", "")
        revision = self.status["revision"]
        return f"{revision}#{len(self.asked)}" if written.startswith(revision) else revision

    def latest_verdict(self) -> dict[str, Any]:
        named = self.status["decision"]["name"]
        (verdict,) = [each for each in self.stage.verdicts() if each["metadata"]["name"] == named]
        assert differences(verdict["spec"]) == [], self.asked
        spec: dict[str, Any] = verdict["spec"]
        return spec


@pytest.mark.parametrize("seed", [1, 2883])
def test_whoever_asks_for_what_by_whichever_way_after_whatever_else_is_followed_and_named(
    stage: Stage, watched: Following, people: tuple[Person, ...], seed: int
) -> None:
    played = Played(stage, watched, people, seed)
    for _ in range(REQUESTS):
        played.next_request()
    assert stage.operator is not None and stage.operator.alive
    assert "Traceback" not in stage.operator.log.read_text()
