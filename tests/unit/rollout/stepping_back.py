"""Several certified settings of which the boldest is promoted, and alarms of the guard over it, for the tests."""

from __future__ import annotations

import json
from typing import Any

from earlystop.rollout.guard.follow import follow_guard
from earlystop.rollout.guard.transitions import alarm_of
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.state import Phase, RolloutState
from earlystop.rollout.step_moves import take_look
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.transitions import carried_out
from earlystop.rollout.verdict import verdict_name, verdict_spec
from tests.turns import Turns
from tests.unit.rollout import several
from tests.unit.rollout.guarding import HARM, in_force, look, watched
from tests.unit.rollout.policies import UID, policy, started
from tests.unit.rollout.traffic import SAVING, Server

GUARD = {"guard": {"holdbackWeight": 10, "adjust": {}}}
SPEC = policy({**several.TOGETHER, **GUARD})
TIMES = LiveTimes.of(SPEC)


def promoted_of_several() -> RolloutState:
    """w5, which saves most of three, with w10 certified beside it and w1 dropped."""
    return carried_out(several.decided(SPEC, started(SPEC), several.USUAL))


def object_of(state: RolloutState) -> dict[str, Any]:
    """The verdict of a decision, as an object."""
    return {
        "metadata": {"name": verdict_name("qa", state)},
        "spec": json.loads(json.dumps(verdict_spec("qa", UID, state))),
    }


def guarded(state: RolloutState) -> tuple[RolloutState, Server]:
    server = Server()
    assert state.decision is not None
    state = look(SPEC, in_force(follow_guard(TIMES, state, state.decision.at + 5)), server)
    return watched(SPEC, state, server, SAVING, 10), server


def harmed(state: RolloutState) -> RolloutState:
    """The state whose guard has just alarmed, and of which nothing is decided yet."""
    state, server = guarded(state)
    turns = Turns()
    while alarm_of(state) is None and turns.another():
        server.serve(state, HARM.at(90))
        at = next_look(TIMES, state)
        assert at is not None
        state = take_look(TIMES, state, at, server.totals(state))
    return state


def restored(state: RolloutState) -> RolloutState:
    """The state after a restart of the operator."""
    return from_status(json.loads(json.dumps(to_status("qa", UID, TIMES, state, ""))))[0]


def off_by_alarm(state: RolloutState) -> RolloutState:
    """The state whose guard has just alarmed, while nothing of that is carried out yet."""
    state, server = guarded(state)
    after = watched(SPEC, state, server, HARM, 100)
    assert after.phase is Phase.ROLLING_BACK
    return after


def alarmed(state: RolloutState) -> RolloutState:
    return carried_out(off_by_alarm(state))
