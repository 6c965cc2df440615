"""An InferencePool behind an injector, in a cluster: what stands first, and what leaves with the overlay."""

from __future__ import annotations

from earlystop.controller.cluster import DEPLOYMENTS, GATEWAYS, INFERENCE_POOLS, ROUTES, SERVICES, Manifest
from earlystop.delivery.decisions import SplitStatus
from earlystop.delivery.golden_rules import serves_no_user
from earlystop.delivery.names import inner_route_name, overlay_name
from tests.unit.controller.traffic.moves import HALF, Moves
from tests.unit.delivery.before_a_pool import ROUTES as MATCHES
from tests.unit.delivery.before_a_pool import TO_POOL, pool
from tests.unit.delivery.cluster import gateway, route, running


def moves_before_a_pool() -> Moves:
    moves = Moves("RequestBody")
    moves.api.inference_pools = True
    for name in ("qa", "other"):
        moves.api.objects.pop(SERVICES.path("llm", name), None)
    found = moves.api.at(ROUTES, "llm", "qa")
    users = route({"matches": MATCHES["a prefix"], "backendRefs": [TO_POOL]})
    moves.api.put(ROUTES, {**found, "spec": {**found["spec"], "rules": users["spec"]["rules"]}})
    moves.api.put(INFERENCE_POOLS, pool())
    # Nobody listens there, so no probe comes back and users stay as they are.
    moves.api.put(GATEWAYS, gateway({"name": "web", "protocol": "HTTP", "port": 1}, address="127.0.0.1"))
    return moves


def made(moves: Moves, name: str) -> Manifest | None:
    return moves.api.objects.get(ROUTES.path("llm", name))


async def tried() -> Moves:
    """The injector's Pods have come to be ready, and the overlay is tried on probes."""
    moves = moves_before_a_pool()
    first = await moves.put(HALF)
    assert (first.status, first.observation.reason) == (SplitStatus.NOT_WRITTEN, "InjectorNotReady")
    assert made(moves, inner_route_name("qa")) is not None, "the injector is ready only once it is served"
    assert made(moves, overlay_name("qa")) is None
    moves.api.put(DEPLOYMENTS, running(moves.api.at(DEPLOYMENTS, "llm", "qa-es-injector")))
    await moves.put(HALF)
    return moves


async def test_the_inner_route_stands_before_the_injector_is_ready_and_the_overlay_after_both() -> None:
    moves = await tried()
    overlay = made(moves, overlay_name("qa"))
    assert overlay is not None and serves_no_user(overlay), "no probe has come back"
    assert overlay["spec"]["parentRefs"]


async def test_an_edit_of_the_inner_route_is_undone() -> None:
    moves = await tried()
    found = made(moves, inner_route_name("qa"))
    assert found is not None
    moves.api.put(ROUTES, {**found, "spec": {**found["spec"], "rules": found["spec"]["rules"][1:]}})
    await moves.put(HALF)
    assert (made(moves, inner_route_name("qa")) or {})["spec"] == found["spec"]


async def test_a_pool_that_goes_takes_everybody_off_and_the_inner_route_leaves_the_gateway_too() -> None:
    moves = await tried()
    del moves.api.objects[INFERENCE_POOLS.path("llm", "qa-pool")]
    found = await moves.put(HALF)
    assert found.observation.reason == "PoolNotFound"
    for name in (overlay_name("qa"), inner_route_name("qa")):
        route_left = made(moves, name)
        assert route_left is not None and serves_no_user(route_left)
