"""An Envoy AI Gateway in a cluster: users are led once all of its proxies know what writes bodies, and weights change
nothing of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from earlystop.controller.cluster import (
    AI_GATEWAY_ROUTES,
    AI_SERVICE_BACKENDS,
    DEFINITIONS,
    DEPLOYMENTS,
    ENVOY_BACKENDS,
    GATEWAY_CLASSES,
    GATEWAYS,
    ROUTES,
)
from earlystop.controller.orphan_collector import GRACE_SECONDS, OrphanCollector
from earlystop.controller.resources import Resource
from earlystop.delivery import envoy_ai_gateway
from earlystop.delivery.envoy_ai_gateway import SECONDS_TO_SETTLE
from earlystop.delivery.golden_rules import serves_no_user
from earlystop.delivery.names import overlay_name
from tests.unit.controller.traffic.gateways import Gateway
from tests.unit.controller.traffic.moves import ALL, HALF, NONE, Moves
from tests.unit.delivery.body_policies import ENVOY_CLASS, NAMES, envoy_spec
from tests.unit.delivery.cluster import gateway, running
from tests.unit.delivery.probe_answers import served
from tests.unit.rollout.policies import NOW

KINDS = (ENVOY_BACKENDS, AI_SERVICE_BACKENDS, AI_GATEWAY_ROUTES)


@pytest.fixture
async def moves() -> AsyncIterator[Moves]:
    """A policy behind an Envoy AI Gateway that plays the overlay, and whose injector has come to be ready."""
    moves = Moves(spec=envoy_spec())
    moves.api.writes_gateway_objects = True
    for each in envoy_ai_gateway.DEFINITIONS:
        moves.api.put(DEFINITIONS, {"metadata": {"name": each.name}})
    moves.api.put(GATEWAY_CLASSES, {"metadata": {"name": "traefik"}, **ENVOY_CLASS["traefik"]})
    async with served(Gateway(moves.api)) as url:
        parts = urlsplit(url)
        listener = {"name": "web", "protocol": "HTTP", "port": parts.port}
        moves.api.put(GATEWAYS, gateway(listener, address=parts.hostname))
        await moves.put(HALF)
        moves.api.put(DEPLOYMENTS, running(moves.api.at(DEPLOYMENTS, "llm", "qa-es-injector")))
        yield moves


def made_at(moves: Moves, at: float) -> None:
    """All that the gateway has was created then."""
    stamp = datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
    for resource in KINDS:
        for name in NAMES:
            found = moves.api.at(resource, "llm", name)
            moves.api.put(resource, {**found, "metadata": {**found["metadata"], "creationTimestamp": stamp}})


def overlay_path() -> str:
    return ROUTES.path("llm", overlay_name("qa"))


async def test_everything_behind_the_overlay_stands_before_it(moves: Moves) -> None:
    assert all(resource.path("llm", name) in moves.api.objects for resource in KINDS for name in NAMES)
    assert ENVOY_BACKENDS.path("llm", "qa-es-injector") in moves.api.objects
    assert overlay_path() not in moves.api.objects


async def test_users_are_led_once_the_gateways_objects_are_old_enough(moves: Moves) -> None:
    made_at(moves, moves.now)
    await moves.put(HALF, 10.0)  # the rules for probes
    early = await moves.put(HALF, SECONDS_TO_SETTLE - 11.0)
    assert early.observation.reason == "WaitingForGateway" and "may not know all" in early.observation.message
    assert serves_no_user(moves.api.at(ROUTES, "llm", overlay_name("qa")))
    await moves.put(HALF, 1.0)
    assert moves.overlay_weights() == {(50, 50)}


async def test_a_promotion_and_a_rollback_move_the_overlays_weights_alone(moves: Moves) -> None:
    await moves.in_force(HALF)
    for wanted, weights in ((ALL, (0, 100)), (NONE, (100, 0))):
        moves.api.calls.clear()
        await moves.put(wanted)
        assert moves.overlay_weights() == {weights}
        assert {path.rsplit("/", 2)[1] for _, path in moves.api.calls} == {"httproutes"}


@pytest.mark.parametrize("resource", KINDS, ids=lambda each: each.plural)
async def test_a_foreign_edit_of_what_was_made_is_undone_and_the_gateways_finalizer_stays(
    moves: Moves, resource: Resource
) -> None:
    await moves.in_force(HALF)
    before = moves.api.at(resource, "llm", NAMES[1])
    kept = {**before["metadata"], "finalizers": ["aigateway.envoyproxy.io/finalizer"]}
    moves.api.put(resource, {**before, "metadata": kept, "spec": {}})
    await moves.put(HALF)
    after: dict[str, Any] = moves.api.at(resource, "llm", NAMES[1])
    assert after["spec"] == before["spec"] and after["metadata"]["finalizers"] == kept["finalizers"]


async def test_the_users_route_is_never_written(moves: Moves) -> None:
    users = ROUTES.path("llm", "qa")
    before = dict(moves.api.objects[users])
    await moves.in_force(HALF)
    await moves.put(NONE)
    assert moves.api.objects[users] == before


async def test_what_a_deleted_policy_leaves_goes_after_its_overlay(moves: Moves) -> None:
    await moves.in_force(HALF)
    for resource in KINDS:
        moves.api.serve(resource)
    for path in [each for each in moves.api.objects if "/earlystoppolicies/" in each]:
        del moves.api.objects[path]
    del moves.api.objects[overlay_path()]
    now = [float(NOW)]
    collector = OrphanCollector(moves.api, lambda: now[0], [None])
    await collector.sweep()
    assert {tuple(owners(moves, resource, name)) for resource in KINDS for name in NAMES} == {
        ("EarlyStopPolicy", "Service")
    }
    now[0] += GRACE_SECONDS
    await collector.sweep()
    assert {tuple(owners(moves, resource, name)) for resource in KINDS for name in NAMES} == {("EarlyStopPolicy",)}


async def test_a_route_that_the_gateway_made_of_ours_is_not_taken_for_an_overlay_that_is_left_behind(
    moves: Moves,
) -> None:
    """It has copies of the labels of the AIGatewayRoute, which owns it."""
    await moves.in_force(HALF)
    ours = moves.api.at(AI_GATEWAY_ROUTES, "llm", NAMES[1])["metadata"]
    owner = {"kind": "AIGatewayRoute", "name": NAMES[1], "uid": ours["uid"], "controller": True}
    labelled = {key: ours[key] for key in ("name", "namespace", "labels")}
    theirs = moves.api.put(ROUTES, {"metadata": {**labelled, "ownerReferences": [owner]}, "spec": {"rules": []}})
    for path in [each for each in moves.api.objects if "/earlystoppolicies/" in each]:
        del moves.api.objects[path]
    await OrphanCollector(moves.api, lambda: float(NOW), [None]).sweep()
    assert moves.api.at(ROUTES, "llm", NAMES[1]) == theirs
    (left,) = moves.api.at(ROUTES, "llm", overlay_name("qa"))["metadata"]["ownerReferences"]
    assert left["kind"] == "EarlyStopPolicy" and not left.get("controller")


def owners(moves: Moves, resource: Resource, name: str) -> list[str]:
    return [each["kind"] for each in moves.api.at(resource, "llm", name)["metadata"]["ownerReferences"]]
