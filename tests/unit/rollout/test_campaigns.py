"""Campaigns: what starts one, and what is evidence in it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.api.counts import Tally
from earlystop.api.policy import PolicySpec
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_taken import take_look
from earlystop.rollout.state import WATCHING, Certified, Phase, RolloutState, Totals
from earlystop.rollout.transitions import carried_out, lose_metrics, suspend_or_resume, weights_lost
from tests.unit.rollout.exposed import candidate_weight
from tests.unit.rollout.policies import NOW, PATIENT, UID, policy, started
from tests.unit.rollout.traffic import (
    SAME,
    SAVING,
    Server,
    answers,
    decided,
    observe,
    snapshot,
    split,
)

ONE_STEP = policy({"rollout": {"steps": [{"weight": 50, "minimumSeconds": 0}]}})


def begun_again(state: RolloutState, retry: str = "again") -> RolloutState:
    return start_campaign(
        policy(), retry, state, NOW + 9999, CampaignInputs(uid=UID, entropy="", previous_digest="sha256:0")
    )


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
    assert (
        candidate_weight(start_campaign(suspended, "", RolloutState(), NOW, CampaignInputs(uid=UID, entropy="")))
        is None
    )
    held = suspend_or_resume(LiveTimes.of(suspended), started(policy()), NOW)
    edited = policy({"suspend": True, "rollout": {"steps": [{"weight": 90}]}})
    assert start_campaign(edited, "", held, NOW, CampaignInputs(uid=UID, entropy="")) is held


def without_token(state: RolloutState, spec: PolicySpec | None = None) -> RolloutState:
    """What follows when nobody knows the token of the campaign under way any more."""
    more = {"entropy": "new", "commitment": "k5q2" * 5, "token_lost": True}
    return start_campaign(spec or policy(), "", state, NOW + 9999, CampaignInputs(uid=UID, **more))  # type: ignore[arg-type]


def test_a_campaign_whose_token_is_lost_begins_anew_and_what_was_decided_stays() -> None:
    running = started(policy())
    again = without_token(running)
    assert (again.campaign, again.phase) == (2, Phase.APPLYING) and again.revision.endswith("-" + "k5q2" * 5)
    promoting = decided(policy(), running, Server(), SAVING)
    for kept in (promoting, carried_out(promoting)):
        assert without_token(kept) is kept
    suspended = policy({"suspend": True})
    paused = suspend_or_resume(LiveTimes.of(suspended), running, NOW)
    assert without_token(paused, suspended) is paused and without_token(paused).campaign == 2


@pytest.mark.parametrize("respelled", ["40.0", "40.00", "40.000000"])
def test_another_spelling_of_the_same_number_starts_no_campaign(respelled: str) -> None:
    state = started(policy())
    same = policy(
        {"baseline": {"values": [{"name": "window", "value": respelled}, {"name": "patience", "value": "2.50"}]}}
    )
    assert start_campaign(same, "", state, NOW, CampaignInputs(uid=UID, entropy="")) is state


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
        assert take_look(LiveTimes.of(policy()), state, NOW, SAVING.at(5)) is state
        assert lose_metrics(state, NOW) is state
        assert weights_lost(state) is state


def test_a_foreign_hand_on_the_weights_makes_the_step_start_afresh() -> None:
    server = Server()
    state = observe(PATIENT, snapshot(PATIENT, started(PATIENT), server), server, SAME.at(50))
    server.serve(state, SAME.at(50))
    lost = weights_lost(state)
    assert (lost.phase, lost.evidence_from, lost.last_look_at, lost.comparisons[0].mark) == (
        Phase.APPLYING,
        None,
        None,
        Totals(),
    )
    assert (lost.looks, lost.evidence, lost.step) == (state.looks, state.evidence, state.step)
    assert snapshot(PATIENT, lost, server).looks == state.looks
