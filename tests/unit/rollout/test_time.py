"""Time in a rollout: deadlines, outages, pauses, and the grid of looks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look, record_is_full
from earlystop.rollout.look_spacing import LOOKS_PER_SPACING, spacing
from earlystop.rollout.state import ACTING, WATCHING, Phase, Verdict
from earlystop.rollout.transitions import carried_out, expire, lose_metrics, suspend_or_resume, weights_in_force
from tests.unit.rollout.exposed import candidate_weight
from tests.unit.rollout.policies import NOW, PATIENT, policy, started
from tests.unit.rollout.traffic import (
    SAVING,
    Server,
    decided,
    look,
    observe,
    snapshot,
    split,
)


@pytest.mark.parametrize(
    ("choice", "phase", "weight"), [("RollBack", Phase.ROLLING_BACK, 0), ("Hold", Phase.HOLDING, 5)]
)
def test_at_the_deadline_an_open_question_ends_as_the_policy_says(choice: str, phase: Phase, weight: int) -> None:
    spec = policy({"rollout": {"onInconclusive": choice}})
    state = observe(spec, snapshot(spec, started(spec), Server()), Server(), split(5, 100))
    assert expire(LiveTimes.of(spec), state, NOW + 3599) is state
    ended = expire(LiveTimes.of(spec), state, NOW + 3600)
    assert ended.phase == phase and candidate_weight(ended) == weight and ended.decision is not None
    assert (ended.decision.verdict, ended.decision.reason) == (Verdict.INCONCLUSIVE, "DeadlineExceeded")
    assert carried_out(ended).phase in (Phase.ROLLED_BACK, Phase.HELD)


def test_without_metrics_it_holds_and_then_rolls_back() -> None:
    state = lose_metrics(observe(policy(), snapshot(policy(), started(policy()), Server()), Server()), NOW + 50)
    assert state.metrics_lost_at == NOW + 50
    assert expire(LiveTimes.of(policy()), state, NOW + 349) is state
    ended = expire(LiveTimes.of(policy()), state, NOW + 350)
    assert ended.phase == Phase.ROLLING_BACK and ended.decision is not None and ended.decision.reason == "NoMetrics"


def test_without_metrics_it_holds_for_ever_when_the_policy_says_so() -> None:
    spec = policy({"rollout": {"onNoMetrics": {"then": "Hold"}}})
    state = lose_metrics(snapshot(spec, started(spec), Server()), NOW + 50)
    assert expire(LiveTimes.of(spec), state, NOW + 3599) is state


def test_an_outage_never_reverts_a_setting_that_was_certified() -> None:
    promoted = carried_out(decided(policy(), started(policy()), Server(), SAVING))
    assert expire(LiveTimes.of(policy()), lose_metrics(promoted, NOW), NOW + 10**9) is promoted


def test_an_outage_counts_from_its_first_failure_and_ends_with_the_first_answer() -> None:
    server = Server()
    state = snapshot(policy(), started(policy()), server)
    lost = lose_metrics(state, NOW + 60)
    assert lose_metrics(lost, NOW + 90) is lost
    assert look(policy(), lost, server).metrics_lost_at is None


def test_a_moment_that_is_passed_over_leaves_its_counts_to_the_next() -> None:
    server = Server()
    state = snapshot(PATIENT, started(PATIENT), server)
    server.serve(state, split(50, 20))
    at = next_look(LiveTimes.of(PATIENT), state)
    passed = lose_metrics(state, NOW + 60, at)
    assert passed.last_look_at == at and passed.looks == ()
    assert observe(PATIENT, passed, server, split(50, 10)).looks[0].baseline.started == 15


def test_a_snapshot_that_is_passed_over_is_taken_at_the_next_moment() -> None:
    state = weights_in_force(started(policy()), NOW + 5)
    passed = lose_metrics(state, NOW + 60, next_look(LiveTimes.of(policy()), state))
    assert passed.phase == Phase.SETTLING
    assert look(policy(), passed, Server()).evidence_from == NOW + 5 + 30 + 15


def test_a_pause_is_not_counted_towards_the_deadline() -> None:
    paused = suspend_or_resume(LiveTimes.of(policy({"suspend": True})), started(policy()), NOW + 100)
    assert paused.phase == Phase.SUSPENDED and candidate_weight(paused) == 5
    assert expire(LiveTimes.of(policy()), paused, NOW + 10**6) is paused
    resumed = suspend_or_resume(LiveTimes.of(policy()), paused, NOW + 100 + 5000)
    assert resumed.campaign_started_at == NOW + 5000
    assert expire(LiveTimes.of(policy()), resumed, NOW + 5000 + 3599) is resumed


def test_a_pause_keeps_the_evidence_and_lets_nothing_of_the_pause_count() -> None:
    server = Server()
    state = observe(PATIENT, snapshot(PATIENT, started(PATIENT), server), server, split(50, 100))
    paused = suspend_or_resume(LiveTimes.of(policy({"suspend": True})), state, NOW + 100)
    server.serve(paused, split(50, 100))
    resumed = suspend_or_resume(LiveTimes.of(PATIENT), paused, NOW + 200)
    again = observe(PATIENT, snapshot(PATIENT, resumed, server), server, split(50, 10))
    assert [seen.baseline.started for seen in again.looks] == [50, 5]


def test_looks_are_anchored_at_the_moment_when_weights_were_in_force() -> None:
    state = weights_in_force(started(policy()), NOW + 7)
    moments = []
    for _ in range(3):
        moments.append(next_look(LiveTimes.of(policy()), state))
        state = look(policy(), state, Server())
    assert moments == [NOW + 37, NOW + 52, NOW + 67]


def test_the_spacing_doubles_after_every_64_looks_that_were_evidence() -> None:
    assert [spacing(15, count) for count in (0, 63, 64, 127, 128, 640)] == [15, 15, 30, 30, 60, 15 * 1024]
    assert LOOKS_PER_SPACING == 64
    server = Server()
    state = observe(PATIENT, snapshot(PATIENT, started(PATIENT), server), server, *[split(50, 2)] * 66)
    gaps = [later.at - earlier.at for earlier, later in zip(state.looks, state.looks[1:], strict=False)]
    assert gaps == [15] * 63 + [30, 30]


def test_thirty_days_of_looks_are_725() -> None:
    seconds = looks = 0
    while seconds < 30 * 86_400:
        seconds, looks = seconds + spacing(15, looks), looks + 1
    assert looks == 725


def test_nothing_is_looked_at_unless_it_is_watched() -> None:
    assert {
        phase
        for phase in Phase
        if next_look(LiveTimes.of(policy()), replace(started(policy()), phase=phase, step_started_at=NOW))
    } == WATCHING
    assert not WATCHING & ACTING


@pytest.mark.slow
def test_a_rollout_ends_before_its_record_outgrows_the_status() -> None:
    server = Server()
    state = observe(PATIENT, snapshot(PATIENT, started(PATIENT), server), server, split(50, 2))
    few = tuple(state.looks) * 500
    assert not record_is_full([few])
    assert record_is_full([few * 9])
    full = replace(state, comparisons=(replace(state.comparisons[0], looks=tuple(state.looks) * 4095),))
    ended = observe(PATIENT, full, server, split(50, 2))
    assert ended.phase == Phase.ROLLING_BACK and ended.decision is not None
    assert (ended.decision.verdict, ended.decision.reason) == (Verdict.INCONCLUSIVE, "RecordFull")
