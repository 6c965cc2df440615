"""Waiting for people where several candidates, query classes, trials of a search or earlier decisions are at hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from earlystop.rollout.handled_requests import Request
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.manual import promote_now
from earlystop.rollout.state import ENDED, Phase, RolloutState, Verdict
from earlystop.rollout.stored.status_codec import digest_of_decision, from_status, to_status
from earlystop.rollout.transitions import carried_out, expire, lose_metrics
from earlystop.rollout.verdict import verdict_spec
from earlystop.rollout.verify.verdict import differences
from earlystop.rollout.waiting.answered import after_answers
from earlystop.rollout.waiting.approval import ApprovalRequirement, GivenApproval, asked, awaited_digest
from earlystop.rollout.waiting.approval_words import proposal_sentence
from tests.turns import Turns
from tests.unit.rollout import classes, searching, several
from tests.unit.rollout.asking import Campaign, asking
from tests.unit.rollout.classes import BY_CLASS
from tests.unit.rollout.policies import NOW, UID, policy, started
from tests.unit.rollout.several import BAD, BETTER, GOOD, TOGETHER

ASKING = {"approval": {"mode": "BeforePromotion"}}
ALWAYS = {"approval": {"mode": "Always"}}
SHADOW: dict[str, Any] = {
    **BY_CLASS,
    "delivery": {"mode": "Shadow", "gatewayHeader": None, "shadow": {"routeRef": {"name": "qa"}}},
    "rollout": {"steps": [], "minimumSeconds": 60},
}
TRUTH = {"lookup": (GOOD, BETTER, BAD), "proof": (GOOD, BAD, BAD)}


def answered(spec: Any, state: RolloutState, *, approves: bool = True) -> RolloutState:
    """The state after somebody's answer to what waits."""
    assert state.awaiting is not None
    given = GivenApproval("a", state.awaiting.since, "bob", UID, awaited_digest(UID, state), approves)
    of = asked(UID, spec.approval, state, "")
    latest, now = digest_of_decision("qa", UID, state), state.awaiting.since + 10**5
    after, _ = after_answers(LiveTimes.of(spec), state, [ApprovalRequirement(of, (given,))], of.digest, latest, now)
    return after


def until_it_waits(spec: Any, answering: Any) -> RolloutState:
    state = started(spec)
    for _ in range(100):
        if state.awaiting is not None:
            return state
        state = several.observe(spec, state, answering)
    raise AssertionError("nothing waits after 100 looks")


def test_of_several_candidates_the_best_waits_and_one_that_turns_out_harmful_is_taken_off_meanwhile() -> None:
    spec = policy({**TOGETHER, **ASKING})
    state = until_it_waits(spec, (GOOD, BETTER, BAD))
    assert state.awaiting is not None and state.awaiting.candidate == "w5" and state.decision is None
    waiting = replace(state, comparisons=tuple(replace(each, dropped=None) for each in state.comparisons))
    after = several.observe(spec, waiting, (GOOD, BETTER, BAD))
    assert after.comparison("w1").dropped is not None and after.awaiting is not None
    assert after.phase is Phase.APPLYING and after.step == waiting.step + 1
    promoting = answered(spec, several.observe(spec, after, (GOOD, BETTER, BAD)))
    assert promoting.decision is not None and promoting.decision.candidate == "w5"
    assert differences(verdict_spec("qa", UID, promoting)) == []


def test_where_what_waits_is_shown_to_be_harmful_the_next_best_is_proposed_anew() -> None:
    spec = policy({**TOGETHER, **ASKING})
    state = until_it_waits(spec, (GOOD, BETTER, GOOD))
    first = awaited_digest(UID, state)
    for _ in range(60):
        state = several.observe(spec, state, (GOOD, BAD, GOOD))
        if state.awaiting is not None and state.awaiting.candidate != "w5":
            break
    assert state.awaiting is not None and state.awaiting.candidate != "w5"
    assert state.comparison("w5").dropped is not None and awaited_digest(UID, state) != first


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["Always", "BeforePromotion"])
def test_a_report_of_mode_shadow_waits_under_always_alone_and_its_digest_holds_the_map_of_classes(mode: str) -> None:
    spec = policy({**SHADOW, "approval": {"mode": mode}})
    state = started(spec)
    for _ in range(60):
        if state.awaiting is not None or state.decision is not None:
            break
        state = classes.observe(spec, state, TRUTH)
    assert (state.awaiting is None) is (mode == "BeforePromotion")
    if state.awaiting is None:
        return
    assert "Proposed: settings by query class. Proven for query classes (" in proposal_sentence(state)
    reporting = answered(spec, state)
    assert reporting.decision is not None and reporting.decision.verdict is Verdict.RECOMMEND
    record = verdict_spec("qa", UID, reporting)
    assert differences(record) == []
    others = [{**each, "candidate": "w1"} for each in record["classMap"]]
    assert any("another decision" in each for each in differences({**record, "classMap": others}))


@pytest.mark.parametrize("approves", [True, False])
def test_a_trial_waits_too_and_a_search_goes_on_without_the_setting_that_somebody_rejects(approves: bool) -> None:
    spec = searching.searched({"failureBudget": 2}, **ASKING)
    world, answers = searching.World(spec, searching.SAFE_BUT_LAST), 0
    turns = Turns()
    while (
        world.run(lambda state: state.awaiting is not None or state.phase in ENDED).phase not in ENDED
        and turns.another()
    ):
        after = answered(spec, world.state, approves=approves)
        world.keep(from_status(to_status("qa", UID, LiveTimes.of(spec), after, ""))[0])
        answers += 1
    assert answers >= 2
    ended = {end for _, end in searching.ends(world.state)} - {"Harmful"}
    assert ended == {"Certified" if approves else "Inconclusive"}
    assert world.state.phase is (Phase.PROMOTED if approves else Phase.ROLLED_BACK)
    assert [each for verdict in world.verdicts.values() for each in differences(verdict["spec"])] == []


def test_an_outage_ends_what_waits() -> None:
    campaign = Campaign()
    waiting = campaign.until_it_waits()
    assert waiting.last_look_at is not None
    lost = expire(campaign.times, lose_metrics(waiting, waiting.last_look_at + 15), waiting.last_look_at + 10_000)
    assert lost.decision is not None and lost.decision.reason == "NoMetrics" and lost.awaiting is None


def test_a_promotion_after_a_hold_waits_as_the_second_decision_and_the_first_stays_as_it_was() -> None:
    changes = asking()
    changes["rollout"]["onInconclusive"] = "Hold"
    spec = policy(changes)
    times = LiveTimes.of(spec)
    held = carried_out(expire(times, started(spec), NOW + 10**6))
    assert held.phase is Phase.HELD
    digest = digest_of_decision("qa", UID, held)
    waiting = promote_now(times, held, Request(held.revision, "user carol"), digest, NOW + 10**6 + 50)
    assert isinstance(waiting, RolloutState) and waiting.awaiting is not None and waiting.decision == held.decision
    assert digest_of_decision("qa", UID, waiting) == digest
    promoting = answered(spec, waiting)
    assert promoting.decision is not None and promoting.decision.number == 2
    record = verdict_spec("qa", UID, promoting)
    assert record["previous"] == digest and record["approvedBy"] == ["user bob"] and differences(record) == []
