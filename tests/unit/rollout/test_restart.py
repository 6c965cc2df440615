"""A restarted operator goes on as if nothing had happened."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from earlystop.api.counts import Tally
from earlystop.api.policy import PolicySpec
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.look_taken import take_look
from earlystop.rollout.state import TRYING, Phase, RolloutState, Totals
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.transitions import weights_in_force
from earlystop.rollout.verdict import verdict_spec
from tests.unit.rollout.policies import NOW, UID, policy, started

SPEC = policy()
STORED_EVERY = 3


def counters(exact_match: float, tokens: int) -> Callable[[RolloutState, int], Totals]:
    """What the counters of a step say at a moment: a function of time, as Prometheus is."""

    def at_moment(state: RolloutState, at: int) -> Totals:
        weight = (5, 25, 50)[state.step]
        elapsed = at - NOW
        return Totals(_tally(elapsed * (100 - weight), 0.8, 600), _tally(elapsed * weight, exact_match, tokens))

    return at_moment


def _tally(requests: int, exact_match: float, tokens: int) -> Tally:
    wobble = requests * 7919 % 13
    match = max(0, int(requests * exact_match) - wobble)
    return Tally(
        requests, requests, 0, match, requests - match, 0, requests * tokens, requests * tokens * tokens * 5 // 4
    )


def rollout(
    spec: PolicySpec, read: Callable[[RolloutState, int], Totals], dies: Callable[[int], bool]
) -> tuple[RolloutState, int]:
    """A rollout until its verdict, with an operator that stores transitions at once and looks at a slow tick.

    dies: for the number of each thing done, whether the operator dies after it. Returns the last state, and how many
    things were done.
    """
    state = started(spec)
    status = _stored(spec, state)
    done = looks_since = 0
    while state.phase in TRYING and done < 1000:
        before = state
        if state.phase == Phase.APPLYING:
            # Always at the same moment, however often it is repeated.
            last = state.looks[-1].at if state.looks else state.campaign_started_at
            state = weights_in_force(state, last + 4)
        else:
            at = next_look(LiveTimes.of(spec), state)
            assert at is not None
            state = take_look(LiveTimes.of(spec), state, at, read(state, at))
            looks_since += 1
        if (state.phase, state.step) != (before.phase, before.step) or looks_since == STORED_EVERY:
            status, looks_since = _stored(spec, state), 0
        done += 1
        if dies(done):
            state, looks_since = from_status(json.loads(status))[0], 0
    return state, done


def _stored(spec: PolicySpec, state: RolloutState) -> str:
    return json.dumps(to_status("qa", UID, LiveTimes.of(spec), state, ""))


WORLDS = {"saving": counters(0.79, 380), "harmful": counters(0.7, 200)}


@pytest.mark.slow
@pytest.mark.parametrize("world", WORLDS)
def test_an_operator_that_dies_at_any_point_comes_to_the_same_verdict_bit_by_bit(world: str) -> None:
    undisturbed, things = rollout(SPEC, WORLDS[world], lambda done: False)
    assert undisturbed.decision is not None and len(undisturbed.looks) >= 3
    verdict = _verdict(undisturbed)
    for point in range(1, things + 1):
        again, _ = rollout(SPEC, WORLDS[world], lambda done, point=point: done == point)  # type: ignore[misc]
        assert again == undisturbed
        assert _verdict(again) == verdict


@pytest.mark.parametrize("every", [4, 5, 7])
def test_an_operator_that_dies_again_and_again_still_comes_to_the_same_verdict(every: int) -> None:
    undisturbed, _ = rollout(SPEC, WORLDS["saving"], lambda done: False)
    again, _ = rollout(SPEC, WORLDS["saving"], lambda done: done % every == 0)
    assert again == undisturbed


def test_looks_that_were_not_stored_are_read_again_at_their_own_moments() -> None:
    read: list[int] = []

    def noted(state: RolloutState, at: int) -> Totals:
        read.append(at)
        return WORLDS["saving"](state, at)

    rollout(SPEC, noted, lambda done: done == 4)
    repeated = [at for at in read if read.count(at) > 1]
    assert repeated and all((at - NOW - 4 - 30) % 15 == 0 for at in repeated)


def _verdict(state: RolloutState) -> dict[str, Any]:
    return verdict_spec("qa", UID, state)
