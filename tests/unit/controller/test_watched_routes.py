"""A change of any route concerns the policies of the routes that it may compete with, and no others."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from earlystop.controller.cluster import ROUTES, Manifest
from earlystop.controller.traffic.neighbourhood import reader_of
from earlystop.controller.watched_routes import WatchedRoutes
from earlystop.delivery.names import overlay_name
from tests.unit.controller.embedded_world import World
from tests.unit.delivery.cluster import header, prefix, route, rule
from tests.unit.rollout.traffic import Quality

QA = ("llm", "qa")


def users(generation: int = 1, **metadata: Any) -> Manifest:
    made = route(rule(prefix("/v1")), hostnames=["qa.example"])
    return {**made, "metadata": {**made["metadata"], "uid": "qa-uid", "generation": generation, **metadata}}


def rival(*matches: dict[str, Any], generation: int = 1, **spec: Any) -> Manifest:
    parents = [{"name": "edge", "namespace": "llm"}]
    made = route(rule(*matches), **{"parentRefs": parents, "hostnames": ["qa.example"], **spec})
    return {**made, "metadata": {"name": "rival", "namespace": "web", "uid": "rival-uid", "generation": generation}}


def accepted(manifest: Manifest, status: str) -> Manifest:
    condition = {"type": "Accepted", "status": status, "observedGeneration": manifest["metadata"]["generation"]}
    parent = {"parentRef": manifest["spec"]["parentRefs"][0], "conditions": [condition]}
    return {**manifest, "status": {"parents": [parent]}}


@pytest.fixture
def watched() -> WatchedRoutes:
    routes = WatchedRoutes()
    assert routes.changed(users(), listed=True) == frozenset()
    return routes


MEETS: dict[str, tuple[Manifest, bool]] = {
    "the same host": (rival(), True),
    "a host that takes it in": (rival(hostnames=["*.example"]), True),
    "every host": (rival(hostnames=[]), True),
    "a path below": (rival(prefix("/v1/chat")), True),
    "a path above": (rival(prefix("/")), True),
    "a regular expression": (rival({"path": {"type": "RegularExpression", "value": "/x.*"}}), True),
    "another host": (rival(hostnames=["other.example"]), False),
    "another path": (rival(prefix("/metrics")), False),
    "another Gateway": (rival(parentRefs=[{"name": "inner", "namespace": "llm"}]), False),
    "no Gateway": (rival(parentRefs=[]), False),
    "a set of listeners": (rival(parentRefs=[{"kind": "ListenerSet", "name": "team"}]), True),
    "a set of listeners, for another host": (
        rival(parentRefs=[{"kind": "ListenerSet", "name": "team"}], hostnames=["other.example"]),
        False,
    ),
    "a mesh": (rival(parentRefs=[{"group": "", "kind": "Service", "name": "qa"}]), False),
    "default Gateways": (rival(parentRefs=[], useDefaultGateways="All"), True),
    "no default Gateways": (rival(parentRefs=[], useDefaultGateways="None"), False),
}


@pytest.mark.parametrize("name", MEETS)
def test_a_route_that_comes_or_goes_concerns_those_that_it_may_compete_with(watched: WatchedRoutes, name: str) -> None:
    manifest, meets = MEETS[name]
    assert (QA in watched.changed(manifest)) == meets
    assert (QA in watched.deleted(manifest)) == meets


def test_a_route_that_moves_away_concerns_those_that_it_competed_with(watched: WatchedRoutes) -> None:
    watched.changed(rival())
    assert QA in watched.changed(rival(hostnames=["other.example"], generation=2))
    assert QA not in watched.changed(rival(hostnames=["third.example"], generation=3))


def test_status_that_gateways_write_concerns_nobody_unless_one_gives_a_route_up_or_takes_it(
    watched: WatchedRoutes,
) -> None:
    watched.changed(rival())
    assert watched.changed(accepted(rival(), "True")) == frozenset()
    assert QA in watched.changed(accepted(rival(), "False"))
    assert watched.changed(accepted(rival(), "False")) == frozenset()
    assert QA in watched.changed(accepted(rival(), "True"))


def test_labels_and_annotations_of_a_route_concern_its_own_policy_alone(watched: WatchedRoutes) -> None:
    watched.changed(rival())
    assert watched.changed(users(labels={"auth": "jwt"})) == {QA}
    assert watched.changed(users(labels={"auth": "jwt"})) == frozenset()
    assert watched.changed(users(labels={"auth": "jwt"}, annotations={"konghq.com/plugins": "x"})) == {QA}


async def test_a_route_that_comes_later_takes_the_overlay_off_and_gives_it_back_when_it_goes() -> None:
    world = World(Quality(requests=40))

    async def follow() -> None:
        """What the runtime does about a route that competes."""
        reader_of(world.api).forget_routes()
        world.tracked.acceptance.require_check()
        world.tracked.traffic.require_recheck()
        await world.reconcile()

    async with world.open():
        await world.reconcile_until("Observing")
        taking = rival(prefix("/", headers=[header("x-model", "other")]), hostnames=[])
        world.api.put(ROUTES, {**taking, "metadata": {**taking["metadata"], "namespace": "llm"}})
        await follow()
        assert "parentRefs" not in world.api.at(ROUTES, "llm", overlay_name("qa"))["spec"]
        refusal = world.tracked.observations.refusal
        assert refusal is not None and "HTTPRoute llm/rival" in refusal.message
        del world.api.objects[ROUTES.path("llm", "rival")]
        await follow()
        await world.reconcile_until("Observing")
        assert world.tracked.observations.refusal is None
        assert "parentRefs" in world.api.at(ROUTES, "llm", overlay_name("qa"))["spec"]


def test_routes_that_are_alike_share_their_parents_and_paths() -> None:
    one, other = (WatchedRoutes(), WatchedRoutes())
    for each in (one, other):
        each.changed(rival(prefix("/v1")))
    (ours,), (theirs,) = one._routes.values(), other._routes.values()
    assert ours.paths is theirs.paths and ours.parents is theirs.parents


def test_a_route_that_is_edited_again_and_again_leaves_nothing_of_its_many_paths_in_memory() -> None:
    """Anybody who may write a route in any namespace could fill the operator's memory."""
    routes = WatchedRoutes()
    many = [prefix(f"/{number}/{'x' * 1000}") for number in range(64)]
    routes.changed(rival(*many))
    (known,) = routes._routes.values()
    paths = weakref.ref(known.paths)
    del known
    routes.changed(rival(prefix("/v1"), generation=2))
    gc.collect()
    assert paths() is None
