"""A candidate that saves tokens without harm gets all requests, and a verdict says so."""

from __future__ import annotations

from tests.unit.controller.embedded_world import World
from tests.unit.rollout.traffic import Quality

SAVING = Quality(mean_tokens=300, requests=40)


async def test_a_candidate_that_saves_tokens_is_promoted_with_a_verdict() -> None:
    async with World(SAVING).open() as world:  # an API server, a Prometheus and a clock, all in memory
        await world.reconcile_until("Promoted")
    assert world.status["weight"] == 100
    (verdict,) = world.verdicts()
    assert verdict["spec"]["decision"] == "Promote"
