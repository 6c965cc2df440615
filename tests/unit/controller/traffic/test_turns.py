"""Of a fleet whose splits are all to be carried out, few at a time hold what they read, and whoever probes holds up
nobody."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from earlystop.controller.campaign_tokens import CampaignTokens
from earlystop.controller.fairness.turns import served_namespace
from earlystop.controller.traffic import act, put_in_force
from earlystop.controller.traffic.act import TrafficActor
from earlystop.controller.traffic.split_result import SplitResult
from earlystop.controller.traffic.turns import CARRIED_OUT_AT_ONCE, TrafficTurns
from earlystop.delivery.decisions import Probe, SplitStatus
from earlystop.rollout.observations import NOT_YET
from tests.unit.controller.embedded_world import World
from tests.unit.rollout.traffic import SAME

DONE = SplitResult(SplitStatus.PROVEN, NOT_YET)


class Fleet:
    """Many policies that are carried out at once, each of which waits until it may go on. probes: it waits for an
    answer to probes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, probes: bool) -> None:
        self.under_way, self.may_go_on, self._probes = 0, asyncio.Event(), probes
        self._patch = monkeypatch

    async def _put_in_force(self, *arguments: Any) -> SplitResult:
        turns: TrafficTurns = arguments[-1]
        self.under_way += 1
        if self._probes:
            async with turns.carrying_out.lent():
                await self.may_go_on.wait()
        else:
            await self.may_go_on.wait()
        return DONE

    async def begin(self, policies: int) -> list[asyncio.Task[SplitResult | None]]:
        world = World(SAME)
        async with world.open():
            await world.reconcile_until("Applying")
            tracked, split = world.tracked, world.tracked.split
            assert split is not None and world.reconciler is not None
            self._patch.setattr(act, "put_in_force", self._put_in_force)
            nobody: Any = None  # neither probes nor counts are asked for here
            actor = TrafficActor(world.api, nobody, nobody, lambda: world.now, CampaignTokens())
            carry_out = actor._carry_out
            tasks = [asyncio.create_task(carry_out(tracked, split, only_to_detach=False)) for _ in range(policies)]
            for _ in range(10):
                await asyncio.sleep(0)
            return tasks


async def test_few_hold_what_they_read_and_all_are_carried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet(monkeypatch, probes=False)
    tasks = await fleet.begin(100)
    assert fleet.under_way == CARRIED_OUT_AT_ONCE
    fleet.may_go_on.set()
    assert await asyncio.gather(*tasks) == [DONE] * 100


async def test_policies_whose_probes_are_not_answered_hold_up_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet(monkeypatch, probes=True)
    tasks = await fleet.begin(100)
    assert fleet.under_way == 100
    fleet.may_go_on.set()
    assert await asyncio.gather(*tasks) == [DONE] * 100


async def test_a_tenants_policies_that_all_hang_in_probes_leave_another_ones_a_turn_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    never, turns = asyncio.Event(), TrafficTurns()

    async def unanswered(*_: Any) -> Any:
        await never.wait()

    for each in ("probe", "probe_variants"):
        monkeypatch.setattr(put_in_force, each, unanswered)

    async def carry_out(by_variant: bool) -> None:
        served_namespace.set("hostile")
        asked, http = Probe((), users_led=True, by_variant=by_variant), None
        async with turns.carrying_out.of():
            await put_in_force._probe(http, "hostile", asked, turns)  # type: ignore[arg-type]

    hanging = [asyncio.create_task(carry_out(bool(number % 2))) for number in range(5 * CARRIED_OUT_AT_ONCE)]
    for _ in range(10):
        await asyncio.sleep(0)
    assert not any(task.done() for task in hanging) and not turns.carrying_out.are_waited_for
    async with asyncio.timeout(5), turns.carrying_out.of("healthy"):
        pass
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    assert all(task.cancelled() for task in hanging), "a policy that is gone waits for no turn"
