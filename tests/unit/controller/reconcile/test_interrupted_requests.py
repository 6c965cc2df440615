"""A request that meets the death of an operator, or a decision on its way to the route or the record, is done once."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from earlystop.controller.cluster import POLICIES, ROUTES, ClusterError
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.delivery.gateway_header import weights_in
from earlystop.delivery.names import overlay_name
from tests.unit.controller.embedded_world import World
from tests.unit.controller.reconcile.requesting import (
    ABORT,
    ONE_STEP,
    SAVING,
    by,
    under_way,
)


class Died(Exception):
    """The operator's process ended."""


def dies_at(world: World, write: int, *, done: bool) -> None:
    """Let the operator die at its n-th write from now on, before the API took it or after."""
    original, writes = world.api._call, count(1)

    async def call(method: str, path: str, *rest: Any) -> Any:
        dying = method != "GET" and next(writes) == write
        if dying and not done:
            raise Died
        answer = await original(method, path, *rest)
        if dying:
            raise Died
        return answer

    setattr(world.api, "_call", call)  # noqa: B010


@pytest.mark.slow
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", range(1, 7))
async def test_an_abort_that_is_interrupted_at_any_write_is_finished_by_the_next_operator(
    write: int, done: bool
) -> None:
    async with World(SAVING, ONE_STEP).open() as world:
        revision = await under_way(world, "Promoted")
        first = world.status["decision"]
        world.edit(annotations=by(ABORT, "alice", revision))
        dies_at(world, write, done=done)
        for _ in range(30):
            try:
                await world.reconcile()
            except Died:
                world.tracked = TrackedPolicy.load(world.policy, world.now)
        found = {each["metadata"]["name"]: each["spec"] for each in world.verdicts()}
        overlay = world.api.at(ROUTES, "llm", overlay_name("qa"))
    assert world.status["phase"] == "RolledBack" and weights_in(overlay) == {(100, 0)}
    assert set(found) == {first["name"], f"{first['name']}-2"}
    second = found[f"{first['name']}-2"]
    assert second["digest"] == world.status["decision"]["digest"] and second["previous"] == first["digest"]


async def test_an_abort_that_comes_just_before_the_route_is_written_is_seen_before_it_is() -> None:
    async with World(SAVING, ONE_STEP).open() as world:
        await world.reconcile_until("Observing")
        original, weights = world.api._call, list[set[tuple[int, ...]]]()

        async def call(method: str, path: str, *rest: Any) -> Any:
            answer = await original(method, path, *rest)
            if method == "POST" and "earlystopverdicts" in path and ABORT not in str(world.policy["metadata"]):
                # No watch event has told the operator yet.
                made = world.policy
                metadata = {**made["metadata"], "annotations": {ABORT: made["status"]["revision"]}}
                world.api.put(POLICIES, {**made, "metadata": metadata})
            if method == "PUT" and "httproutes" in path:
                weights.append(weights_in(rest[0]))
            return answer

        setattr(world.api, "_call", call)  # noqa: B010
        await world.reconcile_until("RolledBack")
    assert weights == [{(100, 0)}], "all requests were given to a candidate that somebody had aborted"
    assert len(world.verdicts()) == 2


async def test_a_promotion_that_is_aborted_before_its_verdict_was_stored_keeps_that_verdict() -> None:
    async with World(SAVING, ONE_STEP).open() as world:
        await world.reconcile_until("Observing")
        world.api.fail("POST", *[ClusterError(403, "exceeded quota")] * 100)
        await world.reconcile_until("Promoting")
        world.api._failures.clear()
        world.edit(annotations={ABORT: world.status["revision"]})
        await world.reconcile_until("RolledBack", reconciliations=20)
        first, second = sorted(world.verdicts(), key=lambda each: len(each["metadata"]["name"]))
    assert first["spec"]["decision"] == "Promote" and second["spec"]["previous"] == first["spec"]["digest"]
