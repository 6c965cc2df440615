"""Campaigns of policies that ask people before a promotion, and the answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from earlystop.rollout.handled_requests import Request
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.manual import promote_now
from earlystop.rollout.state import Decision, RolloutState, Verdict
from earlystop.rollout.stored.status_codec import digest_of_decision
from earlystop.rollout.waiting.answered import after_answers
from earlystop.rollout.waiting.approval import (
    ApprovalRequirement,
    GivenApproval,
    asked,
    awaited_digest,
    needs_approval,
)
from earlystop.rollout.words.event_notes import EventNote
from tests.unit.rollout.policies import NOW, UID, policy, started
from tests.unit.rollout.traffic import SAME, SAVING, Quality, Server, observe

ALICE, BOB = "alice", "bob@example.org"
DAY = 86_400


def asking(mode: str = "BeforePromotion", **more: Any) -> dict[str, Any]:
    return {"approval": {"mode": mode, **more}, "rollout": {"steps": [{"weight": 50}], "deadlineSeconds": 3600}}


class Campaign:
    """One campaign of a policy that asks people, and what they answer."""

    def __init__(self, changes: dict[str, Any] | None = None, author: str = "") -> None:
        self.spec = policy(changes or asking())
        self.author, self.server, self.given = author, Server(), list[GivenApproval]()
        self.state = started(self.spec)

    @property
    def times(self) -> LiveTimes:
        return LiveTimes.of(self.spec)

    def look(self, quality: Quality, times: int = 1) -> RolloutState:
        """So many looks, or fewer where one decides."""
        for _ in range(times):
            if self.state.decision is not None:
                break
            self.state = observe(self.spec, self.state, self.server, quality.at(self.weight))
        return self.state

    @property
    def weight(self) -> int:
        return self.state.pinned_plan.stage(self.state.step).weight

    def until_it_waits(self, quality: Quality = SAVING) -> RolloutState:
        for _ in range(100):
            if self.look(quality).awaiting is not None:
                return self.state
        raise AssertionError("no decision waits after 100 looks")

    def say(self, by: str = BOB, *, approves: bool = True, after: int = 60, **changes: Any) -> None:
        """Somebody answers, so many seconds after the decision was proposed."""
        assert self.state.awaiting is not None
        created, digest = self.state.awaiting.since + after, awaited_digest(UID, self.state)
        given = GivenApproval(f"a{len(self.given)}", created, by, UID, digest, approves, "seen with the team")
        self.given.append(replace(given, **changes))

    def answered(self, after: int = 120) -> tuple[RolloutState, EventNote | None]:
        """What follows from the answers so many seconds after the decision was proposed."""
        awaited = self.state.awaiting
        now = (awaited.since if awaited else NOW) + after
        terms, digest = self.spec.approval, digest_of_decision("qa", UID, self.state)
        decision = Decision(Verdict.PROMOTE, awaited.reason if awaited else "", "", now, self.state.leader)
        of = asked(UID, terms, self.state, self.author)
        is_needed = needs_approval(terms, self.state, decision)
        requirement = ApprovalRequirement(of, tuple(self.given), is_needed)
        self.state, note = after_answers(self.times, self.state, [requirement], of.digest, digest, now)
        return self.state, note

    def asked_for(self, by: str = "user carol") -> RolloutState:
        """A person asks for a promotion after two looks that prove nothing."""
        self.look(SAME, 2)
        after = promote_now(self.times, self.state, Request(self.state.revision, by), "", NOW + 400)
        assert isinstance(after, RolloutState), after
        self.state = after
        return after


def reached() -> dict[str, RolloutState]:
    """States of campaigns that people are asked about."""
    waiting, person, agreed, rejected, late = (Campaign() for _ in range(5))
    for each in (waiting, agreed, rejected, late):
        each.until_it_waits()
    person.asked_for()
    agreed.say()
    rejected.say(approves=False)
    return {
        "waiting for an approval": waiting.state,
        "waiting for an approval of a person's promotion": person.state,
        "promoting with an approval": agreed.answered()[0],
        "rejected": rejected.answered()[0],
        "approved by nobody": late.answered(DAY)[0],
    }
