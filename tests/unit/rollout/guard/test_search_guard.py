"""A search's best setting is watched once the search is over, whichever trial has certified it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from earlystop.api.wire import INCUMBENT
from earlystop.rollout.exposure import incumbent_weight, promoted_label, weights
from earlystop.rollout.guard.follow import begins_now
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.outcome import outcome_reason
from earlystop.rollout.state import Phase, RolloutState
from earlystop.rollout.status_codec import from_status, to_status
from earlystop.rollout.transitions import carried_out
from earlystop.rollout.verdict import verdict_name, verdict_spec
from earlystop.rollout.verify import chain_differences, object_differences
from tests.unit.rollout import searching
from tests.unit.rollout.guarding import HARM, SPEC, guard_of, watched, watching
from tests.unit.rollout.policies import UID
from tests.unit.rollout.traffic import SAVING, Server

TIMES = LiveTimes.of(SPEC)
ALL_ARE_SAFE = {
    name: replace(each, exact_match=0.8, mean_tokens=500 - 90 * number)
    for number, (name, each) in enumerate(searching.SAFE_BUT_LAST.items())
}
TRUTHS = {"an earlier trial": searching.SAFE_BUT_LAST, "the last trial": ALL_ARE_SAFE}


@pytest.fixture(scope="module", params=["an earlier trial", "the last trial"])
def world(request: pytest.FixtureRequest) -> searching.World:
    """A search that is over, with the setting of this trial."""
    world = searching.World(searching.searched(), TRUTHS[request.param])
    world.run()
    return world


def alarmed(world: searching.World) -> RolloutState:
    server = Server()
    state = replace(world.state)
    state = watched(SPEC, watching(SPEC, server, state), server, SAVING, 10)
    return watched(SPEC, state, server, HARM, 100)


def test_the_setting_that_serves_after_a_search_keeps_all_requests_but_the_baselines_share(
    world: searching.World,
) -> None:
    state = watching(SPEC, Server(), world.state)
    beside, percents = incumbent_weight(state), weights(state)
    assert percents is not None and percents[0] == 10 and sum(percents) + beside == 100
    assert (beside == 90) == (promoted_label(state) == INCUMBENT) == (world.truth is searching.SAFE_BUT_LAST)
    again, _ = from_status(json.loads(json.dumps(to_status("qa", UID, TIMES, state, ""))))
    assert again.guard == state.guard and again.search == state.search


def test_an_alarm_takes_it_off_ends_the_search_at_the_baseline_and_is_verified_with_its_chain(
    world: searching.World,
) -> None:
    state = alarmed(world)
    assert state.decision is not None and state.decision.reason == "GuardAlarm" and guard_of(state).taken < 20
    assert weights(state) == (100, 0) and incumbent_weight(state) == 0
    over = carried_out(state)
    assert over.phase is Phase.ROLLED_BACK and over.certified is None and outcome_reason(over) == "RolledBack"
    assert over.search is not None and over.search.ended is not None and over.search.incumbent is None
    assert over.search.ended.reason == "GuardAlarm"
    spec = json.loads(json.dumps(verdict_spec("qa", UID, state)))
    verdict = {"metadata": {"name": verdict_name("qa", state)}, "spec": spec}
    assert object_differences(verdict) == []
    assert chain_differences(verdict, [*world.verdicts.values(), verdict]) == []
    assert spec["settings"] == [{**each, "after": each["before"]} for each in spec["settings"]]


def test_no_guard_begins_between_two_trials() -> None:
    world = searching.World(searching.searched(), searching.SAFE_BUT_LAST)
    while world.state.phase is not Phase.PROMOTED:
        assert not begins_now(TIMES, world.state)
        world.go_on()
    assert begins_now(TIMES, world.state)
