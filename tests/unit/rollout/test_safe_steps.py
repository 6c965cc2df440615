"""A step is left as soon as harm at the next weight is refuted, and never before; a promotion holds still."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.counts import Look, UserScatter
from earlystop.api.policy import PolicySpec
from earlystop.evidence import engine
from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.version import CURRENT, FIRST, THIRD
from earlystop.rollout.advance import loss_to_refute
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.plan import parse_plan, plan_text
from earlystop.rollout.promotion import EvidenceTurned, HoursNotCovered, missing_for_promotion
from earlystop.rollout.state import Comparison, Phase, RolloutState, Totals
from earlystop.rollout.steps import LossNotRefuted, UsersUnknown, may_advance, missing_for_next_step, unrefuted_loss
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.transitions import suspend_or_resume
from earlystop.rollout.verdict import digest_of, verdict_spec
from earlystop.rollout.verify.steps import step_differences
from earlystop.rollout.verify.verdict import differences
from earlystop.rollout.words.event_notes import event_notes
from earlystop.rollout.words.step_messages import waiting_sentence
from tests.turns import Turns
from tests.unit.rollout.in_rows import in_rows
from tests.unit.rollout.messages import progressing
from tests.unit.rollout.policies import NOW, UID, examples, policy, started
from tests.unit.rollout.traffic import SAVING, Quality, Server, answers, decided, observe, snapshot

RISING = [{"weight": 5}, {"weight": 25}, {"weight": 50}]
SAFE = policy({"rollout": {"steps": RISING, "advance": "WhenSafe"}})
BY_TIME = policy({"rollout": {"steps": RISING, "advance": "ByTime"}})


def missing(state: RolloutState) -> tuple[Any, ...]:
    at = state.last_look_at
    assert at is not None
    return missing_for_promotion(state.pinned_plan, state, "w10", at)


def test_the_loss_that_is_refuted_costs_all_requests_just_the_margin_at_the_next_weight() -> None:
    plan = parse_plan(plan_text(SAFE))
    assert [loss_to_refute(plan, step) for step in range(3)] == [pytest.approx(4 * 0.05), pytest.approx(2 * 0.05), None]
    assert [loss_to_refute(parse_plan(plan_text(BY_TIME)), step) for step in range(3)] == [None] * 3


def test_plans_of_earlier_releases_go_on_by_time_under_a_policy_that_says_nothing() -> None:
    spec = policy({"rollout": {"advance": None}})
    old = parse_plan(plan_text(spec, engine=FIRST))
    assert spec.rollout.advance == "WhenSafe" and old.spec.rollout.advance == "ByTime"
    assert old.is_asked_for(spec, "")
    assert parse_plan(plan_text(spec)).spec.rollout.advance == "WhenSafe"


@pytest.mark.slow
@examples
@given(rates=st.lists(st.sampled_from([0.4, 0.6, 0.7, 0.78, 0.8, 0.9]), min_size=5, max_size=40))
def test_no_step_is_left_before_its_loss_is_refuted(rates: list[float]) -> None:
    server = Server()
    state = snapshot(SAFE, started(SAFE), server)
    for rate in rates:
        if state.decision is not None:
            break
        before, weight = state, state.pinned_plan.stage(state.step).weight
        state = observe(SAFE, state, server, Quality(exact_match=rate, requests=1500).at(weight))
        if state.step > before.step:
            (comparison,) = state.comparisons
            assert unrefuted_loss(state.pinned_plan, comparison, before.step) is None


def test_a_step_waits_for_a_loss_that_is_not_refuted_and_says_so() -> None:
    state = observe(SAFE, snapshot(SAFE, started(SAFE), Server()), Server(), Quality(0.68, requests=2400).at(5))
    assert state.step == 0
    (gap,) = (each for each in missing_for_next_step(SAFE_PLAN, state, NOW) if isinstance(each, LossNotRefuted))
    assert gap.weight == 25 and gap.log_e < gap.needed
    assert "The next step, 25 % of requests, waits for" in progressing(state)[1]
    assert "evidence against a loss of 20 points of EM (" in progressing(state)[1]
    assert re.search(r"1 in 5( is needed)?\)", progressing(state)[1])


SAFE_PLAN = parse_plan(plan_text(SAFE))


def by_users(spec: PolicySpec, users: UserScatter | None, looks: int = 5) -> RolloutState:
    """The first step of a plan whose users are in every look, after some looks of a candidate that loses nothing."""
    plan = parse_plan(plan_text(spec))
    plan = replace(plan, objective=replace(plan.objective, source=DispersionSource.USERS))
    rows = [Look(NOW + 15 * n, 0, 5, answers(1900), answers(100), users=users) for n in range(looks)]
    comparison = Comparison("w10", engine.replay(plan.objective_at(0, None), rows), looks=rows)
    state = replace(started(spec), plan=plan, comparisons=(comparison,), phase=Phase.OBSERVING)
    return replace(state, evidence_from=NOW - 3600, last_look_at=rows[-1].at)


def scattered(factor: int) -> UserScatter:
    return UserScatter(1000 * factor, 1000, 1000, 1000, 200, 200)


def test_a_step_is_left_by_evidence_that_is_divided_by_how_much_users_scatter() -> None:
    alone, alike = by_users(SAFE, scattered(1)), by_users(SAFE, scattered(40))
    assert may_advance(alone.pinned_plan, alone, NOW)
    assert not may_advance(alike.pinned_plan, alike, NOW)
    (gap,) = missing_for_next_step(alike.pinned_plan, alike, NOW)
    assert isinstance(gap, LossNotRefuted)
    stated = replace(alone.pinned_plan.objective, source=DispersionSource.GIVEN, dispersion=40.0)
    written = engine.replay(stated, [replace(look, users=None) for look in alone.comparisons[0].looks])
    assert gap.log_e == pytest.approx(written.log_e_against_loss(gap.loss))


@pytest.mark.parametrize("spec", [SAFE, BY_TIME], ids=["WhenSafe", "ByTime"])
@pytest.mark.parametrize("users", [None, UserScatter()], ids=["never counted", "not counted for all answers"])
def test_no_step_is_left_while_nobody_knows_how_much_users_scatter_and_the_policy_says_so(
    spec: PolicySpec, users: UserScatter | None
) -> None:
    state = by_users(spec, users)
    assert missing_for_next_step(state.pinned_plan, state, NOW) == (UsersUnknown("w10"),)
    assert not may_advance(state.pinned_plan, state, NOW)
    assert "waits for counts by users, since it is not known how much" in waiting_sentence(state.pinned_plan, state)


def test_a_record_whose_step_was_left_while_nobody_knew_how_much_users_scatter_is_found_out() -> None:
    state = by_users(SAFE, UserScatter())
    (comparison,) = state.comparisons
    assert step_differences(state.pinned_plan, comparison) == []
    last = replace(comparison.looks[-1], at=NOW + 600, step=1, weight=25)
    (found,) = step_differences(state.pinned_plan, replace(comparison, looks=[*comparison.looks, last]))
    assert found == "w10 got a larger weight while its looks did not know how users scatter."


def test_the_event_of_a_step_says_which_loss_is_refuted() -> None:
    server = Server()
    before = observe(SAFE, snapshot(SAFE, started(SAFE), server), server)
    after = observe(SAFE, before, server, Quality(0.8, requests=6000).at(5))
    assert after.step == 1
    (note,) = (each for each in event_notes(before, after) if each.reason == "StepAdvanced")
    assert "The step was left since a loss of 20 points of EM or more is refuted (1 in " in note.message


def test_a_record_whose_step_was_left_too_soon_is_found_out() -> None:
    state = decided(SAFE, started(SAFE), Server(), Quality(0.85, 300, 400))
    record = in_rows(verdict_spec("qa", UID, state))
    assert differences(record) == []
    rows = json.loads(json.dumps(record["looks"]))
    place = record["columns"].index("step")
    forged = [*rows]
    for row in forged[1:]:
        row[place] = 2
    changed = {**record, "looks": forged}
    changed["digest"] = digest_of(changed)
    assert any("before its looks refuted a loss of 10 points" in each for each in differences(changed))


def hours(count: int) -> Any:
    return policy({"rollout": {"steps": [{"weight": 50}], "minimumHours": count, "deadlineSeconds": 90_000}})


@pytest.mark.slow
def test_a_promotion_waits_until_its_looks_span_the_least_hours_and_says_until_when() -> None:
    spec, server = hours(1), Server()
    state = observe(spec, snapshot(spec, started(spec), server), server, *[SAVING.at(50)] * 40)
    (comparison,) = state.comparisons
    assert state.phase is Phase.OBSERVING
    assert missing(state) == (HoursNotCovered(1, comparison.looks[0].at + 3600),)
    reason, message = progressing(state)
    assert reason == "HoursNotCovered" and "1 h of traffic (minimumHours), which are over at 20" in message
    state = decided(spec, state, server, SAVING)
    assert state.phase is Phase.PROMOTING
    assert state.looks[-1].at - state.looks[0].at >= 3600
    assert differences(verdict_spec("qa", UID, state)) == []


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "covers"), [(THIRD, 5), (CURRENT, 1.25)])
def test_hours_in_which_a_rollout_was_suspended_cover_a_quarter_of_the_least_hours_at_most(
    engine: int, covers: float
) -> None:
    spec, server = hours(5), Server()
    plan = parse_plan(plan_text(spec, engine=engine))
    state = from_status(to_status("qa", UID, LiveTimes.of(spec), replace(started(spec), plan=plan), ""))[0]
    state = observe(spec, snapshot(spec, state, server), server, *[SAVING.at(50)] * 20)
    paused_at, first = state.looks[-1].at, state.looks[0].at
    paused = suspend_or_resume(LiveTimes.of(policy({"suspend": True})), state, paused_at + 10)
    state = suspend_or_resume(LiveTimes.of(spec), paused, paused_at + 5 * 3600)
    state = observe(spec, state, server, SAVING.at(50), SAVING.at(50))
    if covers == 5:
        assert state.phase is Phase.PROMOTING
        assert differences(verdict_spec("qa", UID, state)) == []
        return
    ((gap, needed),) = [(after.at - before.at, missing(state)) for before, after in pairwise(state.looks[-3:-1])]
    assert needed == (HoursNotCovered(5, first + 5 * 3600 + gap - round(covers * 3600)),)


def test_nothing_is_promoted_on_a_claim_that_the_evidence_now_speaks_against() -> None:
    spec, server = hours(20), Server()
    state = observe(spec, snapshot(spec, started(spec), server), server, *[SAVING.at(50)] * 12)
    assert state.phase is Phase.OBSERVING and state.comparisons[0].assessment.non_inferior
    worse = Totals(answers(100), answers(100, 0.55, 300))
    turns = Turns()
    while state.comparisons[0].assessment.log_e.promote > 0 and state.phase is Phase.OBSERVING and turns.another():
        state = observe(spec, state, server, worse)
    if state.phase is not Phase.OBSERVING:
        pytest.fail("the candidate was shown to be harmful before its evidence turned")
    assert any(isinstance(each, EvidenceTurned) for each in missing(state))
    assert progressing(state)[0] == "EvidenceTurned"
