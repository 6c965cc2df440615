"""Evidence of a step begins when its answers are nearly all in, in both variants, and the wait for them ends."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlystop.api.counts import Tally
from earlystop.api.policy import PolicySpec
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.look_taken import take_look
from earlystop.rollout.plan import StageKind
from earlystop.rollout.settling import LONGEST_SECONDS, STARTED_FOR_EACH_IN_FLIGHT, UNSEEN_SECONDS
from earlystop.rollout.state import Phase, RolloutState, Totals
from earlystop.rollout.stored.status_codec import from_status
from earlystop.rollout.transitions import weights_in_force, weights_lost
from earlystop.rollout.words.event_notes import event_notes
from tests.turns import Turns
from tests.unit.rollout.messages import progressing
from tests.unit.rollout.policies import NOW, PATIENT, examples, policy, started
from tests.unit.rollout.several import STAGED
from tests.unit.rollout.states import stored
from tests.unit.rollout.traffic import answers

ALL_IN = answers(1000)
BEGAN = NOW + 5
QUICK = policy({"rollout": {"deadlineSeconds": 3600}})
LONG = policy({"rollout": {"deadlineSeconds": 600_000}})
CUSTOM = policy({"metrics": {"preset": "Custom"}, "rollout": {"settleSeconds": 45}})


def with_in_flight(count: int, among: Tally = ALL_IN) -> Tally:
    """The answers, and so many requests more that have not ended."""
    return replace(among, started=among.started + count)


def settling(spec: PolicySpec = QUICK) -> RolloutState:
    return weights_in_force(started(spec), BEGAN)


def look(spec: PolicySpec, state: RolloutState, baseline: Tally, candidate: Tally) -> RolloutState:
    """The look that is due, with these counts of the step."""
    at = next_look(LiveTimes.of(spec), state)
    assert at is not None
    return take_look(LiveTimes.of(spec), state, at, Totals(baseline, candidate))


@pytest.mark.parametrize("slow", ["baseline", "candidate"])
def test_a_step_waits_while_either_variant_has_more_than_one_request_in_flight_for_25_started(
    slow: str,
) -> None:
    most = 1000 // (STARTED_FOR_EACH_IN_FLIGHT - 1)
    counts = {"baseline": ALL_IN, "candidate": ALL_IN}
    state = look(QUICK, settling(), **counts | {slow: with_in_flight(most + 1)})
    assert (state.phase, state.in_flight, state.evidence_from) == (Phase.SETTLING, most + 1, None)
    assert f"{most + 1} of its requests are still in flight" in progressing(state)[1]
    assert next_look(LiveTimes.of(QUICK), state) == BEGAN + 30 + 15
    state = look(QUICK, state, **counts | {slow: with_in_flight(most)})
    assert (state.phase, state.in_flight, state.evidence_from) == (Phase.OBSERVING, None, BEGAN + 45)
    assert state.comparisons[0].mark.baseline.completed == ALL_IN.completed


def test_a_step_that_waits_is_asked_more_and_more_rarely_so_that_no_dip_is_waited_for() -> None:
    state, moments = settling(), []
    turns = Turns()
    while state.phase is Phase.SETTLING and turns.another():
        state = look(QUICK, state, with_in_flight(500), ALL_IN)
        assert state.last_look_at is not None
        moments.append(state.last_look_at - BEGAN)
    assert moments == [30, 45, 67, 100, 150, 225, 337, 505, 757, 900]


def test_requests_that_failed_are_not_waited_for() -> None:
    failed = replace(ALL_IN, started=2000, failed=1000)
    assert look(QUICK, settling(), failed, ALL_IN).phase is Phase.OBSERVING


def test_settle_seconds_is_the_least_wait_although_nothing_is_in_flight() -> None:
    spec = policy({"rollout": {"settleSeconds": 300}})
    assert next_look(LiveTimes.of(spec), settling(spec)) == BEGAN + 300
    assert look(spec, settling(spec), ALL_IN, ALL_IN).evidence_from == BEGAN + 300


def test_a_variant_without_requests_is_waited_for_as_long_as_it_may_be_unseen_and_no_longer() -> None:
    spec = policy({"rollout": {"settleSeconds": 0}})
    state = settling(spec)
    for _ in range(UNSEEN_SECONDS // 15):
        state = look(spec, state, ALL_IN, Tally())
        assert (state.phase, state.in_flight) == (Phase.SETTLING, None)
    assert look(spec, state, ALL_IN, Tally()).evidence_from == BEGAN + UNSEEN_SECONDS


def test_what_each_process_knows_to_be_in_flight_counts_and_not_what_the_totals_leave_of_it() -> None:
    masked = replace(ALL_IN, completed=ALL_IN.completed + 500)
    at = next_look(LiveTimes.of(QUICK), settling())
    assert at is not None
    waits = take_look(LiveTimes.of(QUICK), settling(), at, Totals(masked, ALL_IN), in_flight=(500, 0))
    assert (waits.phase, waits.in_flight) == (Phase.SETTLING, 500)
    gone = take_look(LiveTimes.of(QUICK), settling(), at, Totals(with_in_flight(500), ALL_IN), in_flight=(0, 0))
    assert gone.phase is Phase.OBSERVING


@pytest.mark.parametrize(("spec", "longest"), [(QUICK, 900), (LONG, LONGEST_SECONDS)])
def test_the_wait_ends_after_an_hour_or_a_quarter_of_the_time_and_what_is_missing_is_told(
    spec: PolicySpec, longest: int
) -> None:
    state = settling(spec)
    turns = Turns()
    while state.phase is Phase.SETTLING and turns.another():
        before, state = state, look(spec, state, with_in_flight(500), ALL_IN)
    assert state.evidence_from is not None and longest <= state.evidence_from - BEGAN < longest + 15
    reason, message = progressing(state)
    assert reason == "AnswersOutstanding"
    assert "500 requests were still in flight when this step's evidence began" in message
    assert [note.reason for note in event_notes(before, state)] == ["AnswersOutstanding"]
    assert from_status(stored(state))[0] == state
    assert weights_lost(state).in_flight is None


def test_a_wait_that_is_stored_goes_on_after_a_restart() -> None:
    state = look(QUICK, settling(), with_in_flight(500), ALL_IN)
    assert from_status(stored(state))[0] == state


def test_a_step_that_was_interrupted_waits_anew_by_what_it_starts_from_then_on() -> None:
    state = weights_in_force(started(PATIENT), BEGAN)
    state = look(PATIENT, look(PATIENT, state, ALL_IN, ALL_IN), answers(100_000), answers(100_000))
    again = weights_in_force(weights_lost(state), NOW + 5000)
    waits = look(PATIENT, again, with_in_flight(100, answers(101_000)), answers(101_000))
    assert (waits.phase, waits.in_flight) == (Phase.SETTLING, 100)
    still = look(PATIENT, waits, with_in_flight(100, answers(103_000)), answers(103_000))
    assert still.phase is Phase.SETTLING
    assert look(PATIENT, still, with_in_flight(100, answers(104_000)), answers(104_000)).phase is Phase.OBSERVING


def test_counters_that_know_no_requests_in_flight_leave_the_wait_to_settle_seconds_and_it_is_said() -> None:
    state = settling(CUSTOM)
    assert "Custom does not count requests in flight" in progressing(state)[1]
    observed = look(CUSTOM, state, with_in_flight(500), ALL_IN)
    assert (observed.phase, observed.evidence_from, observed.in_flight) == (Phase.OBSERVING, BEGAN + 45, None)


def test_in_shadow_the_requests_of_the_baseline_alone_are_waited_for() -> None:
    state = settling(STAGED)
    assert state.pinned_plan.stage(0).kind is StageKind.SHADOW
    assert look(STAGED, state, with_in_flight(500), Tally()).phase is Phase.SETTLING
    assert look(STAGED, state, ALL_IN, with_in_flight(500)).phase is Phase.OBSERVING


WRITTEN = {least: policy({"rollout": {"settleSeconds": least, "deadlineSeconds": 1200}}) for least in (0, 60, 450)}
ROUND = st.tuples(st.integers(0, 200), st.integers(0, 200))


@pytest.mark.slow
@settings(examples, max_examples=25)
@given(rounds=st.lists(ROUND, min_size=1, max_size=5), least=st.sampled_from(sorted(WRITTEN)))
def test_whatever_is_counted_evidence_begins_as_soon_as_it_may_and_never_after_the_longest_wait(
    rounds: list[tuple[int, int]], least: int
) -> None:
    spec, longest = WRITTEN[least], max(least, 300)
    state, arm = settling(spec), Tally()
    for began, ended in itertools.islice(itertools.cycle(rounds), 40):
        started = arm.started + began
        done = min(started, arm.completed + ended)
        arm = Tally(started=started, completed=done, mismatch=done)
        state = look(spec, state, arm, arm)
        assert state.last_look_at is not None
        seconds = state.last_look_at - BEGAN
        seen = arm.started > 0 or seconds >= UNSEEN_SECONDS
        waiting = arm.started - arm.completed
        settled = seen and waiting * STARTED_FOR_EACH_IN_FLIGHT <= arm.started
        over = seconds >= longest
        assert (state.phase is Phase.OBSERVING) == (settled or over)
        if state.phase is Phase.OBSERVING:
            assert (state.in_flight is None) == (settled or not waiting)
            assert state.evidence_from == state.last_look_at
            return
    raise AssertionError("a step waited for ever")
