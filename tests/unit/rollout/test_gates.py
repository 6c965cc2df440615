"""A gate holds a promotion and nothing else, each of its answers is told, and none is ever a reason to promote."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.gates import Gate
from earlystop.api.hooks import OccurrenceKind
from earlystop.rollout.conditions import conditions
from earlystop.rollout.hooks.happened import occurrences
from earlystop.rollout.observations import Observations
from earlystop.rollout.promotion import missing_for_promotion
from earlystop.rollout.state import Phase, RolloutState, Verdict
from earlystop.rollout.stored.gates_codec import gates_status, restore_gates
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.verdict import verdict_spec
from earlystop.rollout.verify.verdict import differences
from earlystop.rollout.waiting.answered import after_answers
from earlystop.rollout.waiting.end import waiting_ends_at
from earlystop.rollout.waiting.gate_words import is_gate_message
from earlystop.rollout.waiting.gates import (
    GateAnswer,
    GateState,
    asked_by,
    following,
    requirements,
    waited_for,
)
from earlystop.rollout.words.event_notes import event_notes
from tests.turns import Turns
from tests.unit.rollout.asking import Campaign
from tests.unit.rollout.hooks.occurred import POLICY
from tests.unit.rollout.policies import UID, examples, policy
from tests.unit.rollout.traffic import HARMFUL, Quality

TURNED = Quality(exact_match=0.72, mean_tokens=300, requests=1200)
"""As answers become after they had been good: soon no promotion would be proven, and harm is not shown at once."""
CONDITION = {"condition": {"kind": "Deployment", "name": "ci", "type": "Available"}}
ASKING: tuple[dict[str, Any], ...] = ({"jobRef": {"name": "quick"}}, {"jobRef": {"name": "thorough"}})
GATES = [{"name": "ci", "timeoutSeconds": 100, **CONDITION}, {"name": "load", "timeoutSeconds": 200, **CONDITION}]


def gated(gates: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    steps = {"steps": [{"weight": 50}], "deadlineSeconds": 3600}
    return {"rollout": {**steps, "gates": GATES if gates is None else gates}, **more}


def waiting(changes: dict[str, Any] | None = None) -> Campaign:
    campaign = Campaign(changes or gated())
    campaign.until_it_waits()
    return campaign


def told(campaign: Campaign, after_seconds: int = 1, **answers: str) -> RolloutState:
    """The state after these answers of gates."""
    state = campaign.state
    assert state.awaiting is not None
    since, now = state.awaiting.since, state.awaiting.since + after_seconds
    news = {gate: GateAnswer(gate, GateState(answer), now, f"{gate} says so") for gate, answer in answers.items()}
    gates = campaign.times.gates
    state = replace(state, gates=following(gates, state.gates, since, news, now, 86_400))
    return after_answers(campaign.times, state, requirements(gates, state.gates), "", "", now)[0]


def reasons(state: RolloutState) -> dict[str, str]:
    return {each.type.value: each.reason for each in conditions(state, Observations())}


def test_a_promotion_waits_for_every_gate_and_follows_when_all_are_open() -> None:
    campaign = waiting()
    assert reasons(campaign.state)["Progressing"] == "AwaitingGate"
    assert reasons(campaign.state)["GatesOpen"] == "GateWaiting"
    half = told(campaign, ci="Open")
    assert half.decision is None and half.awaiting is not None
    campaign.state = half
    done = told(campaign, load="Open")
    assert done.decision is not None and done.decision.verdict is Verdict.PROMOTE and done.phase is Phase.PROMOTING
    assert reasons(done)["GatesOpen"] == "GateOpen"
    assert differences(verdict_spec("qa", UID, done)) == []


def test_a_gate_that_closes_ends_the_campaign_without_a_promotion() -> None:
    done = told(waiting(), ci="Closed", load="Open")
    assert done.decision is not None
    assert (done.decision.verdict, done.decision.reason) == (Verdict.ROLL_BACK, "GateClosed")
    assert "ci says so" in done.decision.message and reasons(done)["GatesOpen"] == "GateClosed"
    assert differences(verdict_spec("qa", UID, done)) == []


def test_a_gate_whose_time_is_over_ends_the_campaign_without_a_promotion() -> None:
    done = told(waiting(), 100, load="Open")
    assert done.decision is not None
    assert (done.decision.verdict, done.decision.reason) == (Verdict.INCONCLUSIVE, "GateTimedOut")
    assert differences(verdict_spec("qa", UID, done)) == []


def test_a_gate_that_may_wait_longer_says_so_and_may_still_open() -> None:
    campaign = waiting(gated([{**GATES[0], "onTimeout": "Wait"}]))
    campaign.state = told(campaign, 100)
    assert campaign.state.decision is None and reasons(campaign.state)["GatesOpen"] == "GateTimedOut"
    assert campaign.state.awaiting is not None
    done = told(campaign, 150, ci="Open")
    assert done.decision is not None and done.decision.verdict is Verdict.PROMOTE


def test_harm_that_shows_while_a_gate_is_waited_for_takes_the_candidate_back() -> None:
    campaign = waiting()
    assert campaign.look(HARMFUL, 60).decision is not None
    assert campaign.state.decision is not None and campaign.state.decision.verdict is Verdict.ROLL_BACK
    assert campaign.state.awaiting is None


def test_open_gates_promote_nothing_that_the_evidence_does_not_bear_out() -> None:
    campaign, held = waiting(), 0
    turns = Turns()
    while campaign.look(TURNED).decision is None and held < 5 and turns.another():
        state = campaign.state
        assert state.last_look_at is not None
        lacking = missing_for_promotion(state.pinned_plan, state, "w10", state.last_look_at)
        decision = told(campaign, ci="Open", load="Open").decision
        assert (decision is not None) is not bool(lacking)
        held += bool(lacking)
    assert held > 0


def turned(campaign: Campaign) -> None:
    """The evidence no longer speaks for what waits, though it shows no harm."""
    for _ in range(40):
        campaign.look(TURNED)
        state = campaign.state
        assert state.decision is None and state.last_look_at is not None
        if missing_for_promotion(state.pinned_plan, state, "w10", state.last_look_at):
            return
    raise AssertionError("the evidence has not turned")


def test_proof_that_is_lost_while_gates_are_waited_for_may_come_back_for_a_time_of_its_own() -> None:
    campaign = waiting(gated([{**GATES[0], "timeoutSeconds": 200_000}], approval={"expiresSeconds": 600}))
    turned(campaign)
    since = campaign.state.awaiting.since if campaign.state.awaiting else 0
    opened = 7_000
    campaign.state = told(campaign, opened, ci="Open")
    assert campaign.state.decision is None  # its 600 s run from when the gate opened
    assert waiting_ends_at(campaign.times, campaign.state) == since + opened + 600
    done = told(campaign, opened + 600, ci="Open").decision
    assert done is not None and (done.verdict, done.reason) == (Verdict.INCONCLUSIVE, "ProofNotRegained")
    assert "w10 was lost" in done.message and "pproval" not in done.message
    ended = told(campaign, opened + 600, ci="Open")
    assert differences(verdict_spec("qa", UID, ended)) == []


def test_a_status_says_until_when_gates_are_waited_for_and_of_an_approval_nothing() -> None:
    campaign = waiting()
    since = campaign.state.awaiting.since if campaign.state.awaiting else 0
    assert waiting_ends_at(campaign.times, campaign.state) == since + 100
    patient = waiting(gated([{**GATES[0], "onTimeout": "Wait"}]))
    assert waiting_ends_at(patient.times, patient.state) is None
    status = to_status("qa", UID, patient.times, patient.state, "")
    assert "expiresAt" not in status["awaiting"]
    assert from_status(status)[0] == patient.state


def test_gates_and_people_are_both_waited_for() -> None:
    campaign = waiting(gated(approval={"mode": "BeforePromotion"}))
    assert reasons(campaign.state)["Progressing"] == "AwaitingApproval"
    assert campaign.state.gates is not None and campaign.state.gates.for_people


def test_each_answer_is_an_event_and_an_occurrence_once() -> None:
    campaign = waiting()
    before = campaign.state
    since = before.awaiting.since if before.awaiting else 0
    news = {
        "ci": GateAnswer("ci", GateState.OPEN, since + 1),
        "load": GateAnswer("load", GateState.WAITING, since, "asked"),
    }
    after = replace(before, gates=following(campaign.times.gates, before.gates, since, news, since + 1, 86_400))
    assert [each.reason for each in event_notes(before, after)] == ["GateOpen"]
    assert [(each.kind, each.gate) for each in occurrences(POLICY, before, after)] == [(OccurrenceKind.GATE, "ci")]
    assert event_notes(after, after) == () == occurrences(POLICY, after, after)


def test_no_approval_is_asked_for_where_gates_alone_are_waited_for() -> None:
    campaign = Campaign(gated())
    before = campaign.state
    after = campaign.until_it_waits()
    told_of = {each.reason for each in event_notes(before, after)}
    assert "GateWaiting" in told_of and "AwaitingApproval" not in told_of
    kinds = {each.kind for each in occurrences(POLICY, before, after)}
    assert OccurrenceKind.AWAITING_APPROVAL not in kinds and OccurrenceKind.GATE in kinds


@pytest.mark.slow
@examples
@given(
    st.lists(
        st.tuples(st.sampled_from(["ci", "load"]), st.sampled_from(list(GateState)), st.integers(0, 120)), max_size=12
    )
)
def test_what_a_gate_has_answered_stands_and_is_read_back_as_it_was_stored(
    answers: list[tuple[str, GateState, int]],
) -> None:
    gates = policy(gated()).rollout.gates or ()
    asked, first, now = None, dict[str, GateState](), 1_000
    for gate, state, seconds in answers:
        now += seconds
        asked = following(gates, asked, 1_000, {gate: GateAnswer(gate, state, now)}, now, 86_400)
        assert asked is not None and restore_gates(gates_status(asked)) == asked
        for each in asked.answers:
            if first.get(each.gate) in (GateState.OPEN, GateState.CLOSED):
                assert each.state is first[each.gate]
            first[each.gate] = each.state


@pytest.mark.parametrize(
    "message",
    [
        "Gate ci is closed to candidate w5, which gets no more requests.",
        "Gate ci is open to candidate w10, which gets no more requests.",
        "Gate CI is closed to candidate w10, which gets no more requests.",
        "Gate ci did not open in time for candidate w10.",
    ],
)
def test_a_verdict_with_other_words_of_a_gate_is_found_out(message: str) -> None:
    assert not is_gate_message("GateClosed", "w10", message, "")


def test_a_gate_that_asks_somebody_else_by_now_is_asked_anew_and_has_its_whole_time() -> None:
    before, after = (Gate.model_validate({**GATES[0], "jobRef": None, "condition": None, **asks}) for asks in ASKING)
    opened = GateAnswer("ci", GateState.OPEN, 1_010, "all is well", "a-job", asked_by(before))
    stands = following([before], None, 1_000, {"ci": opened}, 1_010, 86_400)
    assert stands is not None and stands.answers == (opened,)
    assert [each.stands.state for each in requirements([before], stands)] == [GateState.OPEN]
    assert [each.stands.state for each in requirements([after], stands)] == [GateState.WAITING]
    edited = following([after], stands, 1_000, {"ci": opened}, 1_020, 86_400)
    assert edited is not None and edited.answers == (waited_for(after, 1_020),)
    late = following([after], edited, 1_000, {"ci": opened}, 1_119, 86_400)
    assert late is not None and late.answers == edited.answers, "what the former one says late does not count"
    answered = replace(opened, at=1_119, asks=asked_by(after))
    assert following([after], edited, 1_000, {"ci": answered}, 1_119, 86_400) == replace(stands, answers=(answered,))


def test_how_long_a_gate_is_waited_for_is_no_other_question() -> None:
    longer = Gate.model_validate({**GATES[0], "timeoutSeconds": 1_000, "onTimeout": "Wait"})
    assert asked_by(longer) == asked_by(Gate.model_validate(GATES[0]))


def test_an_answer_of_an_earlier_release_counts() -> None:
    gate = Gate.model_validate(GATES[0])
    opened = GateAnswer("ci", GateState.OPEN, 1_010)
    stands = following([gate], None, 1_000, {"ci": opened}, 1_010, 86_400)
    assert stands is not None and restore_gates(gates_status(stands)) == stands
    assert [each.stands for each in requirements([gate], stands)] == [opened]


def test_a_gate_without_a_spec_is_asked_no_more() -> None:
    gate = Gate.model_validate(GATES[0])
    asked = following([gate], None, 1_000, {}, 1_000, 86_400)
    assert following([], asked, 1_000, {}, 1_001, 86_400) is None
