"""Decisions of a rollout: harm, benefit, and the next step."""

from __future__ import annotations

import pytest

from earlystop.evidence.engine import assess
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_taken import take_look
from earlystop.rollout.state import Phase, Totals, Verdict
from earlystop.rollout.transitions import carried_out, expire, suspend_or_resume
from tests.unit.rollout.exposed import candidate_weight
from tests.unit.rollout.policies import NOW, PATIENT, policy, started
from tests.unit.rollout.traffic import (
    HARMFUL,
    SAME,
    SAVING,
    Quality,
    Server,
    answers,
    decided,
    observe,
    snapshot,
)


def test_harm_acts_at_once_whatever_the_least_time_of_the_step() -> None:
    state = observe(PATIENT, snapshot(PATIENT, started(PATIENT), Server()), Server(), HARMFUL.at(50))
    assert state.phase == Phase.ROLLING_BACK and state.decision is not None
    assert (state.decision.verdict, state.decision.reason) == (Verdict.ROLL_BACK, "HarmShown")
    assert candidate_weight(state) == 0


@pytest.mark.slow
def test_a_promotion_waits_for_the_least_time_of_its_step() -> None:
    server = Server()
    state = snapshot(PATIENT, started(PATIENT), server)
    state = observe(PATIENT, state, server, *[SAVING.at(50)] * 100)
    assert state.phase == Phase.OBSERVING
    assert state.evidence_from is not None
    server.serve(state, SAVING.at(50))
    early = take_look(LiveTimes.of(PATIENT), state, state.evidence_from + 599_999, server.totals(state))
    on_time = take_look(LiveTimes.of(PATIENT), state, state.evidence_from + 600_000, server.totals(state))
    assert (early.phase, on_time.phase) == (Phase.OBSERVING, Phase.PROMOTING)


def test_a_promoted_candidate_gets_all_requests_and_a_harmful_one_none() -> None:
    promoting = decided(policy(), started(policy()), Server(), SAVING)
    refused = decided(policy(), started(policy()), Server(), HARMFUL)
    assert [candidate_weight(state) for state in (promoting, carried_out(promoting))] == [100, 100]
    assert [candidate_weight(state) for state in (refused, carried_out(refused))] == [0, 0]
    assert carried_out(promoting).phase == Phase.PROMOTED and carried_out(refused).phase == Phase.ROLLED_BACK


def test_a_decision_is_never_taken_twice() -> None:
    for quality in (SAVING, HARMFUL):
        server = Server()
        state = decided(policy(), started(policy()), server, quality)
        for later in (state, carried_out(state), carried_out(carried_out(state))):
            assert later.decision == state.decision
            assert expire(LiveTimes.of(policy()), later, NOW + 10**9) is later
            assert take_look(LiveTimes.of(policy()), later, NOW + 10**9, HARMFUL.at(50)) is later
            assert suspend_or_resume(LiveTimes.of(policy({"suspend": True})), later, NOW) is later


def test_no_step_is_raised_with_fewer_than_a_hundred_scored_answers_a_variant() -> None:
    spec = policy({"rollout": {"steps": [{"weight": 50}, {"weight": 60}]}})
    server = Server()
    state = observe(spec, snapshot(spec, started(spec), server), server, Totals(answers(110), answers(99)))
    assert state.step == 0
    assert observe(spec, state, server, Totals(answers(1), answers(1))).step == 1


def test_no_step_is_raised_before_its_least_time() -> None:
    spec = policy({"rollout": {"steps": [{"weight": 50, "minimumSeconds": 31}, {"weight": 60}]}})
    server = Server()
    state = observe(spec, snapshot(spec, started(spec), server), server, *[SAME.at(50)] * 2)
    assert state.step == 0 and state.phase == Phase.OBSERVING
    state = observe(spec, state, server, SAME.at(50))
    assert (state.step, state.phase, state.evidence_from) == (1, Phase.APPLYING, None)


def test_no_step_is_raised_while_there_is_a_sign_of_harm() -> None:
    spec = policy({"rollout": {"steps": [{"weight": 50}, {"weight": 60}]}})
    worse = Quality(exact_match=0.67, requests=400)
    state = observe(spec, snapshot(spec, started(spec), Server()), Server(), worse.at(50))
    assert state.evidence is not None and 1 <= assess(state.evidence).log_e.harm < 3
    assert (state.step, state.phase) == (0, Phase.OBSERVING)


def test_nothing_is_raised_or_promoted_while_requests_are_not_split_as_weighted() -> None:
    server = Server()
    state = snapshot(policy(), started(policy()), server)
    for _ in range(40):
        state = observe(policy(), state, server, Totals(answers(900), answers(900, mean_tokens=300)))
    assert (state.step, state.phase) == (0, Phase.OBSERVING)
