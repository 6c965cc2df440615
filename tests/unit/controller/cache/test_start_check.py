"""What was edited while no operator watched is found from the first lists, whatever their order."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from earlystop.controller.cache.start_check import QUIET_SECONDS, StartCheck
from earlystop.controller.cache.watch_cache import WatchCache
from earlystop.controller.cluster import KIND_OF, ROUTES, SERVICES, Manifest
from earlystop.controller.desired_split import desired_split
from earlystop.delivery.object_key import ObjectKey
from tests.unit.controller.traffic.moves import Moves
from tests.unit.delivery.cluster import route, rule, service
from tests.unit.rollout.policies import NOW

Objects = dict[tuple[str, str], Manifest]
OVERLAY, USERS = ("HTTPRoute", "qa-early-stop"), ("HTTPRoute", "qa")
SERVICE, ALIAS = ("Service", "qa"), ("Service", "qa-es-candidate")


async def left_behind() -> tuple[Moves, Objects]:
    """A policy with its overlay in force, and the objects as an operator left them."""
    moves = Moves()
    split = desired_split(moves.tracked.state)
    assert split is not None
    await moves.in_force(split)
    objects = {}
    for resource in (ROUTES, SERVICES):
        for path, made in moves.api.objects.items():
            if f"/{resource.plural}/" in path:
                objects[KIND_OF[resource], made["metadata"]["name"]] = copy.deepcopy(made)
    assert {OVERLAY, USERS, SERVICE, ALIAS} <= objects.keys()
    return moves, objects


def edited(objects: Objects, key: tuple[str, str], change: Callable[[Manifest], Any]) -> None:
    change(objects[key]["spec"])


def found(moves: Moves, objects: Objects, *, backwards: bool, seconds: float = 0.0) -> bool | None:
    """Whether the policy is to be checked once these objects are listed; None while that is not known."""
    now = float(NOW)
    cache = WatchCache()
    check = StartCheck(cache, lambda: now)
    check.expect(moves.tracked)
    policies = {moves.tracked.key: moves.tracked}
    for (kind, name), made in sorted(objects.items(), reverse=backwards):
        key = ObjectKey(kind, "llm", name)
        check.note_listed(key, made)
        cache.note_event(key, made, listed=True)
    now += seconds
    result = list(check.found_edited(policies))
    if result:
        return True
    return None if check.awaits(moves.tracked.key) else False


@pytest.mark.parametrize("backwards", [False, True])
async def test_a_fleet_that_is_as_it_was_left_is_not_checked_at_once(backwards: bool) -> None:
    moves, objects = await left_behind()
    assert found(moves, objects, backwards=backwards) is False


EDITS: dict[str, Callable[[Objects], Any]] = {
    "the weights were edited": lambda objects: edited(
        objects, OVERLAY, lambda spec: spec["rules"][-1]["backendRefs"][0].update(weight=1)
    ),
    "the overlay was detached": lambda objects: edited(objects, OVERLAY, lambda spec: spec.pop("parentRefs")),
    "the route moved": lambda objects: objects.update({USERS: route(rule(to="other"))}),
    "the route has other hostnames": lambda objects: edited(
        objects, USERS, lambda spec: spec.update(hostnames=["a.b"])
    ),
    "the Service selects other Pods": lambda objects: objects.update({SERVICE: service(app="blue")}),
    "the Service has another targetPort": lambda objects: edited(
        objects, SERVICE, lambda spec: spec["ports"][0].update(targetPort=8082)
    ),
}


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("edit", EDITS)
async def test_what_was_edited_while_no_operator_watched_is_found_once_it_is_listed(edit: str, backwards: bool) -> None:
    moves, objects = await left_behind()
    EDITS[edit](objects)
    assert found(moves, objects, backwards=backwards) is True


@pytest.mark.parametrize("gone", [USERS, OVERLAY, SERVICE, ALIAS], ids=lambda each: "/".join(each))
async def test_what_is_not_listed_is_taken_for_gone_when_the_lists_are_over(
    gone: tuple[str, str],
) -> None:
    moves, objects = await left_behind()
    del objects[gone]
    assert found(moves, objects, backwards=False) is None
    assert found(moves, objects, backwards=False, seconds=QUIET_SECONDS) is True


@pytest.mark.parametrize("attached", [False, True])
async def test_of_a_policy_that_left_its_target_just_an_overlay_that_is_attached_again_is_found(attached: bool) -> None:
    moves, objects = await left_behind()
    moves.tracked.traffic.handover.resume("other")
    if not attached:
        edited(objects, OVERLAY, lambda spec: spec.pop("parentRefs"))
    assert found(moves, objects, backwards=False) is attached
