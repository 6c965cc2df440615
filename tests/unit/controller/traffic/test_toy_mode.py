"""A delivery mode that has no route is one module and one row of the modes' table, and plays whole rollouts."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.api.modes import MODES, ModeTraits, watched_kinds
from earlystop.controller import handlers
from earlystop.controller.cluster import BY_KIND, Resource
from tests.turns import Turns
from tests.unit.controller.embedded_world import World
from tests.unit.controller.traffic import toy_mode
from tests.unit.rollout.traffic import Quality

CONFIG_MAPS = Resource("", "v1", "configmaps")
CHANGES = {"delivery": {"mode": "Toy", "gatewayHeader": None}}
SAVING = Quality(mean_tokens=300, requests=40)
HARMFUL = Quality(exact_match=0.4, mean_tokens=300, requests=40)


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mode's row, and the row of the kind that no other mode writes."""
    monkeypatch.setitem(MODES, "Toy", ModeTraits(module=toy_mode.__name__, watches=("ConfigMap",)))
    monkeypatch.setitem(BY_KIND, "ConfigMap", CONFIG_MAPS)


def toy_world(quality: Quality) -> World:
    """A world without any route or gateway."""
    world = World(quality, CHANGES)
    world.api.objects = {path: each for path, each in world.api.objects.items() if "gateway.networking" not in path}
    world.api.put(CONFIG_MAPS, {"metadata": {"name": toy_mode.BUDGET, "namespace": "llm"}, "data": {}})
    return world


def data(world: World) -> dict[str, Any]:
    return dict(world.api.at(CONFIG_MAPS, "llm", toy_mode.config_name("qa"))["data"])


async def test_it_raises_step_by_step_by_what_servers_count_and_promotes() -> None:
    weights: list[str] = []
    async with toy_world(SAVING).open() as world:
        turns = Turns()
        while world.status.get("phase") != "Promoted" and turns.another():
            await world.reconcile()
            weights += [data(world)["candidate"]] if data(world)["candidate"] not in weights else []
    assert weights == ["5", "25", "100"]
    assert [each["spec"]["decision"] for each in world.verdicts()] == ["Promote"]
    assert not [path for _, path in world.api.calls if "gateway.networking" in path or "/services" in path]


async def test_it_takes_a_harmful_candidate_off() -> None:
    async with toy_world(HARMFUL).open() as world:
        await world.reconcile_until("RolledBack")
    assert (data(world)["baseline"], data(world)["candidate"]) == ("100", "0")


async def test_what_it_needs_is_read_and_missed_by_its_own_check() -> None:
    world = toy_world(SAVING)
    del world.api.objects[CONFIG_MAPS.path("llm", toy_mode.BUDGET)]
    async with world.open():
        await world.reconcile()
    accepted = next(each for each in world.status["conditions"] if each["type"] == "Accepted")
    assert (accepted["status"], accepted["reason"]) == ("False", "CapacityNotFound")


async def test_the_candidate_is_taken_off_even_when_what_it_needs_is_gone() -> None:
    async with toy_world(SAVING).open() as world:
        await world.reconcile_until("Observing")
        del world.api.objects[CONFIG_MAPS.path("llm", toy_mode.BUDGET)]
        world.counts.quality = HARMFUL
        await world.reconcile_until("RolledBack")
    assert (data(world)["baseline"], data(world)["candidate"]) == ("100", "0")


async def test_a_foreign_edit_of_its_object_is_put_right_and_told() -> None:
    async with toy_world(SAVING).open() as world:
        await world.reconcile_until("Observing")
        found = world.api.at(CONFIG_MAPS, "llm", toy_mode.config_name("qa"))
        world.api.put(CONFIG_MAPS, {**found, "data": {**found["data"], "candidate": "99"}})
        world.tracked.traffic.recheck = True
        await world.reconcile()
        notes = [each["reason"] for path, each in world.api.objects.items() if "/events/" in path]
    assert data(world)["candidate"] == "5" and "ForeignEditUndone" in notes


def test_its_kind_is_watched_and_the_others_stay_watched() -> None:
    assert watched_kinds() == ("HTTPRoute", "ConfigMap")
    selected = {each.any_name for each in handlers.settings([]).watching.label_selectors}
    assert selected == {"configmaps"}, "of routes, those of users are watched as well"


def test_without_it_nothing_but_overlays_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(MODES, "Toy")
    assert watched_kinds() == ("HTTPRoute",)
