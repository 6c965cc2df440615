"""A policy in memory with hooks, the receiver that they tell, and an operator that can be lost at any moment."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from earlystop.controller.counts.secrets import SecretReader
from earlystop.controller.hooks.deliverer import HookDeliverer
from earlystop.controller.resources import Key
from tests.unit.controller.embedded_world import World
from tests.unit.controller.hooks.attended_world import AttendedWorld, DueTimes
from tests.unit.controller.hooks.receiver import NAMESPACE, Receiver, receiving, serve_hooks, target
from tests.unit.controller.reconcile.qualities import ONE_STEP
from tests.unit.rollout.traffic import Quality


def condition_of(status: Mapping[str, Any], kind: str) -> tuple[str, str, str]:
    """Status, reason and message of a condition; each "" where there is none."""
    found: Mapping[str, str] = next((each for each in status.get("conditions", []) if each["type"] == kind), {})
    return found.get("status", ""), found.get("reason", ""), found.get("message", "")


class HookWorld(AttendedWorld):
    """A World whose policy has hooks. lose_after_telling: the operator is lost whenever a hook was told, before that is
    stored; once for each occurrence."""

    def __init__(
        self, quality: Quality, receiver: Receiver, hooks: Sequence[Mapping[str, Any]], **changes: Any
    ) -> None:
        self.world = World(quality, {**ONE_STEP, "hooks": list(hooks)})
        self.receiver = receiver
        serve_hooks(self.world.api, target(receiver.url, **changes))
        self.lose_after_telling = False
        self._lost: set[str] = set()
        self.begin()

    def begin(self) -> None:
        """An operator begins, with nothing but what is stored."""
        self.woken = False
        self.queue = DueTimes()
        tracked = self.world.tracked
        secrets = SecretReader(self.world.api, NAMESPACE)
        self.deliverer = HookDeliverer(
            self.world.api, secrets, {tracked.key: tracked}, self.wake, lambda: self.world.now
        )
        self.deliverer.scheduler = self.queue  # type: ignore[assignment]  # it has the methods that are called

    def wake(self, _: Key) -> None:
        self.woken = True

    async def advance(self) -> None:
        """Reconcile, tell whatever is due, and go on to the next moment."""
        following = await self.attend_due(self.deliverer)
        if following is not None and not self.woken:
            self.world.now = self.queue.next_moment(following)
        self.woken = False

    def is_lost(self) -> bool:
        """Whether a hook was told that was not told before, where the operator is lost whenever one was."""
        told = set(self.receiver.ids) - self._lost
        if not self.lose_after_telling or not told:
            return False
        self._lost |= told
        return True

    async def advance_until(self, reached: Callable[[], bool], times: int = 600) -> None:
        for _ in range(times):
            if reached():
                return
            await self.advance()
        raise AssertionError(f"it is not reached after {times} reconciliations: {self.world.status}")

    def condition(self) -> tuple[str, str, str]:
        """Status, reason and message of the condition about hooks."""
        return condition_of(self.world.status, "HooksDelivered")

    def waiting(self) -> int:
        return len(self.world.status.get("hooks", {}).get("queue", []))


@asynccontextmanager
async def hooked(
    quality: Quality, hooks: Sequence[Mapping[str, Any]] | None = None, **changes: Any
) -> AsyncIterator[HookWorld]:
    """A policy with one hook, or these, in a World of its own. changes: of the HookTarget."""
    chosen = hooks or [{"name": "chat", "targetRef": {"name": "receiver"}}]
    async with receiving() as receiver:
        made = HookWorld(quality, receiver, chosen, **changes)
        async with made.world.open():
            yield made
