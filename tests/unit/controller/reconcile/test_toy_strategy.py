"""A strategy that is added by one file and one row plays a rollout through the in-memory cluster."""

from __future__ import annotations

import pytest

from earlystop.api.strategies import STRATEGIES, StrategyTraits
from tests.unit.controller.embedded_world import World
from tests.unit.rollout.traffic import SAVING


async def test_a_strategy_of_one_file_and_one_row_takes_a_policy_from_its_creation_to_its_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(STRATEGIES, "Race", StrategyTraits(module="tests.unit.rollout.strategies.toy"))
    steps = [{"weight": 20, "minimumSeconds": 0}]
    world = World(SAVING, {"rollout": {"strategy": "Race", "steps": steps}})
    async with world.open():
        await world.reconcile_until("Promoted")
    (verdict,) = world.verdicts()
    assert (verdict["spec"]["decision"], verdict["spec"]["reason"]) == ("Promote", "FirstToSave")
    assert world.status["weight"] == 100
