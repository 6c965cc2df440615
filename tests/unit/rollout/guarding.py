"""Promotions that a guard watches over, for the tests: its weights in force, looks, harm that begins, an alarm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from earlystop.api.policy import PolicySpec
from earlystop.rollout.guard.culprit_evidence import evidence_of
from earlystop.rollout.guard.follow import follow_guard
from earlystop.rollout.guard.response import respond
from earlystop.rollout.guard.state import GuardState
from earlystop.rollout.guard.transitions import alarm_of
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.state import RolloutState
from earlystop.rollout.step_moves import lose_metrics, take_look, weights_in_force
from earlystop.rollout.stored.status_codec import digest_of_decision
from earlystop.rollout.transitions import carried_out
from tests.turns import Turns
from tests.unit.rollout.policies import UID, policy, started
from tests.unit.rollout.traffic import SAVING, Quality, Server, decided

GUARDED = {"guard": {"holdbackWeight": 10}}
SPEC = policy(GUARDED)
TIMES = LiveTimes.of(SPEC)
HARM = Quality(exact_match=0.4, mean_tokens=300)


def guarded_policy(changes: Mapping[str, Any] | None = None) -> PolicySpec:
    return policy({**GUARDED, **(changes or {})})


def promoted(spec: PolicySpec = SPEC) -> RolloutState:
    """A promotion that nobody watches over yet."""
    return carried_out(decided(spec, started(spec), Server(), SAVING))


def begun(spec: PolicySpec = SPEC, state: RolloutState | None = None) -> RolloutState:
    """The same under a guard whose weights are not in force yet."""
    state = state or promoted(spec)
    assert state.decision is not None
    return follow_guard(LiveTimes.of(spec), state, state.decision.at + 10)


def guard_of(state: RolloutState) -> GuardState:
    assert state.guard is not None
    return state.guard


def in_force(state: RolloutState) -> RolloutState:
    last = max(guard_of(state).since, guard_of(state).clock.last_look_at or 0)
    return weights_in_force(state, last + 5)


def look(spec: PolicySpec, state: RolloutState, server: Server) -> RolloutState:
    """The next look of the guard, and what follows from an alarm."""
    at = next_look(LiveTimes.of(spec), state)
    assert at is not None
    after = take_look(LiveTimes.of(spec), state, at, server.totals(state))
    return after if alarm_of(after) is None else respond(LiveTimes.of(spec), after, digest(state), evidence_of(after))


def digest(state: RolloutState) -> str:
    return digest_of_decision("qa", UID, state)


def watching(spec: PolicySpec = SPEC, server: Server | None = None, state: RolloutState | None = None) -> RolloutState:
    """A guard that watches, before its first look that is evidence."""
    return look(spec, in_force(begun(spec, state)), server or Server())


def watched(spec: PolicySpec, state: RolloutState, server: Server, quality: Quality, looks: int) -> RolloutState:
    """So many more looks with answers of this quality; fewer when an alarm ends the watch."""
    for _ in range(looks):
        if not state.is_guarded:
            break
        server.serve(state, quality.at(100 - guard_of(state).holdback))
        state = look(spec, state, server)
    return state


def harmed(spec: PolicySpec = SPEC, healthy: int = 30) -> RolloutState:
    """A guard that has alarmed after so many looks without harm, and of which nothing is decided yet."""
    server = Server()
    state = watched(spec, watching(spec, server), server, SAVING, healthy)
    turns = Turns()
    while alarm_of(state) is None and turns.another():
        server.serve(state, HARM.at(90))
        at = next_look(LiveTimes.of(spec), state)
        assert at is not None
        state = take_look(LiveTimes.of(spec), state, at, server.totals(state))
    return state


def alarmed(spec: PolicySpec = SPEC, healthy: int = 30) -> RolloutState:
    """A guard that alarms after so many looks without harm."""
    server = Server()
    state = watched(spec, watching(spec, server), server, SAVING, healthy)
    return watched(spec, state, server, HARM, 200)


def reached() -> dict[str, RolloutState]:
    """States of a policy with a guard, by a name that says which."""
    server = Server()
    first = watching(server=server)
    some = watched(SPEC, first, server, SAVING, 40)
    moment = guard_of(some).looked_at
    alarm = alarmed()
    suspended = follow_guard(replace(LiveTimes.of(SPEC), suspend=True), some, moment + 9)
    return {
        "promoted, a guard begins": begun(),
        "promoted, a guard settles": in_force(begun()),
        "promoted, a guard watches before its first look": first,
        "promoted and guarded": some,
        "promoted and guarded, blind": lose_metrics(some, moment + 99),
        "promoted and guarded, suspended": suspended,
        "promoted, a guard ends": follow_guard(replace(LiveTimes.of(SPEC), guard=None), some, moment + 9),
        "rolling back by its guard": alarm,
        "rolled back by its guard": carried_out(alarm),
    }
