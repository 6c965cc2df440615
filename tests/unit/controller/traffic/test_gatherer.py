"""How often the surroundings of a policy are read, and that what was read is not used when it may have changed."""

from __future__ import annotations

from collections import Counter

from earlystop.controller.cluster import DEPLOYMENTS, ROUTES, Manifest
from earlystop.controller.memory.pauses import RECHECK_SECONDS
from tests.unit.controller.embedded_world import World
from tests.unit.controller.memory import Memory
from tests.unit.delivery.cluster import backend, prefix, route
from tests.unit.rollout.policies import NOW
from tests.unit.rollout.traffic import Quality

SAME = Quality(requests=40)
DEPLOYMENT = DEPLOYMENTS.path("llm", "qa-server")


class Counted(Memory):
    """A Kubernetes API that counts what is read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: Counter[str] = Counter()

    async def _call(
        self, method: str, path: str, body: Manifest | None = None, content_type: str = "application/json"
    ) -> Manifest:
        if method == "GET":
            self.reads[path] += 1
        return await super()._call(method, path, body, content_type)


def counted(world: World) -> Counted:
    """The world's API, from here on one that counts."""
    api = Counted()
    api.objects = world.api.objects
    world.api = api
    return api


async def test_a_check_and_the_weights_that_it_leads_to_read_every_object_once() -> None:
    world = World(SAME)
    api = counted(world)
    async with world.open():
        await world.reconcile_until("Observing")
        api.reads.clear()
        world.tracked.acceptance.checked_at = NOW - 2 * RECHECK_SECONDS
        await world.reconcile()
    assert api.reads[DEPLOYMENT] == 1
    assert set(api.reads.values()) == {1} and len(api.reads) >= 6


async def test_what_a_check_has_read_is_not_used_by_a_later_reconciliation() -> None:
    world = World(SAME)
    api = counted(world)
    async with world.open():
        await world.reconcile_until("Observing")
        world.tracked.acceptance.checked_at = NOW - 2 * RECHECK_SECONDS
        await world.reconcile()
        world.api.put(ROUTES, route({"matches": [prefix("/")], "backendRefs": [backend(), backend("other")]}))
        world.tracked.traffic.recheck = True
        api.reads.clear()
        await world.reconcile()
    assert api.reads[DEPLOYMENT] == 2  # once to take the overlay off, once for the step that begins anew
    assert world.tracked.observations.traffic.reason == "RouteSplitsAlready"
