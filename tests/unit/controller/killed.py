"""A Kubernetes API that kills the operator at one of its writes, and checks after each what must always hold."""

from __future__ import annotations

from earlystop.controller.cluster import Manifest
from tests.unit.controller.invariants import check_invariants, snapshot
from tests.unit.controller.memory import Memory
from tests.unit.rollout.exposed import candidate_weight


class Killed(BaseException):
    """The operator's process ends here."""


class Checked(Memory):
    """A Kubernetes API that checks the invariants after every write, and kills the operator at one of them."""

    def __init__(self, objects: dict[str, Manifest], asked_for: set[int]) -> None:
        super().__init__()
        self.objects = objects
        self.asked_for = set(asked_for)
        self.writes = 0
        self.kill_at: int | None = None
        self.before = False

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
        now = snapshot(self)
        self.asked_for.add(candidate_weight(now.state) or 0)
        check_invariants(now, self.asked_for)
        if kill:
            raise Killed
        return answer
