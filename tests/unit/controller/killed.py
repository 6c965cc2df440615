"""A Kubernetes API that kills the operator at one of its writes, and checks after each what must always hold."""

from __future__ import annotations

from collections.abc import Callable

from earlystop.controller.cluster import Manifest
from tests.unit.controller.embedded_world import World
from tests.unit.controller.invariants import check_invariants, snapshot
from tests.unit.controller.memory import Memory
from tests.unit.rollout.exposed import candidate_weight


class Killed(BaseException):
    """The operator's process ends here."""


class Dying(Memory):
    """A Kubernetes API at one of whose writes the operator dies. kill_at: the number of that write, None for none;
    before: whether nothing of it is done. writes: how many there were."""

    def __init__(self, objects: dict[str, Manifest], kill_at: int | None = None, *, before: bool = False) -> None:
        super().__init__()
        self.objects = objects
        self.kill_at, self.before, self.writes = kill_at, before, 0

    async def _call(
        self, method: str, path: str, body: Manifest | None = None, content_type: str = "application/json"
    ) -> Manifest:
        if method == "GET":
            return await super()._call(method, path, body, content_type)
        kill = self.writes == self.kill_at
        self.writes += 1
        if kill and self.before:
            raise Killed
        answer = await super()._call(method, path, body, content_type)
        self.check()
        if kill:
            raise Killed
        return answer

    def check(self) -> None:
        """What is checked after every write: nothing, unless a test says what."""


class Checked(Dying):
    """A Kubernetes API that checks the invariants after every write, and kills the operator at one of them."""

    def __init__(self, objects: dict[str, Manifest], asked_for: set[int]) -> None:
        super().__init__(objects)
        self.asked_for = set(asked_for)

    def check(self) -> None:
        """What must always hold, with the weights that were asked for so far."""
        now = snapshot(self)
        self.asked_for.add(candidate_weight(now.state) or 0)
        check_invariants(now, self.asked_for)


async def reconcile_through(world: World, is_over: Callable[[], bool], times: int = 200) -> None:
    """Reconcile until it is over; an operator that is killed is followed by another one, a second later."""
    for _ in range(times):
        try:
            await world.reconcile()
        except Killed:
            world.now += 1
            world.restart()
        if is_over():
            return
