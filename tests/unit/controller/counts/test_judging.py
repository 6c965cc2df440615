"""Looks whose counts came together are judged for their namespaces in turn, whatever each costs."""

from __future__ import annotations

import asyncio

import pytest

from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.counts.look import state_or_failure
from earlystop.controller.counts.part_reading import Result
from earlystop.controller.counts.take_look import take_look_due
from earlystop.controller.fairness.turns import FairTurns, served_namespace
from earlystop.controller.memory.tracked import Progress
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.count_ledger import AnyRequest
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.transitions import weights_in_force
from tests.unit.controller.embedded_world import SOURCE
from tests.unit.controller.memory import Memory
from tests.unit.controller.tracked_policies import tracked
from tests.unit.rollout.policies import NOW, policy, started

HOSTILE, HEALTHY = 200, 3


class Together(CountBatcher):
    """Answers all who ask at the same moment."""

    def __init__(self) -> None:
        super().__init__()
        self.sources["default"] = SOURCE
        self.answers_now = asyncio.Event()

    async def read(self, source: str, request: AnyRequest, at: int) -> Result:
        await self.answers_now.wait()
        return Reading(at, {}, float(at), 0)


@pytest.mark.slow
async def test_a_thousand_dear_looks_of_one_namespace_hold_up_anothers_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    order = list[str]()

    def judge(*args: object) -> object:
        order.append(served_namespace.get())
        return state_or_failure(*args)  # type: ignore[arg-type]

    monkeypatch.setattr("earlystop.controller.counts.take_look.state_or_failure", judge)
    api, reader, judging = Memory(), Together(), FairTurns(1)

    async def look(namespace: str) -> Progress | None:
        served_namespace.set(namespace)
        session = tracked(weights_in_force(started(policy()), NOW))
        at = next_look(session.times, session.state)
        assert at is not None
        return await take_look_due(api, reader, session, 0.0, lambda: float(at), judging)

    looks = [asyncio.create_task(look("hostile")) for _ in range(HOSTILE)]
    looks += [asyncio.create_task(look("healthy")) for _ in range(HEALTHY)]
    await asyncio.sleep(0)
    reader.answers_now.set()
    assert all([await each for each in looks])
    places = [place for place, namespace in enumerate(order) if namespace == "healthy"]
    assert len(order) == HOSTILE + HEALTHY and max(places) <= 2 * HEALTHY
    reader.close()
