"""At a guard's alarm the controller finds out what has moved, and reverts at once whether it does or not."""

from __future__ import annotations

import asyncio

import pytest

from earlystop.controller.counts import alarm
from earlystop.metrics.convention.frozen import FrozenCounts, FrozenQuestion
from earlystop.rollout.verify.verdict import object_differences
from tests.unit.controller.guarded_world import GuardedWorld, TurningCounts


async def harmed(world: GuardedWorld) -> dict[str, object]:
    """A promotion whose setting turns bad; what the verdict of the alarm says has moved."""
    await world.reconcile_until("Promoted")
    await world.pass_time(900)
    world.turning.turns_at = world.now
    await world.reconcile_until("RolledBack")
    verdict = world.verdicts()[-1]
    assert verdict["spec"]["reason"] == "GuardAlarm" and object_differences(verdict) == []
    assert world.status["guard"]["culprit"] == verdict["spec"]["guard"]["culprit"]
    found: dict[str, object] = verdict["spec"]["guard"]["culprit"]
    return found


@pytest.mark.slow
async def test_recorded_answers_that_are_scored_otherwise_name_the_scorer_and_the_alarm_reverts() -> None:
    async with GuardedWorld().open() as world:
        assert isinstance(world, GuardedWorld)
        world.counts.frozen = FrozenCounts(2000, 0, 100, 60)
        culprit = await harmed(world)
        assert culprit["named"] == ["Scorer"] and culprit["frozen"] == [2000, 0, 100, 60]
        assert world.route_weights() == {"qa": 100, "qa-es-candidate": 0}
        assert "What has moved: the scorer." in world.condition("RolledBack")["message"]


class Silent(TurningCounts):
    """A source that answers nothing about recorded answers any more."""

    asked: FrozenQuestion | None = None

    async def read_frozen(self, source: str, question: FrozenQuestion, at: int) -> FrozenCounts | None:
        self.asked = question
        await asyncio.Event().wait()
        return None


@pytest.mark.slow
async def test_a_source_that_is_silent_about_recorded_answers_holds_no_alarm_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alarm, "PATIENCE_SECONDS", 0.01)
    world = GuardedWorld()
    silent = Silent(world.turning.quality)
    silent.weights = world.counts.weights
    world.turning = world.counts = silent
    async with world.open():
        culprit = await harmed(world)
        assert culprit["named"] == ["Setting"] and "frozen" not in culprit
        asked = silent.asked
        assert asked is not None and asked.policy == "llm/qa" and alarm.LEAST_SECONDS <= asked.seconds <= 3600
        assert asked.ago_seconds >= asked.seconds
