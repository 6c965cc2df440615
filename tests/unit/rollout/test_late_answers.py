"""A look waits while answers pile up, and a step begins anew when they were piled up at its beginning."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.api.counts import Tally
from earlystop.evidence.attrition import LOOKS_TO_END
from earlystop.rollout.late_answers import LEAST_WAIT_SECONDS
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.look_taken import take_look
from earlystop.rollout.state import RolloutState, Totals
from earlystop.rollout.transitions import weights_in_force
from tests.turns import Turns
from tests.unit.rollout.policies import NOW, policy, started
from tests.unit.rollout.traffic import answers

SPEC = policy({"rollout": {"deadlineSeconds": 86_400}})
CUSTOM = policy({"metrics": {"preset": "Custom"}, "rollout": {"deadlineSeconds": 86_400}})
VARIANTS = ("baseline", "candidate")


def with_open(count: int, among: Tally) -> Tally:
    """The answers, and so many requests more that have not ended."""
    return replace(among, started=among.started + count)


def looked(state: RolloutState, number: int, is_open: dict[str, int], spec: object = SPEC) -> RolloutState:
    """After the look that is due, at which each variant has so many answers, and requests that are open."""
    times = LiveTimes.of(SPEC if spec is SPEC else CUSTOM)
    at = next_look(times, state)
    assert at is not None
    baseline, candidate = (with_open(is_open.get(variant, 0), answers(number)) for variant in VARIANTS)
    return take_look(times, state, at, Totals(baseline, candidate))


def observing(is_open: dict[str, int] | None = None, spec: object = SPEC) -> RolloutState:
    """A step whose evidence began after 1,000 answers of each variant."""
    campaign = started(SPEC if spec is SPEC else CUSTOM)
    return looked(weights_in_force(campaign, NOW), 1000, is_open or {}, spec)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_look_waits_while_more_requests_of_either_variant_are_open_than_when_the_evidence_began(variant: str) -> None:
    state = looked(observing(), 1500, {variant: 300})
    assert state.looks == ()
    (look,) = looked(state, 1800, {}).looks
    assert (look.baseline.completed, look.candidate.completed) == (800, 800)


def test_a_steady_number_of_open_requests_holds_up_no_look() -> None:
    steady = dict.fromkeys(VARIANTS, 40)
    state = observing(steady)
    for number in range(1, 6):
        state = looked(state, 1000 + 200 * number, steady)
        assert len(state.looks) == number


def test_chance_holds_up_no_look() -> None:
    assert len(looked(observing({"baseline": 40}), 1500, {"baseline": 44}).looks) == 1


def test_the_evidence_of_a_step_that_began_while_answers_were_piled_up_begins_anew() -> None:
    state = looked(observing({"baseline": 40}), 1500, {})
    assert state.looks == ()
    assert state.evidence_from == state.last_look_at
    (look,) = looked(state, 1800, {}).looks
    assert (look.baseline.completed, look.candidate.completed) == (300, 300)


def test_after_a_look_of_the_step_fewer_open_requests_only_wait() -> None:
    began = observing({"baseline": 40})
    state = looked(looked(began, 1500, {"baseline": 40}), 1700, {})
    assert len(state.looks) == 1
    assert state.evidence_from == began.evidence_from


def test_no_look_waits_longer_for_requests_that_never_end() -> None:
    state, number = observing(), 0
    begun_at = state.evidence_from
    assert begun_at is not None and LEAST_WAIT_SECONDS >= LOOKS_TO_END * 15
    turns = Turns()
    while not state.looks and turns.another():
        number += 1
        state = looked(state, 1000 + 100 * number, {"candidate": 30 * number})
        assert state.looks or number < LEAST_WAIT_SECONDS / 15
    (look,) = state.looks
    assert look.at == begun_at + LEAST_WAIT_SECONDS
    assert look.candidate.completed == 100 * number


def test_where_requests_in_flight_are_not_measured_no_look_waits() -> None:
    assert len(looked(observing(spec=CUSTOM), 1500, {"baseline": 300}, CUSTOM).looks) == 1


def test_no_look_waits_for_requests_of_processes_that_are_gone() -> None:
    assert len(looked_in_flight(with_open(300, answers(1500)), 0).looks) == 1


def test_answers_that_end_without_having_begun_hold_up_no_look() -> None:
    # An evaluator's are counted beside requests, of which 40 are in flight all the time.
    answered = answers(1500)
    assert len(looked_in_flight(replace(answered, started=answered.started - 260), 40).looks) == 1


def looked_in_flight(candidate: Tally, in_flight: int) -> RolloutState:
    """After the look that is due, with these counts of the candidate and so many of its requests in flight."""
    state, times = observing(), LiveTimes.of(SPEC)
    at = next_look(times, state)
    assert at is not None
    return take_look(times, state, at, Totals(answers(1500), candidate), in_flight=(0, in_flight))
