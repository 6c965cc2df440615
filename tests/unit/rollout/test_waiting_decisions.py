"""What waits for people is pinned: who may answer it, what it is about, and until when."""

from __future__ import annotations

from pathlib import Path

import pytest

from earlystop.rollout.answered import after_answers
from earlystop.rollout.approval import ApprovalRequirement, Fate, GivenApproval, asked, fates
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.search.offers import Offer
from earlystop.rollout.state import ENDED, Phase
from earlystop.rollout.status_codec import to_status
from tests.unit.rollout.policies import UID
from tests.unit.rollout.searching import SAFE_BUT_LAST, World, searched

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
    assert "params.?status.?awaiting.?proposedBy" in rules and "params.?status.?awaiting.?requestedBy" in rules
    assert "username in [variables.author, variables.proposer," in rules
