"""Which steps wait for gates, and what users meet meanwhile: nothing of a candidate that is not let in."""

from __future__ import annotations

import json
from dataclasses import replace

from earlystop.api.approval import Approval
from earlystop.rollout.exposure import incumbent_weight, weights
from earlystop.rollout.hooks.happened import occurrences
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.search.progress import Incumbent
from earlystop.rollout.state import Phase, RolloutState
from earlystop.rollout.steps import begin_next_step
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.transitions import suspend_or_resume, weights_in_force
from earlystop.rollout.waiting.gates import GateAnswer, GateState
from earlystop.rollout.waiting.step_gates import after_step_gates, gates_before, held_at_first, through_gates
from tests.unit.rollout.hooks.occurred import POLICY
from tests.unit.rollout.policies import NOW, UID, policy, started
from tests.unit.rollout.searching import SEARCH

CONDITION = {"before": "Step", "condition": {"kind": "Deployment", "name": "ci", "type": "Available"}}
EACH, LAST = {"name": "ci", **CONDITION}, {"name": "load", **CONDITION, "weights": [50]}
SPEC = policy({"rollout": {"gates": [EACH, LAST, {**LAST, "name": "end", "before": "Promotion", "weights": None}]}})
TIMES = LiveTimes.of(SPEC)


def answered(state: RolloutState, at: int = NOW + 5, **answers: str) -> RolloutState:
    news = {gate: GateAnswer(gate, GateState(answer), at) for gate, answer in answers.items()}
    return after_step_gates(TIMES, state, news, at)


def restored(state: RolloutState) -> RolloutState:
    return from_status(json.loads(json.dumps(to_status("qa", UID, TIMES, state, ""))))[0]


def test_each_step_waits_for_the_gates_that_name_it_and_a_promotion_for_none_of_them() -> None:
    plan = started(SPEC).pinned_plan
    assert [[each.name for each in gates_before(TIMES, plan, step)] for step in range(3)] == [
        ["ci"],
        ["ci"],
        ["ci", "load"],
    ]
    assert [each.name for each in TIMES.gates] == ["end"]
    learning = policy({"rollout": {"gates": [EACH], "learnSeconds": 60, "shadowSeconds": 60}})
    plan = started(learning).pinned_plan
    assert [len(gates_before(LiveTimes.of(learning), plan, step)) for step in range(4)] == [0, 0, 1, 1]
    assert started(learning).step_gates is None


def test_a_campaign_begins_with_all_requests_on_the_baseline_until_its_first_gate_is_open() -> None:
    state = started(SPEC)
    assert state.is_held and weights(state) == (100, 0) and restored(state).step_gates == state.step_gates
    assert weights_in_force(state, NOW + 3) is state, "a step began before its gate was open"
    frozen = suspend_or_resume(replace(TIMES, suspend=True), state, NOW + 4)
    assert weights(frozen) == (100, 0) and answered(frozen, ci="Open") is frozen
    assert weights(suspend_or_resume(TIMES, frozen, NOW + 5)) == (100, 0)
    after = answered(state, ci="Open")
    assert weights(after) == (95, 5) and after.interrupted and not restored(after).is_held
    assert answered(after, NOW + 9, ci="Closed") is after, "it has been entered"
    assert weights_in_force(after, NOW + 6).phase is Phase.SETTLING


def test_a_gate_that_another_step_had_open_is_asked_anew_and_one_open_gate_of_two_is_not_enough() -> None:
    first = replace(answered(started(SPEC), ci="Open"), phase=Phase.OBSERVING, step=1)
    plan = first.pinned_plan
    due = begin_next_step(plan, first)
    waits = through_gates(TIMES, first, due, NOW + 90)
    assert (waits.step, waits.phase) == (1, Phase.OBSERVING) and not waits.is_held
    assert waits.step_gates is not None and {each.state.value for each in waits.step_gates.asked.answers} == {"Waiting"}
    half = answered(waits, NOW + 95, ci="Open")
    assert through_gates(TIMES, half, begin_next_step(plan, half), NOW + 99) is half
    whole = answered(half, NOW + 105, load="Open")
    assert whole.step == 1, "the evidence of a look lets a step begin, no gate"
    after = through_gates(TIMES, whole, begin_next_step(plan, whole), NOW + 110)
    assert (after.step, after.phase, weights(after)) == (2, Phase.APPLYING, (50, 50))
    kinds = [each.kind.value for each in occurrences(POLICY, first, waits)]
    assert kinds == ["Gate", "Gate"]


def test_what_gates_said_of_a_step_does_not_hold_for_ever() -> None:
    first = replace(answered(started(SPEC), ci="Open"), phase=Phase.OBSERVING, step=1)
    waits = through_gates(TIMES, first, begin_next_step(first.pinned_plan, first), NOW + 90)
    whole = answered(waits, NOW + 100, ci="Open", load="Open")
    day = TIMES.approval.expires_seconds
    in_time = through_gates(TIMES, whole, begin_next_step(whole.pinned_plan, whole), NOW + 100 + day)
    assert in_time.step == 2
    late = NOW + 101 + day
    asked = through_gates(TIMES, whole, begin_next_step(whole.pinned_plan, whole), late)
    assert (asked.step, asked.phase) == (1, Phase.OBSERVING) and asked.step_gates is not None
    assert (asked.step_gates.asked.since, asked.step_gates.entered) == (late, False), "it is the same question"
    assert {each.state for each in asked.step_gates.asked.answers} == {GateState.WAITING}
    again = answered(restored(asked), late + 5, ci="Open", load="Open")
    assert through_gates(TIMES, again, begin_next_step(again.pinned_plan, again), late + 9).step == 2


def test_looks_that_are_further_apart_than_an_answer_holds_begin_their_step() -> None:
    seldom = replace(TIMES, look_seconds=3600, approval=Approval(expires_seconds=60))
    first = replace(answered(started(SPEC), ci="Open"), phase=Phase.OBSERVING, step=1)
    waits = through_gates(seldom, first, begin_next_step(first.pinned_plan, first), NOW + 90)
    whole = answered(waits, NOW + 100, ci="Open", load="Open")
    assert through_gates(seldom, whole, begin_next_step(whole.pinned_plan, whole), NOW + 3690).step == 2


def test_the_first_step_does_not_begin_by_what_was_answered_in_a_long_suspension() -> None:
    state = started(SPEC)
    late = NOW + 5 + TIMES.approval.expires_seconds + 1
    news = {"ci": GateAnswer("ci", GateState.OPEN, NOW + 5)}
    asked = after_step_gates(TIMES, state, news, late)
    assert asked.is_held and weights(asked) == (100, 0) and asked.step_gates is not None
    assert asked.step_gates.asked.since == late
    assert not answered(asked, late + 5, ci="Open").is_held


def test_a_trial_beside_an_incumbent_is_held_with_all_requests_on_that() -> None:
    spec = policy({"candidates": None, "search": SEARCH, "rollout": {"gates": [{**EACH, "weights": [25, 50]}]}})
    state = started(spec)
    plan = state.pinned_plan
    assert plan.trial is not None
    trial = replace(plan.trial, incumbent=Incumbent("w20", (("window", "20"),), 0.1), incumbent_weight=90)
    state = replace(state, plan=replace(plan, trial=trial, stages=plan.stages[:1]))
    held = held_at_first(LiveTimes.of(spec), state)
    assert held.is_held, "a step whose weight a trial has cut is entered without the gate of the larger one"
    assert (weights(held), incumbent_weight(held)) == ((0, 0), 100)
