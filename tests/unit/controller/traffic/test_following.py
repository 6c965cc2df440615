"""What mirrors a user's object follows its edits, in an order in which nobody is led to what is gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from earlystop.api.conditions import ConditionStatus
from earlystop.api.wire import CARRIED_ANNOTATION
from earlystop.controller.cluster import EVENTS, ROUTES, SERVICES, ClusterError, Conflict, Manifest
from earlystop.controller.memory.pauses import RECHECK_SECONDS
from earlystop.controller.reconcile.timing import acceptance_is_due
from earlystop.controller.traffic.put_in_force import correction_note
from earlystop.delivery.alias_service import mirrored_content
from earlystop.delivery.decisions import SplitStatus
from earlystop.delivery.golden_rules import serves_no_user
from earlystop.delivery.names import overlay_name
from earlystop.delivery.routes.destinations import baseline_destinations, destinations
from tests.unit.controller.embedded_world import World
from tests.unit.controller.traffic.moves import ALL, HALF, NONE, Moves
from tests.unit.delivery.cluster import backend, route, rule, service
from tests.unit.rollout.policies import written
from tests.unit.rollout.traffic import SAME, Quality

MODES = ("GatewayHeader", "HeaderCohort")
BUSY = Quality(requests=40)


def overlay(moves: Moves) -> Manifest:
    return moves.api.at(ROUTES, "llm", overlay_name("qa"))


def users(moves: Moves) -> Manifest:
    return moves.api.at(ROUTES, "llm", "qa")


def alias(moves: Moves) -> Manifest:
    return moves.api.at(SERVICES, "llm", "qa-es-candidate")


def move_to_other_service(moves: Moves) -> None:
    moves.api.put(SERVICES, service("blue"))
    moves.api.put(ROUTES, route(rule(to="blue")))


def move_to_other_port(moves: Moves) -> None:
    made = service()
    made["spec"]["ports"].append({"name": "new", "port": 81, "targetPort": 8081, "protocol": "TCP"})
    moves.api.put(SERVICES, made)
    moves.api.put(ROUTES, route({"matches": rule()["matches"], "backendRefs": [backend(port=81)]}))


@pytest.mark.parametrize("wanted", [HALF, ALL, NONE], ids=["under way", "promoted", "aborted"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("move", [move_to_other_service, move_to_other_port])
async def test_an_overlay_is_off_as_soon_as_the_route_leads_elsewhere_and_comes_back_for_where_it_leads(
    move: Callable[[Moves], None], mode: str, wanted: Any
) -> None:
    moves = Moves(mode)
    await moves.in_force(wanted)
    assert not serves_no_user(overlay(moves))
    move(moves)
    done = await moves.put(wanted, 0.1)  # it waits for no pacing
    assert serves_no_user(overlay(moves))
    assert (done.status, done.changed) == (SplitStatus.NOT_WRITTEN, (f"HTTPRoute {overlay_name('qa')}",))
    for _ in range(4):
        await moves.put(wanted, 3.5)
        assert serves_no_user(overlay(moves)) or baseline_destinations(overlay(moves)) <= destinations(users(moves))
    assert not serves_no_user(overlay(moves))


async def test_an_overlay_that_another_policy_left_behind_is_taken_over_though_it_leads_elsewhere() -> None:
    moves = Moves()
    await moves.in_force(HALF)
    move_to_other_service(moves)
    overlay(moves)["metadata"]["ownerReferences"] = []
    for _ in range(3):
        await moves.put(HALF)
    assert baseline_destinations(overlay(moves)) == destinations(users(moves))


def with_spec(**fields: Any) -> Manifest:
    made = service()
    made["spec"] |= fields
    return made


PORT = {"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}
FIELDS: dict[str, Any] = {
    "ports": [{**PORT, "targetPort": 8082, "appProtocol": "kubernetes.io/h2c"}],
    "selector": {"app": "qa-server", "track": "stable"},
    "publishNotReadyAddresses": True,
    "trafficDistribution": "PreferClose",
    "internalTrafficPolicy": "Local",
    "sessionAffinity": "ClientIP",
    "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 60}},
    "ipFamilyPolicy": "PreferDualStack",
    "ipFamilies": ["IPv4", "IPv6"],
}


@pytest.mark.parametrize("field", FIELDS)
async def test_an_alias_follows_its_service_at_once_even_right_after_a_change_of_the_route(field: str) -> None:
    moves = Moves()
    await moves.in_force(HALF)
    before = overlay(moves)["spec"]
    moves.tracked.traffic.note_change(moves.now)
    changed = with_spec(**{field: FIELDS[field]})
    moves.api.put(SERVICES, changed)
    done = await moves.put(HALF, 0.1)
    assert alias(moves)["spec"][field] == FIELDS[field]
    assert mirrored_content(alias(moves)) == mirrored_content(changed)
    assert (done.changed, done.followed) == (("Service qa-es-candidate",), True)
    assert overlay(moves)["spec"] == before


async def test_an_edit_that_has_to_wait_for_the_pacing_of_changes_is_followed_and_not_called_foreign() -> None:
    moves = Moves()
    await moves.in_force(HALF)
    for hostname in ("a.example.com", "b.example.com"):  # the second one comes right after the change for the first
        moves.api.put(ROUTES, route(hostnames=[hostname]))
        waited = await moves.put(HALF, 3.5 if hostname == "a.example.com" else 0.1)
    assert overlay(moves)["spec"]["hostnames"] == ["a.example.com"]
    done = await moves.put(HALF, 3.5)
    assert overlay(moves)["spec"]["hostnames"] == ["b.example.com"]
    assert (waited.changed, done.changed, done.followed) == ((), (f"HTTPRoute {overlay_name('qa')}",), True)


async def test_a_foreign_edit_after_one_that_was_followed_is_called_foreign() -> None:
    moves = Moves()
    await moves.in_force(HALF)
    moves.api.put(ROUTES, route(hostnames=["a.example.com"]))
    assert (await moves.put(HALF, 3.5)).followed
    overlay(moves)["spec"]["hostnames"] = ["mine.example.com"]
    done = await moves.put(HALF, 3.5)
    assert (done.changed, done.followed) == ((f"HTTPRoute {overlay_name('qa')}",), False)


@pytest.mark.parametrize("field", ["publishNotReadyAddresses", "trafficDistribution", "sessionAffinityConfig"])
async def test_what_a_service_loses_its_alias_loses(field: str) -> None:
    moves = Moves()
    moves.api.put(SERVICES, with_spec(**{field: FIELDS[field]}))
    await moves.in_force(HALF)
    assert field in alias(moves)["spec"]
    moves.api.put(SERVICES, service())
    await moves.put(HALF)
    assert field not in alias(moves)["spec"]


async def test_annotations_that_say_where_requests_go_are_mirrored_and_others_are_not() -> None:
    moves = Moves()
    topology = "service.kubernetes.io/topology-mode"
    made = service()
    made["metadata"]["annotations"] = {topology: "Auto", "team": "qa"}
    moves.api.put(SERVICES, made)
    await moves.in_force(HALF)
    assert alias(moves)["metadata"]["annotations"] == {topology: "Auto", CARRIED_ANNOTATION: topology}
    alias(moves)["metadata"]["annotations"]["mesh.example.com/seen"] = "yes"
    moves.api.put(SERVICES, service())
    await moves.put(HALF)
    assert alias(moves)["metadata"]["annotations"] == {"mesh.example.com/seen": "yes"}


async def test_the_alias_of_a_headless_service_is_headless() -> None:
    moves = Moves()
    moves.api.put(SERVICES, with_spec(clusterIP="None"))
    await moves.in_force(HALF)
    assert alias(moves)["spec"]["clusterIP"] == "None"


@pytest.mark.parametrize("fixed", [{"clusterIP": "None"}, {"ipFamilies": ["IPv6"]}], ids=["headless", "family"])
async def test_an_alias_that_can_never_fit_its_service_again_leads_nobody_and_is_named(fixed: dict[str, Any]) -> None:
    moves = Moves()
    moves.api.put(SERVICES, with_spec(ipFamilies=["IPv4"]))
    await moves.in_force(HALF)
    moves.api.put(SERVICES, with_spec(**{"ipFamilies": ["IPv4"], **fixed}))
    done = await moves.put(HALF, 0.1)
    assert serves_no_user(overlay(moves)) and done.observation.reason == "AliasOutdated"
    assert "The operator has Service qa-es-candidate taken away" in done.observation.message
    del moves.api.objects[SERVICES.path("llm", "qa-es-candidate")]
    await moves.in_force(HALF)
    assert not serves_no_user(overlay(moves))


@pytest.mark.parametrize(
    ("followed", "reason", "warning"),
    [(True, "EditFollowed", False), (False, "ForeignEditUndone", True), (None, "DriftCorrected", False)],
)
def test_only_an_edit_by_someone_else_is_called_one(followed: bool | None, reason: str, warning: bool) -> None:
    note = correction_note("HTTPRoute qa-early-stop", followed)
    assert (note.reason, note.warning) == (reason, warning) and "HTTPRoute qa-early-stop" in note.message


async def reasons_after(edit: Callable[[World], None], *, restarted: bool = False) -> set[str]:
    """Reasons of the events that follow from an edit of a policy that is observed."""
    world = World(BUSY)
    async with world.open():
        await world.reconcile_until("Observing")
        if restarted:
            world.tracked.traffic.users_objects = None
        before = set(world.api.objects)
        edit(world)
        world.tracked.traffic.note_edit()
        await world.reconcile()
    events = [world.api.objects[path] for path in set(world.api.objects) - before]
    return {each["reason"] for each in events if each["apiVersion"] == EVENTS.api_version}


def edit_route(world: World) -> None:
    world.api.put(ROUTES, route(hostnames=["qa.example.com"]))


def edit_overlay(world: World) -> None:
    made = world.api.at(ROUTES, "llm", overlay_name("qa"))
    world.api.put(ROUTES, {**made, "spec": {**made["spec"], "hostnames": ["mine.example.com"]}})


@pytest.mark.slow
async def test_an_edit_of_the_users_own_route_is_followed_and_not_called_foreign() -> None:
    assert {"EditFollowed", "ForeignEditUndone"} & await reasons_after(edit_route) == {"EditFollowed"}
    assert {"EditFollowed", "ForeignEditUndone"} & await reasons_after(edit_overlay) == {"ForeignEditUndone"}
    assert "DriftCorrected" in await reasons_after(edit_overlay, restarted=True)


async def suspended() -> World:
    world = World(BUSY)
    async with world.open():
        await world.reconcile_until("Observing")
        world.edit_spec(written({"suspend": True}))
        await world.reconcile_until("Suspended")
        await world.reconcile()
    return world


@pytest.mark.parametrize(
    "edit",
    [
        lambda world: world.api.objects.pop(ROUTES.path("llm", "qa")),
        lambda world: world.api.put(ROUTES, route(rule(to="other"))),
        lambda world: world.api.objects.pop(SERVICES.path("llm", "qa")),
    ],
    ids=["route deleted", "route moved", "service deleted"],
)
async def test_a_suspended_policy_is_taken_off_what_its_route_left(
    edit: Callable[[World], Any],
) -> None:
    world = await suspended()
    edit(world)
    world.tracked.acceptance.require_check()
    world.tracked.traffic.note_edit()
    async with world.open():
        await world.reconcile()
    assert serves_no_user(world.api.at(ROUTES, "llm", overlay_name("qa")))
    assert world.status["phase"] == "Suspended"
    assert world.tracked.observations.traffic.status is ConditionStatus.FALSE


async def test_while_a_policy_is_suspended_its_weights_are_put_right_by_nobody() -> None:
    world = await suspended()
    edit_overlay(world)
    world.tracked.traffic.note_edit()
    world.api.calls.clear()
    async with world.open():
        await world.reconcile()
    assert world.written("route", "service") == []


async def test_an_edit_that_falls_into_a_check_is_not_overlooked(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(BUSY)
    read = world.api.read

    async def edited_meanwhile(key: Any) -> Manifest | None:
        found = await read(key)
        if key.name == overlay_name("qa") and found is not None:
            monkeypatch.setattr(world.api, "read", read)
            edit_overlay(world)
            world.tracked.traffic.note_edit()
        return found

    async with world.open():
        await world.reconcile_until("Observing")
        world.tracked.acceptance.checked_at -= 2 * RECHECK_SECONDS
        monkeypatch.setattr(world.api, "read", edited_meanwhile)
        await world.reconcile()
    assert "hostnames" not in world.api.at(ROUTES, "llm", overlay_name("qa"))["spec"]


async def test_an_edit_of_a_users_object_that_falls_into_a_check_has_the_policy_checked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(BUSY)
    read = world.api.read

    async def edited_meanwhile(key: Any) -> Manifest | None:
        world.tracked.acceptance.require_check()
        return await read(key)

    async with world.open():
        await world.reconcile_until("Observing")
        world.tracked.acceptance.checked_at -= 2 * RECHECK_SECONDS
        monkeypatch.setattr(world.api, "read", edited_meanwhile)
        await world.reconcile()
    assert acceptance_is_due(world.tracked, world.now)


@pytest.mark.parametrize("error", [Conflict(409, "changed"), ClusterError(500, "down")])
async def test_a_comparison_that_fails_is_repeated(error: ClusterError) -> None:
    world = World(SAME)
    async with world.open():
        await world.reconcile_until("Observing")
        world.api.objects.pop(ROUTES.path("llm", "qa"))
        world.tracked.traffic.note_edit()
        world.api.fail("PUT", error)
        with pytest.raises(ClusterError):
            await world.reconcile()
        assert world.tracked.traffic.recheck
        await world.reconcile()
    assert serves_no_user(world.api.at(ROUTES, "llm", overlay_name("qa")))
