"""What waits for people is pinned: who may answer it, what it is about, and until when."""

from __future__ import annotations

from pathlib import Path

import pytest

from earlystop.api.gates import Gate
from earlystop.rollout.handled_requests import Request
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.manual import promote_now
from earlystop.rollout.search.offers import Offer
from earlystop.rollout.state import ENDED, Phase, RolloutState
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.waiting.answered import APPROVAL_EXPIRED, after_answers
from earlystop.rollout.waiting.approval import ApprovalRequirement, Fate, GivenApproval, asked, awaited_digest, fates
from earlystop.rollout.waiting.approval_words import proposal_sentence
from earlystop.rollout.waiting.gates import GateAnswer, GateState, following, time_out_at, waited_for
from tests.turns import Turns
from tests.unit.rollout import several
from tests.unit.rollout.asking import Campaign, asking
from tests.unit.rollout.policies import UID, policy, started
from tests.unit.rollout.searching import SAFE_BUT_LAST, World, searched
from tests.unit.rollout.traffic import SAME, SAVING

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("by", "fate"), [("mallory", Fate.BY_AUTHOR), ("owner", Fate.BY_AUTHOR), ("bob", Fate.COUNTED)]
)
def test_who_proposed_a_setting_does_not_approve_it_where_authors_may_not(by: str, fate: Fate) -> None:
    spec = searched({"strategy": "External"}, approval={"mode": "BeforePromotion", "notByAuthor": True})
    offer = Offer("2025-01-01T00:00:00Z", "mine", "mallory", (("window", "10"),))
    world = World(spec, SAFE_BUT_LAST, offers=(offer,))
    world.run(lambda state: state.awaiting is not None or state.phase in ENDED)
    state = world.state
    assert state.awaiting is not None
    status = to_status("qa", UID, LiveTimes.of(spec), state, "")
    assert status["awaiting"]["proposedBy"] == "mallory"
    of = asked(UID, spec.approval, state, "owner")
    given = GivenApproval("a", state.awaiting.since + 60, by, UID, of.digest, True)
    assert [each for _, each in fates([given], of)] == [fate]
    after, _ = after_answers(
        LiveTimes.of(spec), state, [ApprovalRequirement(of, (given,))], of.digest, "", state.awaiting.since + 120
    )
    assert (after.phase is Phase.PROMOTING) is (fate is Fate.COUNTED)


def test_the_api_server_refuses_an_approval_of_the_author_the_proposer_and_the_asker() -> None:
    rules = (ROOT / "charts/earlystop/templates/approvals.yaml").read_text()
    excluded = rules.partition("- name: excluded")[2].partition("- name:")[0]
    assert "earlystop.dev/changed-by" in excluded and "variables.asker" in excluded
    assert "params.?status.?awaiting.?proposedBy" in excluded and "params.?status.?awaiting.?requestedBy" in rules
    assert "!variables.is_excluded" in rules


TIED = policy({**several.TOGETHER, "candidates": several.CANDIDATES[:2], "approval": {"mode": "BeforePromotion"}})


def test_a_proposal_stays_until_another_candidate_is_shown_to_save_more_and_then_it_is_said() -> None:
    state = started(TIED)
    turns = Turns()
    while state.awaiting is None and turns.another():
        state = several.observe(TIED, state, (several.GOOD, several.GOOD))
    first, digest, kept = state.awaiting, awaited_digest(UID, state), 0
    assert first.candidate == state.comparisons[0].name
    for _ in range(300):
        state = several.observe(TIED, state, (several.GOOD, several.BETTER))
        assert state.awaiting is not None
        if state.awaiting != first:
            break
        proposed, other = (each.assessment.saving.low for each in state.comparisons)
        kept += (other or 0) > (proposed or 0)
        assert awaited_digest(UID, state) == digest
    assert kept > 0, "the larger least saving alone replaces nothing"
    assert state.awaiting is not None
    assert (state.awaiting.candidate, state.awaiting.since) == (state.comparisons[1].name, state.last_look_at)
    assert "is proven to save no more than" in proposal_sentence(state)
    assert from_status(to_status("qa", UID, LiveTimes.of(TIED), state, ""))[0].awaiting == state.awaiting


def test_what_the_evidence_decides_waits_its_own_time_whatever_a_person_asked_for_before() -> None:
    campaign = Campaign(asking(expiresSeconds=600))
    at = (campaign.look(SAME, 2).last_look_at or 0) + 1
    after = promote_now(campaign.times, campaign.state, Request(campaign.state.revision, "user carol"), "", at)
    assert isinstance(after, RolloutState) and after.awaiting is not None
    campaign.state, asked_for = after, after.awaiting
    turns = Turns()
    while campaign.look(SAVING).awaiting is not None and campaign.state.awaiting == asked_for and turns.another():
        pass
    proven = campaign.state.awaiting
    assert proven is not None and proven.by_evidence and proven.since > asked_for.since
    of = asked(UID, campaign.spec.approval, campaign.state, "")
    assert (of.since, of.until) == (asked_for.since, proven.since + 600)
    assert campaign.answered(after=599)[0].decision is None
    ended = campaign.answered(after=600)[0].decision
    assert ended is not None and ended.reason == APPROVAL_EXPIRED


def test_a_gate_has_its_whole_time_from_when_it_is_asked_however_long_the_decision_has_waited() -> None:
    gate = Gate.model_validate({"name": "late", "jobRef": {"name": "evaluate"}, "timeoutSeconds": 3600})
    # An edit adds it to a decision that has waited long.
    begun = following((gate,), None, since=0, news={}, now=7200, holds_seconds=86_400)
    assert begun is not None and begun.answers[0] == waited_for(gate, 7200)
    said = {"late": GateAnswer("late", GateState.WAITING, 7300, "Job runs")}
    moments = (7200 + 3599, 7200 + 3600)
    early, late = (following((gate,), begun, since=0, news=said, now=each, holds_seconds=86_400) for each in moments)
    assert early is not None and early.answers[0].state is GateState.WAITING
    assert late is not None and late.answers[0].state is GateState.TIMED_OUT
    assert time_out_at((gate,), begun) == (7200 + 3600,)
