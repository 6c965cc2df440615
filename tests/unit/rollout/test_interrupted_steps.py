"""A step that was interrupted waits again for what is outstanding, whenever and however often it was interrupted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlystop.api.counts import Tally
from earlystop.api.policy import PolicySpec
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.look_taken import take_look
from earlystop.rollout.settling import STARTED_FOR_EACH_IN_FLIGHT
from earlystop.rollout.state import WATCHING, Phase, RolloutState, Totals
from earlystop.rollout.steps import begin_next_step
from earlystop.rollout.stored.status_codec import from_status
from earlystop.rollout.transitions import suspend_or_resume, unproven_weights_lost, weights_in_force, weights_lost
from tests.unit.rollout.policies import NOW, examples, policy, started
from tests.unit.rollout.states import stored
from tests.unit.rollout.traffic import answers

WRITTEN = {least: policy({"rollout": {"settleSeconds": least, "deadlineSeconds": 600_000}}) for least in (0, 60)}
PAUSED = LiveTimes.of(policy({"suspend": True}))
LEARNING = policy({"rollout": {"learnSeconds": 600, "deadlineSeconds": 600_000}})
SLOW = answers(1000)


def waiting(count: int, among: Tally = SLOW) -> Tally:
    """The answers, and so many requests more that have not ended."""
    return replace(among, started=among.started + count)


def look(spec: PolicySpec, state: RolloutState, tally: Tally) -> RolloutState:
    """The look that is due, with these counts of the step in both variants."""
    at = next_look(LiveTimes.of(spec), state)
    assert at is not None
    return take_look(LiveTimes.of(spec), state, at, Totals(tally, tally))


def lost(state: RolloutState) -> RolloutState:
    return weights_in_force(weights_lost(state), NOW + 900)


def paused(state: RolloutState) -> RolloutState:
    resumed = suspend_or_resume(LiveTimes.of(WRITTEN[60]), suspend_or_resume(PAUSED, state, NOW + 800), NOW + 850)
    return weights_in_force(resumed, NOW + 900)


def lost_and_restarted(state: RolloutState) -> RolloutState:
    away = from_status(stored(weights_lost(state)))[0]
    return weights_in_force(from_status(stored(away))[0], NOW + 900)


INTERRUPTIONS = {"weights lost": lost, "paused": paused, "weights lost, operator restarted": lost_and_restarted}


@pytest.mark.parametrize("how", INTERRUPTIONS)
@pytest.mark.parametrize("spec", [WRITTEN[60], LEARNING], ids=["split", "learning"])
def test_a_step_that_is_interrupted_while_it_settles_starts_from_what_it_counts_then(
    spec: PolicySpec, how: str
) -> None:
    state = look(spec, weights_in_force(started(spec), NOW + 5), waiting(500))
    assert state.phase is Phase.SETTLING
    # 40 of 1,500 would be few enough, but these 1,500 were started under a split that is over.
    state = look(spec, INTERRUPTIONS[how](state), waiting(40))
    assert (state.phase, state.in_flight) == (Phase.SETTLING, 40 if spec is LEARNING else 80)
    state = look(spec, state, waiting(40, answers(1900)))
    assert state.phase is Phase.SETTLING
    assert look(spec, state, waiting(40, answers(2100))).phase is Phase.OBSERVING


def test_a_split_that_led_users_before_it_was_proven_and_was_lost_meanwhile_is_an_interruption_too() -> None:
    state = unproven_weights_lost(started(WRITTEN[60]))
    assert from_status(stored(state))[0].interrupted
    waits = look(WRITTEN[60], weights_in_force(state, NOW + 5), waiting(40))
    assert waits.phase is Phase.SETTLING and not waits.interrupted
    assert look(WRITTEN[60], waits, waiting(40)).phase is Phase.SETTLING


def test_unproven_weights_can_be_lost_only_while_they_are_put_in_force() -> None:
    settling = weights_in_force(started(WRITTEN[60]), NOW + 5)
    assert unproven_weights_lost(settling) is settling


def test_the_next_step_has_counters_of_its_own_and_waits_by_all_that_they_count() -> None:
    spec = WRITTEN[60]
    state = look(spec, weights_in_force(started(spec), NOW + 5), SLOW)
    following = begin_next_step(state.pinned_plan, weights_lost(state))
    assert look(spec, weights_in_force(following, NOW + 900), waiting(41)).phase is Phase.OBSERVING


def test_a_step_that_was_just_interrupted_is_not_taken_for_settled_before_it_can_have_started_anything() -> None:
    spec = WRITTEN[0]
    state = look(spec, look(spec, weights_in_force(started(spec), NOW + 5), SLOW), SLOW)
    assert state.phase is Phase.OBSERVING
    again = look(spec, weights_in_force(weights_lost(state), NOW + 900), SLOW)
    assert again.phase is Phase.SETTLING
    assert look(spec, again, answers(1010)).phase is Phase.OBSERVING


def test_a_wait_that_is_over_at_its_first_look_tells_what_was_outstanding() -> None:
    spec = policy({"rollout": {"settleSeconds": 900, "deadlineSeconds": 3600}})
    state = look(spec, weights_in_force(started(spec), NOW + 5), SLOW)
    after = look(spec, weights_in_force(weights_lost(state), NOW + 2000), waiting(10, answers(90_000)))
    assert (after.phase, after.in_flight, after.interrupted) == (Phase.OBSERVING, 20, False)


@dataclass
class Served:
    """Requests of both variants, each alike: how many have started and ended, and what a wait must count from.

    since: requests that had started at the first look since the weights came back, None before it; 0 for the first
    time.
    """

    state: RolloutState
    spec: PolicySpec
    now: int
    started: int = 0
    ended: int = 0
    since: int | None = 0

    def serve(self, begin: int, outstanding: int) -> None:
        self.started += begin
        self.ended = max(self.ended, self.started - outstanding)

    def interrupt(self, how: str) -> None:
        if how == "restart":
            self.state = from_status(stored(self.state))[0]
        elif how == "edit":
            self.spec = WRITTEN[60 if self.spec is WRITTEN[0] else 0]
        elif how == "pause":
            self.state = suspend_or_resume(PAUSED, self.state, self.now)
            self.state = suspend_or_resume(LiveTimes.of(self.spec), self.state, self.now + 30)
            self.since = None
        else:
            self.state = weights_lost(unproven_weights_lost(self.state))
            self.since = None

    def go_on(self) -> None:
        """The weights are put in force, or the look that is due is taken."""
        self.now += 30
        if self.state.phase is Phase.APPLYING:
            self.state = weights_in_force(self.state, self.now)
            return
        at = next_look(LiveTimes.of(self.spec), self.state)
        assert at is not None
        self.now = max(self.now, at)
        counts = Tally(started=self.started, completed=self.ended, mismatch=self.ended)
        was_settling = self.state.phase is Phase.SETTLING
        self.state = take_look(LiveTimes.of(self.spec), self.state, at, Totals(counts, counts))
        if was_settling and self.state.phase is Phase.OBSERVING:
            self.check()
        if self.since is None:
            self.since = self.started

    def check(self) -> None:
        """Evidence begins: what is outstanding is little beside what has started since the weights came back."""
        outstanding = self.started - self.ended
        if self.state.in_flight is None:
            since = self.started if self.since is None else self.since
            assert outstanding * STARTED_FOR_EACH_IN_FLIGHT <= self.started - since


HOW = st.sampled_from([None, "weights lost", "pause", "restart", "edit"])
ROUND = st.tuples(st.integers(0, 1500), st.integers(0, 60), HOW)
"""Requests that start, those that are outstanding then, and what interrupts the step before its next look."""


@pytest.mark.slow
@settings(examples, max_examples=60)
@given(rounds=st.lists(ROUND, min_size=3, max_size=12), least=st.sampled_from(sorted(WRITTEN)))
def test_whatever_interrupts_a_step_its_evidence_begins_when_little_is_outstanding_of_what_it_started_since(
    rounds: list[tuple[int, int, str | None]], least: int
) -> None:
    served = Served(started(WRITTEN[least]), WRITTEN[least], NOW + 5)
    for begin, outstanding, how in rounds:
        served.serve(begin, outstanding)
        if how is not None:
            served.interrupt(how)
        served.go_on()
        served.go_on()
        if served.state.phase not in WATCHING:
            return
