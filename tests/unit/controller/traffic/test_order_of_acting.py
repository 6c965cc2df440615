"""An operator that is killed before or after any of its writes leaves a policy in order, and the next one goes on."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from earlystop.controller.cluster import Manifest
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.rollout.state import ENDED, Phase
from tests.turns import Turns
from tests.unit.controller.embedded_world import World
from tests.unit.controller.invariants import Snapshot, check_invariants, snapshot
from tests.unit.controller.killed import Checked, Killed, reconcile_through
from tests.unit.rollout.traffic import Quality

SAVING = Quality(mean_tokens=300, requests=40)
HARMFUL = Quality(exact_match=0.4, mean_tokens=300, requests=40)
SAME = Quality(requests=40)
ONE_STEP = {"rollout": {"steps": [{"weight": 50, "minimumSeconds": 0}], "deadlineSeconds": 300}}
HOLDS = {"rollout": {**ONE_STEP["rollout"], "onInconclusive": "Hold"}}
CASES: dict[str, tuple[Quality, Mapping[str, Any] | None, Phase]] = {
    "a promotion": (SAVING, ONE_STEP, Phase.PROMOTED),
    "a rollback for harm": (HARMFUL, None, Phase.ROLLED_BACK),
    "a rollback at the deadline": (SAME, ONE_STEP, Phase.ROLLED_BACK),
    "a hold at the deadline": (SAME, HOLDS, Phase.HELD),
}


class Play:
    """A rollout from one moment on, as often as it is asked for."""

    def __init__(self, quality: Quality, changes: Mapping[str, Any] | None, objects: dict[str, Manifest], now: float):
        self.quality, self.changes, self.objects, self.now = quality, changes, objects, now
        self.asked_for: set[int] = set()

    async def to_the_end(self, kill_at: int | None = None, before: bool = False) -> tuple[Checked, Snapshot]:
        """Play on to the end of the campaign; a killed operator is followed by another one."""
        world = World(self.quality, self.changes)
        api = Checked(copy.deepcopy(self.objects), self.asked_for)
        api.kill_at, api.before = kill_at, before
        world.api, world.now = api, self.now
        world.tracked = TrackedPolicy.load(world.policy, world.now)
        async with world.open():
            await reconcile_through(world, lambda: snapshot(api).state.phase in ENDED, times=300)
            self.asked_for |= api.asked_for
        return api, snapshot(api)


async def from_the_decision(quality: Quality, changes: Mapping[str, Any] | None) -> Play:
    """From before the reconciliation that decides."""
    world = World(quality, changes)
    api = Checked(world.api.objects, set())
    world.api = api
    async with world.open():
        turns = Turns()
        while True:
            turns.another()
            before = copy.deepcopy(api.objects), world.now
            await world.reconcile()
            if snapshot(api).decision_name:
                play = Play(quality, changes, *before)
                play.asked_for = api.asked_for
                return play


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
async def test_at_every_interrupted_prefix_of_acting_the_invariants_hold_and_the_end_is_the_same(case: str) -> None:
    quality, changes, end = CASES[case]
    play = await from_the_decision(quality, changes)
    whole, last = await play.to_the_end()
    assert last.state.phase == end and whole.writes >= 4
    for kill_at in range(whole.writes):
        for before in (False, True):
            api, found = await play.to_the_end(kill_at, before)
            assert found.state.phase == end and found.in_force == last.in_force
            assert found.verdicts == last.verdicts and api.writes > kill_at


@pytest.mark.slow
async def test_a_whole_rollout_keeps_the_invariants_though_every_operator_dies_at_its_third_write() -> None:
    world = World(SAVING, ONE_STEP)
    api = Checked(world.api.objects, set())
    world.api = api
    async with world.open():
        for _ in range(400):
            api.kill_at = api.writes + 2
            try:
                await world.reconcile()
            except Killed:
                world.now += 1
                world.tracked = TrackedPolicy.load(world.policy, world.now)
            if snapshot(api).state.phase in ENDED:
                break
    assert snapshot(api).state.phase == Phase.PROMOTED and snapshot(api).in_force == 100


# What the checks themselves are worth


async def ended(case: str) -> tuple[Snapshot, set[int]]:
    quality, changes, _ = CASES[case]
    play = await from_the_decision(quality, changes)
    api, last = await play.to_the_end()
    return last, api.asked_for


@pytest.mark.slow
async def test_a_route_that_rises_before_its_verdict_is_noticed() -> None:
    last, asked_for = await ended("a promotion")
    early = replace(last, state=replace(last.state, phase=Phase.PROMOTING), verdicts={}, told=frozenset())
    with pytest.raises(AssertionError, match="exposure rose before the verdict"):
        check_invariants(early, asked_for)


@pytest.mark.slow
async def test_a_rollbacks_verdict_before_its_route_is_noticed() -> None:
    last, asked_for = await ended("a rollback for harm")
    early = replace(last, state=replace(last.state, phase=Phase.ROLLING_BACK), in_force=5, told=frozenset())
    with pytest.raises(AssertionError, match="before exposure fell"):
        check_invariants(early, asked_for)


@pytest.mark.slow
async def test_an_event_before_the_phase_that_it_tells_is_noticed() -> None:
    last, asked_for = await ended("a rollback for harm")
    early = replace(last, state=replace(last.state, phase=Phase.ROLLING_BACK))
    with pytest.raises(AssertionError, match="an event is ahead"):
        check_invariants(early, asked_for)


@pytest.mark.slow
async def test_a_route_ahead_of_what_is_stored_is_noticed() -> None:
    last, _ = await ended("a promotion")
    with pytest.raises(AssertionError, match="ahead of what is stored"):
        check_invariants(last, {5})
