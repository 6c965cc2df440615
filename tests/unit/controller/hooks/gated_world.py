"""A policy in memory whose promotion waits for gates, and the operator that asks them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from earlystop.controller.counts.secrets import SecretReader
from earlystop.controller.hooks.ask_gate import GateAsker
from earlystop.controller.hooks.gatekeeper import GateKeeper
from earlystop.controller.hooks.run_job import CRON_JOBS, JOBS
from tests.unit.controller.embedded_world import World
from tests.unit.controller.hooks.attended_world import AttendedWorld, DueTimes
from tests.unit.controller.hooks.cron_jobs import cron_job
from tests.unit.controller.hooks.hook_world import condition_of
from tests.unit.controller.hooks.receiver import NAMESPACE, Receiver, receiving, serve_hooks, target
from tests.unit.controller.reconcile.qualities import SAVING


class GatedWorld(AttendedWorld):
    """A World whose policy has gates."""

    def __init__(
        self, receiver: Receiver, gates: Sequence[dict[str, Any]], rollout: Mapping[str, Any] | None = None
    ) -> None:
        steps = {"steps": [{"weight": 50, "minimumSeconds": 0}], "deadlineSeconds": 3600}
        self.world = World(SAVING, {"rollout": {**steps, **(rollout or {}), "gates": list(gates)}})
        self.receiver = receiver
        serve_hooks(self.world.api, target(receiver.url))
        for resource in (JOBS, CRON_JOBS):
            self.world.api.serve(resource)
        self.world.api.put(CRON_JOBS, cron_job())
        self.begin()

    def begin(self) -> None:
        """An operator begins, with nothing but what is stored."""
        tracked, api = self.world.tracked, self.world.api
        self.queue = DueTimes()
        asker = GateAsker(api, SecretReader(api, NAMESPACE), ())
        self.keeper = GateKeeper(asker, {tracked.key: tracked}, lambda _: None, lambda: self.world.now)
        self.keeper.scheduler = self.queue  # type: ignore[assignment]  # it has the methods that are called

    async def advance(self) -> None:
        """Reconcile, and ask whatever is due."""
        following = await self.attend_due(self.keeper)
        assert following is not None, "this operator is never lost"
        self.world.now = self.queue.next_moment(following)

    async def advance_until(self, phase: str, gates: str = "", times: int = 400) -> None:
        """gates: reason of the condition GatesOpen, "" for any."""
        for _ in range(times):
            if self.world.status.get("phase") == phase and gates in ("", self.condition()[1]):
                return
            await self.advance()
        raise AssertionError(f"not {phase} with {gates}: {self.world.status}")

    def condition(self) -> tuple[str, str, str]:
        """Status, reason and message of GatesOpen."""
        return condition_of(self.world.status, "GatesOpen")


@asynccontextmanager
async def gated(*gates: dict[str, Any], rollout: Mapping[str, Any] | None = None) -> AsyncIterator[GatedWorld]:
    async with receiving() as receiver:
        made = GatedWorld(receiver, gates, rollout)
        async with made.world.open():
            yield made
