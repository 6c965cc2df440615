"""Counters of others, too, take a candidate off that the gateway does not serve, in any phase in which users get it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from earlystop.api.counts import Variant
from earlystop.controller.cluster import ROUTES
from earlystop.delivery.names import overlay_name
from earlystop.metrics.templates.range_vectors import RawSeries
from tests.turns import Turns
from tests.unit.controller.counted_by_templates import RATE, EngineCounts
from tests.unit.controller.counts.template_sources import CUSTOM, Engine, Life, steady
from tests.unit.controller.embedded_world import World
from tests.unit.rollout.policies import NOW
from tests.unit.rollout.traffic import SAME

RARE: dict[str, Any] = {**CUSTOM, "rollout": {"lookSeconds": 1800, "steps": [{"weight": 50}]}}
HOLDS: dict[str, Any] = {
    **CUSTOM,
    "rollout": {"lookSeconds": 60, "steps": [{"weight": 50}], "deadlineSeconds": 900, "onInconclusive": "Hold"},
}
WAYS = {"Observing": RARE, "Suspended": RARE, "Held": HOLDS}


class BreakingEngine(Engine):
    """The candidate's counters stand still from Unix second `broken_at` on, and begin at 0 again at `restarted_at`."""

    broken_at: int = NOW + 10**6
    restarted_at: int = NOW + 10**6

    def _row(self, query: str, target: str, moments: Sequence[int]) -> RawSeries:
        row = super()._row(query, target, moments)
        if row.labels.get("variant") != Variant.CANDIDATE:
            return row
        asked = [min(at // 1000, self.broken_at) for at, _ in row.points]
        values = [int(value) for _, value in super()._row(query, target, asked).points]
        ((_, before),) = super()._row(query, target, [self.restarted_at]).points
        since = [
            value - int(before) if at > self.restarted_at else value for at, value in zip(asked, values, strict=True)
        ]
        return RawSeries(row.labels, [(at, str(each)) for (at, _), each in zip(row.points, since, strict=True)])


def alike(life: Life) -> Life:
    """The process with a candidate that answers as the baseline does."""
    return replace(life, rates=dict.fromkeys(Variant, life.rates[Variant.BASELINE]))


@asynccontextmanager
async def led(phase: str, *lives: Life, tells_start: bool = True) -> AsyncIterator[tuple[World, BreakingEngine]]:
    """A policy in this phase, whose users are led to both variants."""
    made = World(SAME, WAYS[phase])
    engine = BreakingEngine([alike(each) for each in lives], tells_start)
    made.counts = EngineCounts(engine)
    async with made.open():
        await made.reconcile_until("Held" if phase == "Held" else "Observing")
        if phase == "Suspended":
            made.edit_spec({**made.policy["spec"], "suspend": True})
            await made.reconcile_until("Suspended")
        yield made, engine


def leads_somebody(world: World) -> bool:
    return "parentRefs" in world.api.at(ROUTES, "llm", overlay_name("qa"))["spec"]


@pytest.mark.slow
@pytest.mark.parametrize("restarted", [False, True], ids=["under way", "after a restart"])
@pytest.mark.parametrize("phase", WAYS)
async def test_a_candidate_whose_requests_end_at_the_gateway_is_off_within_minutes(phase: str, restarted: bool) -> None:
    async with led(phase, steady(RATE)) as (made, engine):
        if restarted:
            made.restart()
        for _ in range(8):
            await made.reconcile()
        assert leads_somebody(made) and made.tracked.observations.traffic.reason == "InForce"
        began = engine.broken_at = int(made.now)
        turns = Turns()
        while leads_somebody(made) and turns.another():
            assert made.now - began <= 150
            await made.reconcile()
        said = made.tracked.observations.traffic
        assert said.reason == "CandidateNotServed" and "candidate should have had about" in said.message


@pytest.mark.slow
@pytest.mark.parametrize("tells_start", [True, False], ids=["with start times", "without"])
@pytest.mark.parametrize("phase", WAYS)
async def test_a_candidates_counters_that_restart_while_it_is_served_take_nobody_off(
    phase: str, tells_start: bool
) -> None:
    async with led(phase, steady(RATE), tells_start=tells_start) as (made, engine):
        began = engine.restarted_at = int(made.now) + 120
        turns = Turns()
        while made.now < began + 900 and turns.another():
            await made.reconcile()
            assert leads_somebody(made) and made.tracked.traffic.rest is None
