"""A search's best setting is watched once the search is over, whichever trial has certified it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from earlystop.api.wire import INCUMBENT
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.exposure import incumbent_weight, promoted_label, weights
from earlystop.rollout.guard.follow import begins_now
from earlystop.rollout.handled_requests import Request
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.manual import abort, follow
from earlystop.rollout.next_campaign import follows_by_itself
from earlystop.rollout.outcome import outcome_reason
from earlystop.rollout.state import Phase, RolloutState
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.transitions import carried_out
from earlystop.rollout.trials.sequence import due_again_at
from earlystop.rollout.verdict import verdict_name, verdict_spec
from earlystop.rollout.verify.verdict import chain_differences, object_differences
from tests.turns import Turns
from tests.unit.rollout import searching
from tests.unit.rollout.guarding import HARM, SPEC, digest, guard_of, watched, watching
from tests.unit.rollout.policies import UID
from tests.unit.rollout.traffic import SAVING, Quality, Server

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


@pytest.mark.parametrize("is_aborted", [False, True])
def test_a_search_that_repeats_begins_no_more_by_itself_after_an_alarm_nor_after_its_abort(is_aborted: bool) -> None:
    spec = searching.searched({"repeatSeconds": 86_400})
    world = searching.World(spec, searching.SAFE_BUT_LAST)
    assert due_again_at(world.run(), spec) is not None
    state = alarmed(world)
    if is_aborted:
        assert state.decision is not None
        request = Request(state.revision, "user carol")
        state, declined = follow("abort", abort, TIMES, state, request, digest(state), state.decision.at + 9)
        assert declined is None and state.decision is not None and state.decision.reason == "Aborted"
    over = carried_out(state)
    assert over.phase is Phase.ROLLED_BACK and due_again_at(over, spec) is None, "the same setting harms again"


def test_no_guard_begins_between_two_trials() -> None:
    world = searching.World(searching.searched(), searching.SAFE_BUT_LAST)
    turns = Turns()
    while world.state.phase is not Phase.PROMOTED and turns.another():
        assert not begins_now(TIMES, world.state)
        world.go_on()
    assert begins_now(TIMES, world.state)


TRIES = searching.searched(guard={"holdbackWeight": 10, "adjust": {"triesPerWeek": 2}})
LITTLE_ROOM = Quality(exact_match=0.76, mean_tokens=300)


def watched_for(world: searching.World, quality: Quality, looks: int) -> RolloutState:
    server = Server()
    return watched(SPEC, watching(SPEC, server, world.state), server, quality, looks)


@pytest.mark.slow
def test_a_search_begins_again_so_often_a_week_while_the_guard_sees_room_and_never_otherwise(
    world: searching.World,
) -> None:
    steady = watched_for(world, SAVING, 80)
    assert steady.search is not None and steady.search.ended is not None
    due = steady.search.ended.at + 302_400
    assert due_again_at(steady, TRIES) == due
    assert follows_by_itself(steady, TRIES, due) and not follows_by_itself(steady, TRIES, due - 1)
    again = start_campaign(TRIES, "", steady, due, CampaignInputs(uid=UID, entropy="x", previous_digest=digest(steady)))
    assert again.campaign == steady.campaign + 1 and again.guard is None and again.phase is Phase.APPLYING
    assert again.search is not None and again.search.resumes, "what was certified is tried anew before anything bolder"
    seen = guard_of(steady)
    blind = replace(seen, clock=replace(seen.clock, metrics_lost_at=due))
    for state in (
        world.state,
        watched_for(world, SAVING, 30),
        watched_for(world, LITTLE_ROOM, 80),
        replace(steady, guard=blind),
        carried_out(alarmed(world)),
    ):
        assert due_again_at(state, TRIES) is None
    assert due_again_at(steady, searching.searched(guard={"adjust": {}})) is None
