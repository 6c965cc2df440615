"""The rules of a rollout, one by one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.api.counts import Tally
from earlystop.evidence.engine import assess
from earlystop.rollout.grid import LOOKS_PER_SPACING, next_look, record_is_full, spacing
from earlystop.rollout.kernel import (
    candidate_weight,
    carried_out,
    expire,
    lose_sight,
    start_campaign,
    suspend_or_resume,
    take_look,
    weights_in_force,
    weights_lost,
)
from earlystop.rollout.state import ACTING, WATCHING, Certified, Phase, RolloutState, Totals, Verdict
from tests.unit.rollout.policies import NOW, UID, policy, started
from tests.unit.rollout.traffic import (
    HARMFUL,
    SAME,
    SAVING,
    Quality,
    Server,
    answers,
    decided,
    look,
    observe,
    snapshot,
    split,
)

PATIENT = policy({"rollout": {"steps": [{"weight": 50, "minimumSeconds": 600_000}], "deadlineSeconds": 2_000_000}})
ONE_STEP = policy({"rollout": {"steps": [{"weight": 50, "minimumSeconds": 0}]}})


def begun_again(state: RolloutState, retry: str = "again") -> RolloutState:
    return start_campaign(policy(), UID, retry, "sha256:0", state, NOW + 9999)


# Campaigns


def test_a_new_campaign_drops_everything_seen_and_keeps_what_was_certified() -> None:
    server = Server()
    promoted = carried_out(decided(policy(), started(policy()), server, SAVING))
    again = begun_again(promoted)
    assert again == replace(
        started(policy(), NOW + 9999),
        campaign=2,
        revision=again.revision,
        plan=again.plan,
        previous_digest="sha256:0",
        certified=promoted.certified,
    )
    assert again.revision != promoted.revision
    assert promoted.certified == Certified({"window": "10", "patience": "2.5"}, promoted.looks[-1].at)


def test_a_decision_under_way_is_finished_before_a_new_campaign_begins() -> None:
    promoting = decided(policy(), started(policy()), Server(), SAVING)
    assert begun_again(promoting) is promoting
    assert begun_again(carried_out(promoting)).campaign == 2


def test_no_campaign_begins_while_the_policy_is_suspended_so_no_weight_moves() -> None:
    suspended = policy({"suspend": True})
    assert candidate_weight(start_campaign(suspended, UID, "", "", RolloutState(), NOW)) is None
    held = suspend_or_resume(suspended, started(policy()), NOW)
    edited = policy({"suspend": True, "rollout": {"steps": [{"weight": 90}]}})
    assert start_campaign(edited, UID, "", "", held, NOW) is held


@pytest.mark.parametrize("respelled", ["40.0", "40.00", "40.000000"])
def test_another_spelling_of_the_same_number_starts_no_campaign(respelled: str) -> None:
    state = started(policy())
    same = policy(
        {"baseline": {"values": [{"name": "window", "value": respelled}, {"name": "patience", "value": "2.50"}]}}
    )
    assert start_campaign(same, UID, "", "", state, NOW) is state


# Evidence


def test_what_was_counted_before_the_snapshot_is_no_evidence() -> None:
    server = Server()
    state = started(ONE_STEP)
    server.serve(state, SAVING.at(50))
    state = snapshot(ONE_STEP, state, server)
    after = observe(ONE_STEP, state, server, split(50, 10))
    assert [(seen.baseline.started, seen.candidate.started) for seen in after.looks] == [(5, 5)]


def test_answers_of_a_look_with_an_empty_arm_are_carried_over_and_nothing_is_lost() -> None:
    server = Server()
    state = snapshot(PATIENT, started(PATIENT), server)
    lonely = Totals(answers(3), Tally())
    state = observe(PATIENT, state, server, lonely, lonely)
    assert state.looks == () and state.last_look_at == NOW + 5 + 30 + 2 * 15
    state = observe(PATIENT, state, server, Totals(Tally(), answers(2)))
    assert [(seen.baseline, seen.candidate) for seen in state.looks] == [(answers(3) + answers(3), answers(2))]


def test_requests_of_a_missing_arm_are_shown_at_once_while_their_answers_wait() -> None:
    server = Server()
    state = snapshot(PATIENT, started(PATIENT), server)
    state = observe(PATIENT, state, server, Totals(answers(900), Tally()), Totals(Tally(), answers(4)))
    first, second = state.looks
    assert (first.baseline.started, first.baseline.scored, first.candidate) == (900, 0, Tally())
    assert (second.baseline.started, second.baseline.scored, second.candidate.scored) == (0, 900, 4)


def test_nothing_is_seen_unless_the_weights_are_in_force() -> None:
    for phase in set(Phase) - WATCHING:
        state = replace(started(policy()), phase=phase)
        assert take_look(policy(), state, NOW, SAVING.at(5)) is state
        assert lose_sight(state, NOW) is state
        assert weights_lost(state) is state


def test_a_foreign_hand_on_the_weights_makes_the_step_start_afresh() -> None:
    server = Server()
    state = observe(PATIENT, snapshot(PATIENT, started(PATIENT), server), server, SAME.at(50))
    server.serve(state, SAME.at(50))
    lost = weights_lost(state)
    assert (lost.phase, lost.evidence_from, lost.last_look_at, lost.mark) == (Phase.APPLYING, None, None, Totals())
    assert (lost.looks, lost.evidence, lost.step) == (state.looks, state.evidence, state.step)
    assert snapshot(PATIENT, lost, server).looks == state.looks


# Decisions


def test_harm_acts_at_once_whatever_the_least_time_of_the_step() -> None:
    state = observe(PATIENT, snapshot(PATIENT, started(PATIENT), Server()), Server(), HARMFUL.at(50))
    assert state.phase == Phase.ROLLING_BACK and state.decision is not None
    assert (state.decision.verdict, state.decision.reason) == (Verdict.ROLL_BACK, "HarmShown")
    assert candidate_weight(state) == 0


def test_a_promotion_waits_for_the_least_time_of_its_step() -> None:
    server = Server()
    state = snapshot(PATIENT, started(PATIENT), server)
    state = observe(PATIENT, state, server, *[SAVING.at(50)] * 100)
    assert state.phase == Phase.OBSERVING
    assert state.evidence_from is not None
    server.serve(state, SAVING.at(50))
    early = take_look(PATIENT, state, state.evidence_from + 599_999, server.totals(state))
    on_time = take_look(PATIENT, state, state.evidence_from + 600_000, server.totals(state))
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
            assert expire(policy(), later, NOW + 10**9) is later
            assert take_look(policy(), later, NOW + 10**9, HARMFUL.at(50)) is later
            assert suspend_or_resume(policy({"suspend": True}), later, NOW) is later


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


# Time


@pytest.mark.parametrize(
    ("choice", "phase", "weight"), [("RollBack", Phase.ROLLING_BACK, 0), ("Hold", Phase.HOLDING, 5)]
)
def test_at_the_deadline_an_open_question_ends_as_the_policy_says(choice: str, phase: Phase, weight: int) -> None:
    spec = policy({"rollout": {"onInconclusive": choice}})
    state = observe(spec, snapshot(spec, started(spec), Server()), Server(), split(5, 100))
    assert expire(spec, state, NOW + 3599) is state
    ended = expire(spec, state, NOW + 3600)
    assert ended.phase == phase and candidate_weight(ended) == weight and ended.decision is not None
    assert (ended.decision.verdict, ended.decision.reason) == (Verdict.INCONCLUSIVE, "DeadlineExceeded")
    assert carried_out(ended).phase in (Phase.ROLLED_BACK, Phase.HELD)


def test_without_metrics_it_holds_and_then_rolls_back() -> None:
    state = lose_sight(observe(policy(), snapshot(policy(), started(policy()), Server()), Server()), NOW + 50)
    assert state.metrics_lost_at == NOW + 50
    assert expire(policy(), state, NOW + 349) is state
    ended = expire(policy(), state, NOW + 350)
    assert ended.phase == Phase.ROLLING_BACK and ended.decision is not None and ended.decision.reason == "NoMetrics"


def test_without_metrics_it_holds_for_ever_when_the_policy_says_so() -> None:
    spec = policy({"rollout": {"onNoMetrics": {"then": "Hold"}}})
    state = lose_sight(snapshot(spec, started(spec), Server()), NOW + 50)
    assert expire(spec, state, NOW + 3599) is state


def test_an_outage_never_reverts_a_setting_that_was_certified() -> None:
    promoted = carried_out(decided(policy(), started(policy()), Server(), SAVING))
    assert expire(policy(), lose_sight(promoted, NOW), NOW + 10**9) is promoted


def test_an_outage_counts_from_its_first_failure_and_ends_with_the_first_answer() -> None:
    server = Server()
    state = snapshot(policy(), started(policy()), server)
    lost = lose_sight(state, NOW + 60)
    assert lose_sight(lost, NOW + 90) is lost
    assert look(policy(), lost, server).metrics_lost_at is None


def test_a_moment_that_is_passed_over_leaves_its_counts_to_the_next() -> None:
    server = Server()
    state = snapshot(PATIENT, started(PATIENT), server)
    server.serve(state, split(50, 20))
    at = next_look(PATIENT, state)
    passed = lose_sight(state, NOW + 60, at)
    assert passed.last_look_at == at and passed.looks == ()
    assert observe(PATIENT, passed, server, split(50, 10)).looks[0].baseline.started == 15


def test_a_snapshot_that_is_passed_over_is_taken_at_the_next_moment() -> None:
    state = weights_in_force(started(policy()), NOW + 5)
    passed = lose_sight(state, NOW + 60, next_look(policy(), state))
    assert passed.phase == Phase.SETTLING
    assert look(policy(), passed, Server()).evidence_from == NOW + 5 + 30 + 15


def test_a_pause_is_not_counted_towards_the_deadline() -> None:
    paused = suspend_or_resume(policy({"suspend": True}), started(policy()), NOW + 100)
    assert paused.phase == Phase.SUSPENDED and candidate_weight(paused) == 5
    assert expire(policy(), paused, NOW + 10**6) is paused
    resumed = suspend_or_resume(policy(), paused, NOW + 100 + 5000)
    assert resumed.campaign_started_at == NOW + 5000
    assert expire(policy(), resumed, NOW + 5000 + 3599) is resumed


def test_a_pause_keeps_the_evidence_and_lets_nothing_of_the_pause_count() -> None:
    server = Server()
    state = observe(PATIENT, snapshot(PATIENT, started(PATIENT), server), server, split(50, 100))
    paused = suspend_or_resume(policy({"suspend": True}), state, NOW + 100)
    server.serve(paused, split(50, 100))
    resumed = suspend_or_resume(PATIENT, paused, NOW + 200)
    again = observe(PATIENT, snapshot(PATIENT, resumed, server), server, split(50, 10))
    assert [seen.baseline.started for seen in again.looks] == [50, 5]


# The grid of looks


def test_looks_are_anchored_at_the_moment_when_weights_were_in_force() -> None:
    state = weights_in_force(started(policy()), NOW + 7)
    moments = []
    for _ in range(3):
        moments.append(next_look(policy(), state))
        state = look(policy(), state, Server())
    assert moments == [NOW + 37, NOW + 52, NOW + 67]


def test_the_spacing_doubles_after_every_128_looks_that_were_evidence() -> None:
    assert [spacing(15, count) for count in (0, 127, 128, 255, 256, 1280)] == [15, 15, 30, 30, 60, 15 * 1024]
    assert LOOKS_PER_SPACING == 128
    server = Server()
    state = observe(PATIENT, snapshot(PATIENT, started(PATIENT), server), server, *[split(50, 2)] * 130)
    gaps = [later.at - earlier.at for earlier, later in zip(state.looks, state.looks[1:], strict=False)]
    assert gaps == [15] * 127 + [30, 30]


def test_thirty_days_of_looks_stay_below_1400() -> None:
    seconds = looks = 0
    while seconds < 30 * 86_400:
        seconds, looks = seconds + spacing(15, looks), looks + 1
    assert looks < 1400


def test_nothing_is_looked_at_unless_it_is_watched() -> None:
    assert {
        phase for phase in Phase if next_look(policy(), replace(started(policy()), phase=phase, step_started_at=NOW))
    } == WATCHING
    assert not WATCHING & ACTING


def test_a_rollout_ends_before_its_record_outgrows_the_status() -> None:
    server = Server()
    state = observe(PATIENT, snapshot(PATIENT, started(PATIENT), server), server, split(50, 2))
    few = state.looks * 500
    assert not record_is_full(few)
    assert record_is_full(few * 9)
    full = replace(state, looks=state.looks * 4095)
    ended = observe(PATIENT, full, server, split(50, 2))
    assert ended.phase == Phase.ROLLING_BACK and ended.decision is not None
    assert (ended.decision.verdict, ended.decision.reason) == (Verdict.INCONCLUSIVE, "RecordFull")
