"""Looks that the stored status does not hold yet take no second evidence in memory, and what they show is told once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from earlystop.controller.cluster import EVENTS
from earlystop.rollout.totals import Totals
from tests.unit.controller.embedded_world import World
from tests.unit.rollout.traffic import SAME, Quality, split

ONE_STEP: Mapping[str, Any] = {"rollout": {"steps": [{"weight": 50, "minimumSeconds": 60}], "deadlineSeconds": 36_000}}


class Astray(Quality):
    """Of half of all requests the candidate gets fewer than the weights say."""

    def at(self, weight: int) -> Totals:
        return split(weight - 10, self.requests, self.exact_match, self.mean_tokens)


async def test_between_two_stores_the_evidence_that_was_stored_is_not_kept_beside_the_latest() -> None:
    world = World(SAME, ONE_STEP)
    async with world.open():
        await world.reconcile_until("Observing")
        apart = 0
        for _ in range(20):
            await world.reconcile()
            tracked = world.tracked
            apart += tracked.state is not tracked.status.stored
            assert tracked.status.stored.comparisons is tracked.state.comparisons
        assert apart > 10, "most looks wait for others before they are stored"


async def test_what_a_look_between_two_stores_shows_is_told_by_one_event() -> None:
    world = World(Astray(), ONE_STEP)
    async with world.open():
        await world.reconcile_while(lambda: "TrafficSplitMismatch" not in world.told())
        await world.pass_time(1800)
    place = EVENTS.path("llm")
    events = [made for path, made in world.api.objects.items() if path.startswith(place)]
    assert [made["count"] for made in events if made["reason"] == "TrafficSplitMismatch"] == [1]
