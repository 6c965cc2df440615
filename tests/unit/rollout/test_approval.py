"""A favourable decision waits for people where the policy says so, while looks and harm go on; nothing else waits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from earlystop.rollout.handled_requests import Request
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.manual import abort
from earlystop.rollout.state import Phase, RolloutState, Verdict
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.transitions import carried_out, expire, lose_metrics, suspend_or_resume
from earlystop.rollout.verdict import verdict_spec
from earlystop.rollout.verify.verdict import differences
from earlystop.rollout.waiting.approval import (
    awaited_digest,
)
from earlystop.rollout.waiting.requirements import Answer, RequirementState, joined
from tests.turns import Turns
from tests.unit.rollout.asking import ALICE, BOB, DAY, Campaign, asking
from tests.unit.rollout.policies import NOW, UID, policy
from tests.unit.rollout.traffic import HARMFUL, SAVING, Quality


def test_a_promotion_by_evidence_waits_until_somebody_agrees_and_its_verdict_names_them() -> None:
    campaign = Campaign()
    waiting = campaign.until_it_waits()
    assert (waiting.phase, waiting.decision) == (Phase.OBSERVING, None)
    assert campaign.answered()[0] is waiting
    campaign.say()
    promoting, _ = campaign.answered()
    assert promoting.phase is Phase.PROMOTING and promoting.awaiting is None
    record = verdict_spec("qa", UID, promoting)
    assert (record["decision"], record["approvedBy"]) == ("Promote", [f"user {BOB}"])
    assert differences(record) == []
    assert carried_out(promoting).certified is not None


@pytest.mark.parametrize("name", ["Ben\u00a0Roe", "ben ", "\u200bben"])
@pytest.mark.parametrize("approves", [True, False])
def test_a_record_verifies_whatever_letters_the_name_of_who_answered_has(name: str, approves: bool) -> None:
    campaign = Campaign()
    campaign.until_it_waits()
    campaign.say(name, approves=approves)
    decided, _ = campaign.answered()
    assert decided.phase is (Phase.PROMOTING if approves else Phase.ROLLING_BACK)
    assert differences(verdict_spec("qa", UID, decided)) == []


@pytest.mark.parametrize("mode", ["Never", "WhenBelowFloor"])
def test_nothing_waits_where_nobody_need_agree(mode: str) -> None:
    floor = {"exactMatch": {"floor": "0.60"}}
    campaign = Campaign({**asking(mode), "objective": floor})
    campaign.look(SAVING, 30)
    assert campaign.state.awaiting is None and campaign.state.phase is Phase.PROMOTING


def test_a_candidate_that_is_seen_below_the_floor_is_not_promoted_before_somebody_agrees() -> None:
    low = Quality(exact_match=0.795, mean_tokens=300)
    campaign = Campaign({**asking("WhenBelowFloor"), "objective": {"exactMatch": {"floor": "0.80"}}})
    campaign.look(low, 30)
    assert campaign.state.awaiting is not None and campaign.state.decision is None


def test_looks_go_on_while_a_decision_waits_and_harm_drops_it() -> None:
    campaign = Campaign()
    looks = campaign.until_it_waits().most_looks
    assert campaign.look(SAVING, 5).most_looks == looks + 5
    for _ in range(100):
        if campaign.look(HARMFUL).decision is not None:
            break
    assert campaign.state.decision is not None and campaign.state.decision.verdict is Verdict.ROLL_BACK
    assert campaign.state.phase is Phase.ROLLING_BACK and campaign.state.awaiting is None


def test_what_waits_keeps_its_digest_while_looks_go_on_and_no_other_campaign_has_it() -> None:
    campaign = Campaign()
    digest = awaited_digest(UID, campaign.until_it_waits())
    assert digest.startswith("sha256:")
    assert awaited_digest(UID, campaign.look(SAVING, 5)) == digest
    assert awaited_digest(UID.replace("1", "2"), campaign.state) != digest
    assert awaited_digest(UID, replace(campaign.state, revision="0123456789")) != digest


@pytest.mark.slow
def test_no_weight_rises_while_a_decision_waits() -> None:
    steps = {
        "steps": [{"weight": 5, "minimumSeconds": 600}, {"weight": 50}],
        "advance": "ByTime",
        "deadlineSeconds": 3600,
    }
    campaign = Campaign({**asking(), "rollout": steps})
    many = Quality(mean_tokens=300, requests=40_000)
    assert campaign.until_it_waits(many).step == 0
    assert campaign.look(many, 20).step == 0 and campaign.state.most_looks > 20


def test_neither_the_deadline_nor_a_lack_of_evidence_ends_what_waits() -> None:
    campaign = Campaign()
    waiting = campaign.until_it_waits()
    assert expire(campaign.times, waiting, NOW + 10 * DAY) is waiting


@pytest.mark.parametrize(("on_inconclusive", "phase"), [("RollBack", Phase.ROLLING_BACK), ("Hold", Phase.HOLDING)])
def test_a_decision_that_nobody_answers_expires_as_on_inconclusive_says(on_inconclusive: str, phase: Phase) -> None:
    changes = asking(expiresSeconds=600)
    changes["rollout"]["onInconclusive"] = on_inconclusive
    campaign = Campaign(changes)
    campaign.until_it_waits()
    assert campaign.answered(599)[0].decision is None
    expired, _ = campaign.answered(600)
    assert expired.phase is phase and expired.decision is not None
    assert expired.decision.reason == "ApprovalExpired" and "within 10 min." in expired.decision.message
    assert differences(verdict_spec("qa", UID, expired)) == []


def test_a_rejection_takes_the_candidate_back_says_who_and_counts_more_than_approvals() -> None:
    campaign = Campaign()
    campaign.until_it_waits()
    campaign.say(ALICE)
    campaign.say(BOB, approves=False)
    rejected, _ = campaign.answered()
    assert rejected.phase is Phase.ROLLING_BACK
    record = verdict_spec("qa", UID, rejected)
    assert (record["reason"], record["rejectedBy"], record["approvedBy"]) == ("ApprovalRejected", f"user {BOB}", [])
    assert record["message"] == (
        f'Rejected by user {BOB}, who wrote "seen with the team": candidate w10 gets no more requests.'
    )
    assert differences(record) == []


def test_an_approval_is_followed_with_the_evidence_of_then_and_never_blindly() -> None:
    campaign = Campaign()
    waiting = campaign.until_it_waits()
    campaign.say()
    campaign.state = lose_metrics(waiting, NOW + 5000)
    assert campaign.answered()[0].decision is None
    campaign.state = suspend_or_resume(LiveTimes.of(policy({**asking(), "suspend": True})), waiting, NOW + 5000)
    assert campaign.answered()[0].decision is None
    campaign.state = turned = campaign_turned(waiting)
    assert campaign.answered()[0].decision is None
    late, _ = campaign.answered(DAY)
    assert late.decision is not None and late.decision.reason == "ProofNotRegained"
    assert differences(verdict_spec("qa", UID, late)) == [] and turned.decision is None
    campaign.state = waiting
    assert campaign.answered()[0].decision is not None


def campaign_turned(state: RolloutState) -> RolloutState:
    """The state with looks that speak against what was proven, without showing harm yet."""
    worse = Quality(exact_match=0.72, mean_tokens=300, requests=1200)
    campaign = Campaign()
    campaign.state = state
    campaign.server.serve(state, state.comparisons[0].mark)
    turns = Turns()
    while campaign.state.comparisons[0].assessment.log_e.promote > 0 and turns.another():
        campaign.look(worse)
        assert campaign.state.decision is None
    return campaign.state


def test_a_promotion_that_a_person_asks_for_waits_too_and_the_campaign_goes_on_meanwhile() -> None:
    campaign = Campaign()
    after = campaign.asked_for("user carol")
    assert after.awaiting is not None and after.decision is None
    assert after.awaiting.requested_by == "user carol"
    assert expire(campaign.times, after, NOW + 10 * DAY).decision is not None
    campaign.say()
    promoting, note = campaign.answered()
    assert promoting.phase is Phase.PROMOTING and note is None
    record = verdict_spec("qa", UID, promoting)
    assert (record["requestedBy"], record["approvedBy"]) == ("user carol", [f"user {BOB}"])
    assert differences(record) == []


@pytest.mark.parametrize("rejected", [False, True])
def test_a_promotion_that_a_person_asked_for_is_dropped_when_nobody_agrees_and_nothing_ends(rejected: bool) -> None:
    campaign = Campaign(asking(expiresSeconds=600))
    after = campaign.asked_for("user carol")
    if rejected:
        campaign.say(approves=False)
    dropped, note = campaign.answered(599 if rejected else 600)
    assert dropped == replace(after, awaiting=None) and dropped.decision is None
    assert note is not None and note.reason == ("ApprovalRejected" if rejected else "ApprovalExpired")
    assert note.message.endswith("The campaign goes on.")


def test_an_abort_waits_for_nobody() -> None:
    campaign = Campaign()
    campaign.until_it_waits()
    request = Request(campaign.state.revision, "user carol")
    aborted = abort(campaign.times, campaign.state, request, "", NOW + 4000)
    assert isinstance(aborted, RolloutState) and aborted.phase is Phase.ROLLING_BACK and aborted.awaiting is None


def test_a_policy_that_no_longer_asks_anybody_promotes_what_waits_in_nobodys_name() -> None:
    campaign = Campaign()
    campaign.until_it_waits()
    campaign.spec = policy(asking("Never"))
    promoting, _ = campaign.answered()
    assert promoting.decision is not None and promoting.decision.approved_by == ()
    assert differences(verdict_spec("qa", UID, promoting)) == []


def test_what_waits_stands_in_status_and_is_read_from_it() -> None:
    campaign = Campaign(asking(expiresSeconds=600))
    state = campaign.until_it_waits()
    status = to_status("qa", UID, campaign.times, state, "")
    awaiting = status["awaiting"]
    assert (awaiting["decision"], awaiting["candidate"]) == ("Promote", "w10")
    assert awaiting["digest"] == awaited_digest(UID, state)
    assert from_status(status)[0].awaiting == state.awaiting
    campaign.say()
    promoting, _ = campaign.answered()
    assert from_status(to_status("qa", UID, campaign.times, promoting, ""))[0].decision == promoting.decision


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"approvedBy": []}, "does not name what people were asked exactly where"),
        ({"approvedBy": ["user bob", "user bob"]}, "names a person twice"),
        ({"proposalDigest": "sha256:" + "1" * 64}, "asked about another decision"),
        ({"rejectedBy": "user mallory"}, "does not fit who rejected it"),
        ({"decision": "RollBack"}, "names people who agreed, but its decision is RollBack"),
    ],
)
def test_a_verdict_whose_answers_were_changed_is_found_out(changes: dict[str, Any], sentence: str) -> None:
    campaign = Campaign()
    campaign.until_it_waits()
    campaign.say("bob")
    record = {**verdict_spec("qa", UID, campaign.answered()[0]), **changes}
    assert any(sentence in each for each in differences(record))


class Fixed:
    """A requirement that always answers the same."""

    def __init__(self, state: RequirementState, *by: str) -> None:
        self.fixed = Answer(state, by)

    def answer(self, now: int) -> Answer:
        return self.fixed


@pytest.mark.parametrize(
    ("standings", "together"),
    [
        ("Open Open", "Open"),
        ("Open Waiting", "Waiting"),
        ("Waiting TimedOut", "TimedOut"),
        ("TimedOut Refused", "Refused"),
        ("", "Open"),
    ],
)
def test_several_requirements_stand_as_the_worst_of_them(standings: str, together: str) -> None:
    requirements = [Fixed(RequirementState(each), each) for each in standings.split()]
    assert joined(requirements, NOW).state is RequirementState(together)
