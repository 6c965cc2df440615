"""Users are led through an injector while it has a ready Pod, and by their own route whenever it has none."""

from __future__ import annotations

from earlystop.controller.cache.stripped import gist, stripped
from earlystop.controller.cluster import DEPLOYMENTS, DISRUPTION_BUDGETS, NETWORK_POLICIES, ROUTES, SERVICES, Manifest
from earlystop.delivery.decisions import SplitStatus
from earlystop.delivery.golden_rules import serves_no_user
from earlystop.delivery.names import overlay_name
from tests.unit.controller.traffic.moves import HALF, Moves
from tests.unit.delivery.cluster import deployment, running

NAME = "qa-es-injector"


def set_ready(moves: Moves, pods: int) -> None:
    """What the Deployment's controller writes."""
    found = running(moves.api.at(DEPLOYMENTS, "llm", NAME))
    moves.api.put(DEPLOYMENTS, {**found, "status": found["status"] | {"readyReplicas": pods}})


def leads_users(moves: Moves) -> bool:
    overlay = moves.api.objects.get(ROUTES.path("llm", overlay_name("qa")))
    return overlay is not None and not serves_no_user(overlay)


async def test_its_objects_are_written_first_and_the_overlay_once_its_pods_are_ready() -> None:
    moves = Moves("RequestBody")
    first = await moves.put(HALF)
    assert (first.status, first.observation.reason) == (SplitStatus.NOT_WRITTEN, "InjectorNotReady")
    assert not leads_users(moves)
    for kind in (DEPLOYMENTS, DISRUPTION_BUDGETS, NETWORK_POLICIES):
        assert moves.api.at(kind, "llm", NAME)
    assert moves.api.at(SERVICES, "llm", "qa-es-baseline-injected")
    moves.api.calls.clear()
    set_ready(moves, 1)
    assert (await moves.put(HALF)).observation.reason == "InjectorNotReady"
    assert moves.api.calls == [], "nothing is written twice"
    set_ready(moves, 2)
    await moves.in_force(HALF)
    assert leads_users(moves) and moves.overlay_weights() == {(50, 50)}


async def test_that_its_pods_are_refused_is_seen_and_told_in_the_words_of_what_refuses_them() -> None:
    moves = Moves("RequestBody")
    await moves.put(HALF)
    set_ready(moves, 0)
    starting = moves.api.at(DEPLOYMENTS, "llm", NAME)
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: team"}
    refused = {**starting, "status": {**starting["status"], "conditions": [failure]}}
    assert gist("Deployment", stripped("Deployment", starting)) != gist("Deployment", stripped("Deployment", refused))
    moves.api.put(DEPLOYMENTS, refused)
    told = (await moves.put(HALF)).observation
    assert told.reason == "InjectorNotReady" and "exceeded quota: team. Raise the quota" in told.message


async def test_without_a_ready_pod_users_are_taken_off_and_with_two_they_are_back() -> None:
    moves = Moves("RequestBody")
    await moves.put(HALF)
    set_ready(moves, 2)
    await moves.in_force(HALF)
    set_ready(moves, 1)
    await moves.put(HALF)
    assert leads_users(moves)
    set_ready(moves, 0)
    off = await moves.put(HALF)
    assert not leads_users(moves) and off.observation.reason == "InjectorNotReady"
    assert off.changed == (f"HTTPRoute {overlay_name('qa')}",), "the step's evidence begins anew"
    set_ready(moves, 1)
    await moves.put(HALF)
    assert not leads_users(moves)
    set_ready(moves, 2)
    await moves.in_force(HALF)
    assert leads_users(moves)


def test_readiness_of_the_operators_own_pods_is_followed_and_that_of_users_is_not() -> None:
    def seen(manifest: Manifest, pods: int) -> bytes:
        return gist("Deployment", stripped("Deployment", {**manifest, "status": {"readyReplicas": pods}}))

    labels = {
        "app.kubernetes.io/managed-by": "earlystop",
        "earlystop.dev/policy": "qa",
        "earlystop.dev/policy-uid": "u-1",
    }
    users = deployment()
    own = {**users, "metadata": {**users["metadata"], "labels": labels}}
    assert seen(own, 1) != seen(own, 2)
    assert seen(users, 1) == seen(users, 2)
    assert stripped("Deployment", own)["spec"] == own["spec"], "what is written back is kept whole"
