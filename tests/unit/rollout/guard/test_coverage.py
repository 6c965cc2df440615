"""A guard is never silent about a setting that answers nothing: that is taken off, or the guard says it is blind."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from earlystop.api.conditions import ConditionStatus
from earlystop.api.counts import Tally
from earlystop.rollout.guard.follow import follow_guard
from earlystop.rollout.guard.room import sees_room
from earlystop.rollout.guard.state import Alarm
from earlystop.rollout.guard.words import guarded
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.state import Phase, RolloutState
from earlystop.rollout.step_moves import weights_in_force, weights_lost
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.totals import Totals
from earlystop.rollout.verdict import verdict_name, verdict_spec
from earlystop.rollout.verify.verdict import object_differences
from earlystop.rollout.words.event_notes import event_notes
from tests.turns import Turns
from tests.unit.rollout.guarding import (
    SPEC,
    begun,
    guard_of,
    guarded_policy,
    in_force,
    look,
    promoted,
    watched,
    watching,
)
from tests.unit.rollout.policies import NOW, UID
from tests.unit.rollout.traffic import SAVING, Server, answers

TIMES = LiveTimes.of(SPEC)
BASELINE = answers(200)
UNSCORED = Tally(1800, 1800, 0, 0, 0, 1800, 540_000, 202_500_000)


def part_answered(part: float) -> Tally:
    """1,800 requests, of which this part is answered well and the others fail."""
    good = answers(round(1800 * part), mean_tokens=300)
    return replace(good, started=1800, failed=1800 - good.completed)


SILENT = {
    "all fail": Tally(started=1800, failed=1800),
    "all hang": Tally(started=1800),
    "nobody tries to score": replace(UNSCORED, unscored=0),
    "nine of ten fail": part_answered(0.1),
    "three of ten fail": part_answered(0.7),
}


@pytest.fixture(scope="module")
def healthy() -> tuple[RolloutState, dict[tuple[str, int], Totals]]:
    """A guard that has watched over a good setting, and the counters then."""
    server = Server()
    state = watched(SPEC, watching(server=server), server, SAVING, 30)
    return state, dict(server.counters)


Healthy = tuple[RolloutState, dict[tuple[str, int], Totals]]


def after(healthy: Healthy, counts: Callable[[int], Totals], looks: int) -> RolloutState:
    """The guard after so many more looks, fewer where it alarms; what comes before each."""
    state, server = healthy[0], Server()
    server.counters.update(healthy[1])
    for number in range(looks):
        if not state.is_guarded:
            break
        server.serve(state, counts(number))
        state = look(SPEC, state, server)
    return state


def restored(state: RolloutState) -> RolloutState:
    return from_status(json.loads(json.dumps(to_status("qa", UID, TIMES, state, ""))))[0]


@pytest.mark.parametrize("why", SILENT)
def test_a_setting_that_answers_little_is_taken_off_within_minutes_and_the_verdict_shows_it(
    healthy: Healthy, why: str
) -> None:
    state = after(healthy, lambda _: Totals(BASELINE, SILENT[why]), 40)
    alarm = guard_of(state).alarm
    assert isinstance(alarm, Alarm) and not state.is_guarded, "harm of everybody was not seen"
    assert "unanswered" in [str(each) for each in alarm.claims] and alarm.at - guard_of(healthy[0]).looked_at <= 600
    assert restored(state) == state
    spec = json.loads(json.dumps(verdict_spec("qa", UID, state)))
    assert object_differences({"metadata": {"name": verdict_name("qa", state)}, "spec": spec}) == []


def test_answers_that_cannot_be_scored_are_wrong_ones_for_a_guard_too_where_the_policy_says_so(
    healthy: Healthy,
) -> None:
    state = after(healthy, lambda _: Totals(BASELINE, UNSCORED), 20)
    assert state.decision is not None and "exact_match" in state.decision.message
    assert state.decision.reason == "GuardAlarm"


def test_what_takes_the_baseline_down_as_well_reverts_nothing_and_is_told(healthy: Healthy) -> None:
    both = Totals(Tally(started=200, failed=200), Tally(started=1800, failed=1800))
    state = after(healthy, lambda _: both, 60)
    assert state.is_guarded and guard_of(state).is_blind


def test_a_burst_of_failures_in_one_look_reverts_nothing(healthy: Healthy) -> None:
    burst = Totals(answers(20_000), Tally(started=180_000, failed=180_000))
    state = after(healthy, lambda number: SAVING.at(90) if number else burst, 60)
    assert state.is_guarded and not guard_of(state).is_blind


BLINDING = {
    "no request reaches the promoted setting": Totals(BASELINE, Tally()),
    "no request reaches the baseline": Totals(Tally(), answers(1800, mean_tokens=300)),
    "nobody scores": Totals(replace(BASELINE, match=0, mismatch=0), replace(UNSCORED, unscored=0)),
}


@pytest.mark.parametrize("why", BLINDING)
def test_a_guard_that_has_nothing_to_compare_says_so_within_minutes_and_sees_again(healthy: Healthy, why: str) -> None:
    state, server = healthy[0], Server()
    server.counters.update(healthy[1])
    seen = guard_of(state).looked_at
    turns = Turns()
    while not guard_of(state).is_blind and turns.another():
        before = state
        server.serve(state, BLINDING[why])
        state = look(SPEC, state, server)
        last = guard_of(state).clock.last_look_at
        assert state.is_guarded and last is not None and last <= seen + 660, "nothing was told"
    condition = guarded(state)
    assert condition is not None
    assert (condition.status, condition.reason) == (ConditionStatus.FALSE, "GuardBlind")
    assert "the promoted setting has had" in condition.message and "the baseline" in condition.message
    assert [note.reason for note in event_notes(before, state)] == ["GuardBlind"]
    assert restored(state) == state and not sees_room(guard_of(state))
    server.serve(state, SAVING.at(90))
    again = look(SPEC, state, server)
    assert not guard_of(again).is_blind and event_notes(state, again) == ()
    condition = guarded(again)
    assert condition is not None and condition.reason == "Watching"


def test_a_route_that_is_edited_again_and_again_does_not_hide_that_a_guard_sees_nothing(healthy: Healthy) -> None:
    state, server = healthy[0], Server()
    server.counters.update(healthy[1])
    last = seen = guard_of(state).looked_at
    edits = 0
    for _ in range(60):
        server.serve(state, BLINDING["nobody scores"])
        state = look(SPEC, state, server)
        last = guard_of(state).clock.last_look_at or last
        if guard_of(state).is_blind:
            break
        if state.watch_phase is Phase.OBSERVING:
            state, edits = weights_in_force(weights_lost(state), last + 5), edits + 1
    assert guard_of(state).is_blind and last <= seen + 900 and edits > 1
    assert restored(state) == state
    again = restored(weights_in_force(weights_lost(state), last + 5))
    assert guard_of(again).is_blind, "a restart of the step shows nothing"


def test_a_suspension_is_no_time_in_which_a_guard_sees_nothing(healthy: Healthy) -> None:
    state, server, pause = healthy[0], Server(), 30 * 86_400
    server.counters.update(healthy[1])
    halted = follow_guard(replace(TIMES, suspend=True), state, guard_of(state).looked_at + 30)
    server.serve(state, SAVING.at(90))
    state = weights_in_force(follow_guard(TIMES, halted, guard_of(state).looked_at + 30 + pause), NOW + 2 * pause)
    coverage = guard_of(state).coverage
    assert coverage is not None and coverage.at == guard_of(state).looked_at + pause


def test_another_share_of_requests_is_a_step_in_which_nothing_was_counted_yet(healthy: Healthy) -> None:
    more = guarded_policy({"guard": {"holdbackWeight": 20}})
    state = follow_guard(LiveTimes.of(more), healthy[0], guard_of(healthy[0]).looked_at + 30)
    before, coverage = guard_of(healthy[0]).coverage, guard_of(state).coverage
    assert coverage is not None and before is not None and any(before.counts)
    assert (coverage.at, coverage.looks) == (before.at, before.looks) and not any(coverage.counts)


def test_requests_that_hang_from_the_guards_first_moment_on_are_told_too() -> None:
    state, server = in_force(begun()), Server()
    began_at = guard_of(state).clock.started_at
    assert began_at is not None
    turns = Turns()
    while not guard_of(state).is_blind and turns.another():
        server.serve(state, Totals(BASELINE, Tally(started=1800)))
        state = look(SPEC, state, server)
        last = guard_of(state).clock.last_look_at
        assert last is not None and last <= began_at + 900, "nothing was told"
    condition = guarded(state)
    assert condition is not None and condition.reason == "GuardBlind" and restored(state) == state
    for _ in range(60):
        if state.is_guarded:
            server.serve(state, Totals(BASELINE, Tally(started=1800)))
            state = look(SPEC, state, server)
    assert not state.is_guarded, "the setting was never taken off"


@pytest.mark.slow
def test_a_guard_without_requests_is_not_called_blind_and_rare_answers_are_no_alarm(healthy: Healthy) -> None:
    idle = after(healthy, lambda _: Totals(), 100)
    assert idle.is_guarded and not guard_of(idle).is_blind
    unscored = replace(BASELINE, match=0, mismatch=0), replace(UNSCORED, unscored=0)
    sampled = Totals(replace(unscored[0], match=1), replace(unscored[1], match=7, mismatch=2))
    state, server = watching(), Server()
    for number in range(300):  # one look in eight has a sampled answer of the baseline
        server.serve(state, Totals(*unscored) if number % 8 else sampled)
        state = look(SPEC, state, server)
        assert state.is_guarded and not guard_of(state).is_blind


def test_golden_questions_that_nobody_asks_any_more_leave_a_guard_blind() -> None:
    objective = {"exactMatch": {"evidence": "Pairs", "assumeIndependent": None}}
    spec = guarded_policy({"guard": {"holdbackWeight": None, "evidence": "Pairs"}, "objective": objective})
    server = Server()
    state = look(spec, in_force(begun(spec, promoted())), server)
    for number in range(60):
        asked = {"pairs_both": 16, "pairs_neither": 4} if number < 10 else {}
        server.serve(state, Totals(candidate=replace(answers(500, mean_tokens=300), **asked)))
        state = look(spec, state, server)
    condition = guarded(state)
    assert state.is_guarded and guard_of(state).is_blind and condition is not None
    assert "no golden question has been answered" in condition.message
