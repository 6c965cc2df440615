"""A policy in memory and an operator that attends to more than its reconciliations, whenever that is due."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Protocol

from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.resources import Key
from tests.unit.controller.embedded_world import World


class DueTimes:
    """The scheduler's queue, which a test empties at the moments that it chooses."""

    def __init__(self) -> None:
        self.due: dict[Key, float] = {}

    def wake(self, key: Key) -> None:
        self.wake_at(key, 0.0)

    def wake_at(self, key: Key, at: float) -> None:
        self.due[key] = min(at, self.due.get(key, inf))

    def take(self, now: float) -> Iterator[Key]:
        """Whatever is due, which is in the queue no longer."""
        for key, at in list(self.due.items()):
            if at <= now:
                del self.due[key]
                yield key

    def next_moment(self, following: float) -> float:
        """The moment at which something is due, or the policy itself at `following`."""
        return min(following, *self.due.values()) if self.due else following


class Attendant(Protocol):
    """What the operator attends to beside reconciliations: hooks that are told, or gates that are asked."""

    def look_at(self, tracked: TrackedPolicy) -> None:
        """Take up what is due of a policy that was reconciled."""

    async def attend(self, key: Key) -> float | None:
        """Do what is due. Returns when to do so again, None for never."""


class AttendedWorld:
    """world: the policy. queue: what is due of it, and when."""

    world: World
    queue: DueTimes

    def begin(self) -> None:
        """An operator begins, with nothing but what is stored."""
        raise NotImplementedError

    def restart(self) -> None:
        self.world.restart()
        self.begin()

    def is_lost(self) -> bool:
        """Whether the operator is lost after what it just attended to."""
        return False

    async def attend_due(self, attendant: Attendant) -> float | None:
        """Reconcile, and attend to whatever is due. Returns when the policy is reconciled next, None where the operator
        was lost and another one began."""
        now = self.world.now
        await self.world.reconcile()
        following, self.world.now = self.world.now, now
        attendant.look_at(self.world.tracked)
        for key in self.queue.take(now):
            again = await attendant.attend(key)
            if again is not None:
                self.queue.wake_at(key, again)
            if self.is_lost():
                self.restart()
                return None
        return following
