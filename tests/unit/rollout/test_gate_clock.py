"""A gate's time stands still while the policy is suspended, before a step and before a promotion."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from earlystop.rollout.hooks.happened import occurrences
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.state import Phase, RolloutState
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.transitions import suspend_or_resume
from earlystop.rollout.verdict import verdict_spec
from earlystop.rollout.verify.verdict import differences
from earlystop.rollout.waiting.answered import after_answers
from earlystop.rollout.waiting.end import waiting_ends_at
from earlystop.rollout.waiting.gate_clock import gate_time, gates_resumed
from earlystop.rollout.waiting.gates import GatesAsked, GateState, following, requirements, time_out_at
from earlystop.rollout.waiting.step_gates import after_step_gates
from tests.unit.rollout.asking import Campaign, asking
from tests.unit.rollout.hooks.occurred import POLICY
from tests.unit.rollout.policies import NOW, UID, policy, started

GATE = {"name": "ci", "timeoutSeconds": 100, "condition": {"kind": "Deployment", "name": "ci", "type": "Available"}}
OF_STEP = policy({"rollout": {"gates": [{**GATE, "before": "Step"}]}})
OF_PROMOTION = {"rollout": {"steps": [{"weight": 50}], "deadlineSeconds": 3600, "gates": [GATE]}}
PAUSE = 40 * 86400


def suspended(times: LiveTimes, state: RolloutState, at: int) -> RolloutState:
    """The state after a suspension, as a status gives it back."""
    after = suspend_or_resume(replace(times, suspend=True), state, at)
    assert after.phase is Phase.SUSPENDED
    return from_status(json.loads(json.dumps(to_status("qa", UID, times, after, ""))))[0]


def waits_for_gates(campaign: Campaign) -> tuple[RolloutState, GatesAsked, int]:
    """The campaign as soon as a promotion waits, what its gates were asked, and since when it waits."""
    waiting = campaign.until_it_waits()
    assert waiting.awaiting is not None and waiting.gates is not None
    return waiting, waiting.gates, waiting.awaiting.since


def test_a_step_that_waits_for_a_gate_has_as_much_time_left_when_it_is_resumed() -> None:
    times, held = LiveTimes.of(OF_STEP), started(OF_STEP)
    still = suspended(times, held, NOW + 40)
    resumed = suspend_or_resume(times, still, NOW + 40 + PAUSE)
    assert resumed.step_gates is not None and held.step_gates is not None
    assert resumed.step_gates.asked.since == held.step_gates.asked.since, "answers are about the same question"
    assert not occurrences(POLICY, still, resumed)
    last = NOW + 100 + PAUSE - 1
    assert after_step_gates(times, resumed, {}, last) is resumed
    late = after_step_gates(times, resumed, {}, last + 1)
    assert late.decision is not None and late.decision.reason == "GateTimedOut"


@pytest.mark.slow
def test_a_promotion_that_waits_for_a_gate_has_as_much_time_left_when_it_is_resumed() -> None:
    campaign = Campaign(OF_PROMOTION)
    (waiting, asked, since), times = waits_for_gates(campaign), campaign.times

    def gates_at(state: RolloutState, now: int) -> GatesAsked:
        gates = following(times.gates, state.gates, since, {}, gate_time(state, now), 86_400)
        assert gates is not None
        return gates

    still = suspended(times, waiting, since + 40)
    assert gates_at(still, since + PAUSE) == asked and waiting_ends_at(times, still) is None
    resumed = suspend_or_resume(times, still, since + 40 + PAUSE)
    assert waiting_ends_at(times, resumed) == since + 100 + PAUSE
    assert gates_at(resumed, since + 100 + PAUSE - 1) == resumed.gates
    late = replace(resumed, gates=gates_at(resumed, since + 100 + PAUSE))
    needed = requirements(times.gates, late.gates)
    ended, _ = after_answers(times, late, needed, "", "", since + 100 + PAUSE)
    assert ended.decision is not None and ended.decision.reason == "GateTimedOut"


def test_gates_that_have_answered_keep_their_moment_and_no_clock_that_goes_back_takes_time_away() -> None:
    held = replace(started(OF_STEP), suspended_at=NOW + 40)
    assert held.step_gates is not None
    (answer,) = held.step_gates.asked.answers
    done = replace(answer, state=GateState.OPEN)
    answered = replace(held, step_gates=replace(held.step_gates, asked=GatesAsked(NOW, answers=(done,))))
    assert gates_resumed(answered, NOW + PAUSE).step_gates == answered.step_gates
    earlier = gates_resumed(held, NOW)
    assert earlier.step_gates is not None
    assert time_out_at(LiveTimes.of(OF_STEP).step_gates, earlier.step_gates.asked) == (NOW + 100,)
    assert gates_resumed(replace(held, suspended_at=None), NOW + 50) == replace(held, suspended_at=None)


@pytest.mark.slow
def test_proof_that_is_waited_for_has_as_much_time_left_after_a_suspension_with_all_gates_open() -> None:
    campaign = Campaign({**OF_PROMOTION, "approval": {"expiresSeconds": 600}})
    (waiting, asked, since), times = waits_for_gates(campaign), campaign.times
    answers = tuple(replace(each, state=GateState.OPEN) for each in asked.answers)
    opened = replace(asked, answers=answers)
    still = suspended(times, replace(waiting, gates=opened), since + 200)
    assert waiting_ends_at(times, still) is None, "its time stands still"
    again = since + 200 + PAUSE
    resumed = suspend_or_resume(times, still, again)
    assert waiting_ends_at(times, resumed) == again + 400
    twice = suspend_or_resume(times, suspended(times, resumed, again + 100), again + 100 + PAUSE)
    assert waiting_ends_at(times, twice) == again + PAUSE + 400
    needed = requirements(times.gates, resumed.gates)
    assert after_answers(times, resumed, needed, "", "", again) == (resumed, None), "no proof was lost"
    ended, _ = after_answers(times, resumed, needed, "", "", again + 400)
    assert ended.decision is not None and ended.decision.reason == "ProofNotRegained"


@pytest.mark.slow
def test_a_gate_that_opens_while_the_policy_is_suspended_leaves_proof_its_whole_time() -> None:
    campaign = Campaign({**OF_PROMOTION, "approval": {"expiresSeconds": 600}})
    (waiting, asked, since), times = waits_for_gates(campaign), campaign.times
    still, at = suspended(times, waiting, since + 20), since + PAUSE
    answers = tuple(replace(each, state=GateState.OPEN, at=at) for each in asked.answers)
    resumed = suspend_or_resume(times, replace(still, gates=replace(asked, answers=answers)), at + PAUSE)
    assert waiting_ends_at(times, resumed) == at + PAUSE + 600


@pytest.mark.slow
def test_after_a_long_suspension_what_people_agreed_to_is_told_to_be_too_old_and_not_that_proof_was_lost() -> None:
    campaign = Campaign(asking(expiresSeconds=600))
    waiting, times = campaign.until_it_waits(), campaign.times
    assert waiting.awaiting is not None
    campaign.say()
    still = suspended(times, waiting, waiting.awaiting.since + 90)
    campaign.state = suspend_or_resume(times, still, waiting.awaiting.since + PAUSE)
    ended, _ = campaign.answered(PAUSE)
    assert ended.decision is not None and ended.decision.reason == "ApprovalExpired"
    assert differences(verdict_spec("qa", UID, ended)) == []
