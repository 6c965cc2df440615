"""A Kubernetes API one write of which goes wrong: lost before or after it was done, refused, or done twice."""

from __future__ import annotations

import copy
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from earlystop.controller.cluster import EVENTS, VERDICTS, ClusterError, Manifest
from earlystop.rollout.verify.verdict import object_differences
from tests.unit.controller.embedded_world import World
from tests.unit.controller.killed import Killed
from tests.unit.controller.memory import Memory


class Fault(StrEnum):
    """What happens to a write."""

    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"
    REFUSED = "refused"
    ANSWER_LOST = "done, and its answer lost"
    TWICE = "done twice"


class Faulty(Memory):
    """Write number `at` meets the fault; None for none. writes: paths of all so far but for those of events, which may
    be lost."""

    def __init__(self, objects: dict[str, Manifest], fault: Fault | None = None, at: int | None = None) -> None:
        super().__init__()
        self.objects = copy.deepcopy(objects)
        self.fault, self.fault_at = fault, at
        self.writes: list[str] = []

    async def _call(
        self, method: str, path: str, body: Manifest | None = None, content_type: str = "application/json"
    ) -> Manifest:
        if method == "GET" or f"/{EVENTS.plural}" in path:
            return await super()._call(method, path, body, content_type)
        met = self.fault if len(self.writes) == self.fault_at else None
        self.writes.append(f"{method} {path}")
        if met is Fault.KILLED_BEFORE:
            raise Killed
        if met is Fault.REFUSED:
            raise ClusterError(500, "etcdserver: request timed out")
        answer = await super()._call(method, path, copy.deepcopy(body), content_type)
        if met is Fault.TWICE:  # as a proxy does that tries again
            return await super()._call(method, path, body, content_type)
        if met is Fault.KILLED_AFTER:
            raise Killed
        if met is Fault.ANSWER_LOST:
            raise ClusterError(504, "the request was not answered in time")
        return answer


async def play(world: World, is_over: Callable[[], bool], times: int = 400) -> None:
    """Reconcile until it is over, as the scheduler does after errors. An operator that is killed is followed by another
    one."""
    for _ in range(times):
        try:
            await world.reconcile()
        except Killed:
            world.now += 1
            world.restart()
        except ClusterError:
            world.now += 1
        if is_over():
            return
    raise AssertionError(f"it is not over: {world.status.get('phase')}, {world.status.get('conditions')}")


def record_of(world: World) -> list[tuple[Any, ...]]:
    """What the verdicts say, each of which must be whole, in the order of their chain."""
    verdicts = {each["spec"].get("previous", ""): each for each in world.verdicts()}
    found, digest = [], ""
    while digest in verdicts:
        verdict = verdicts.pop(digest)
        assert object_differences(verdict) == []
        spec = verdict["spec"]
        found.append((verdict["metadata"]["name"], spec["reason"], spec["candidate"], spec["lookTable"]))
        digest = spec["digest"]
    assert not verdicts, f"{VERDICTS.plural} that follow none of the chain"
    return found
