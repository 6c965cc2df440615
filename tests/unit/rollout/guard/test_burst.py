"""A guard's look waits while answers of a burst pile up, and harm that leaves requests open is found all the same."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from earlystop.api.counts import Tally
from earlystop.api.policy import PolicySpec
from earlystop.evidence.objective import UNANSWERED
from earlystop.rollout.guard.burst import LONGEST_WAIT_SECONDS
from earlystop.rollout.guard.transitions import alarm_of
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.state import RolloutState
from earlystop.rollout.step_moves import take_look
from earlystop.rollout.totals import Totals
from tests.turns import Turns
from tests.unit.rollout.guarding import SPEC, guard_of, guarded_policy, watched, watching
from tests.unit.rollout.traffic import SAVING, Server, answers

CUSTOM = guarded_policy({"metrics": {"preset": "Custom"}})
VARIANTS = ("baseline", "candidate")


def seen(server: Server, spec: PolicySpec = SPEC) -> RolloutState:
    """A guard that has used a look at which no request was open."""
    return watched(spec, watching(spec, server), server, SAVING, 1)


def looked(
    server: Server, state: RolloutState, is_open: dict[str, int], served: bool = True, spec: PolicySpec = SPEC
) -> RolloutState:
    """After the look that is due, at which so many requests of each variant are open."""
    if served:
        server.serve(state, SAVING.at(90))
    times, totals = LiveTimes.of(spec), server.totals(state)
    at = next_look(times, state)
    assert at is not None
    baseline, candidate = (
        replace(arm, started=arm.started + is_open.get(name, 0))
        for name, arm in zip(VARIANTS, (totals.baseline, totals.candidate), strict=True)
    )
    return take_look(times, state, at, Totals(baseline, candidate, totals.classes))


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_look_waits_while_more_requests_of_either_variant_are_open_than_at_the_look_before(variant: str) -> None:
    server = Server()
    state = looked(server, seen(server), {variant: 300})
    assert guard_of(state).taken == 1 and guard_of(state).clock.last_look_at is not None
    after = guard_of(looked(server, state, {}))
    assert after.taken == 2
    assert after.looks[-1].candidate.completed == 2 * SAVING.at(90).candidate.completed, "none of them is lost"


def test_neither_chance_nor_fewer_open_requests_hold_up_a_look() -> None:
    server = Server()
    state = looked(server, seen(server), {"candidate": 6})
    assert guard_of(state).taken == 2
    many = dict.fromkeys(VARIANTS, 40)
    turns = Turns()
    while guard_of(state).taken == 2 and turns.another():
        state = looked(server, state, many)
    assert guard_of(looked(server, state, {})).taken == 4


def test_where_requests_in_flight_are_not_measured_no_look_waits() -> None:
    server = Server()
    assert guard_of(looked(server, seen(server, CUSTOM), {"candidate": 300}, spec=CUSTOM)).taken == 2


def test_of_requests_that_never_end_one_look_waits_and_the_next_ones_do_not() -> None:
    server, hanging = Server(), 0
    state = seen(server)
    moments = [guard_of(state).looked_at]
    turns = Turns()
    while len(moments) < 6 and turns.another():
        hanging += 100
        state = looked(server, state, {"candidate": hanging})
        if guard_of(state).looked_at > moments[-1]:
            moments.append(guard_of(state).looked_at)
    waited, *others = (later - earlier for earlier, later in pairwise(moments))
    assert waited >= LONGEST_WAIT_SECONDS and max(others) <= 60


def test_a_setting_that_leaves_half_of_its_requests_open_is_found_within_half_an_hour() -> None:
    server, hanging = Server(), 0
    state = watched(SPEC, watching(SPEC, server), server, SAVING, 300)
    begun = guard_of(state).looked_at
    turns = Turns()
    while alarm_of(state) is None and turns.another():
        served = SAVING.at(90)
        half = answers(served.candidate.started // 2, mean_tokens=300)
        server.serve(state, Totals(served.baseline, half, served.classes))
        hanging += half.started
        state = looked(server, state, {"candidate": hanging}, served=False)
        assert guard_of(state).looked_at < begun + 3600
    alarm = alarm_of(state)
    assert alarm is not None and alarm.claims == (UNANSWERED,) and alarm.at - begun <= 1800


def test_no_look_waits_for_a_setting_of_which_nothing_ends() -> None:
    server = Server()
    state = seen(server)
    server.serve(state, Totals(SAVING.at(90).baseline, Tally()))
    assert guard_of(looked(server, state, {"candidate": 1800}, served=False)).taken == 2
