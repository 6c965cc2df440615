"""A promoted policy whose target changes: told, acted on as the policy says, and never by what changes nothing."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from earlystop.api.wire import MODEL_LABEL
from earlystop.controller.cluster import DEPLOYMENTS, Manifest
from earlystop.rollout.formatting import from_rfc3339
from earlystop.rollout.verify import object_differences
from tests.unit.controller.guarded_world import GuardedWorld
from tests.unit.controller.killed import Dying, Killed


class CertifiedWorld(GuardedWorld):
    """A policy whose target the test changes."""

    def __init__(self, on_change: str = "Keep", guard: dict[str, Any] | None = None) -> None:
        super().__init__(guard)
        self.edit_spec({**self.policy["spec"], "certificate": {"onChange": on_change}})

    def change(self, edit: Callable[[Manifest], None]) -> None:
        """Somebody changes the target's Deployment, and a watch shows it."""
        target = copy.deepcopy(self.api.at(DEPLOYMENTS, "llm", "qa-server"))
        edit(target)
        self.api.put(DEPLOYMENTS, target)
        self.tracked.acceptance.require_check()

    def label(self, model: str) -> None:
        def edit(target: Manifest) -> None:
            target["spec"]["template"]["metadata"]["labels"][MODEL_LABEL] = model

        self.change(edit)


async def test_another_model_ends_the_certificate_and_nothing_else_by_default() -> None:
    async with CertifiedWorld().open() as world:
        assert isinstance(world, CertifiedWorld)
        await world.reconcile_until("Promoted")
        await world.reconcile()
        assert world.condition("Certified")["status"] == "True"
        world.label("llama-4")
        await world.reconcile()
        assert world.condition("Certified")["reason"] == "ModelChanged" and "ModelChanged" in world.told()
        world.restart()
        await world.pass_time(600)
        assert world.condition("Certified")["status"] == "False"
        assert world.status["phase"] == "Promoted" and len(world.verdicts()) == 1


async def test_scaling_the_target_ends_no_certificate() -> None:
    async with CertifiedWorld().open() as world:
        assert isinstance(world, CertifiedWorld)
        await world.reconcile_until("Promoted")
        await world.reconcile()
        world.change(lambda target: target["spec"].update(replicas=9))
        await world.pass_time(600)
        assert world.condition("Certified")["status"] == "True"


async def test_a_target_that_is_gone_shows_no_change() -> None:
    async with CertifiedWorld().open() as world:
        assert isinstance(world, CertifiedWorld)
        await world.reconcile_until("Promoted")
        await world.reconcile()
        del world.api.objects[DEPLOYMENTS.path("llm", "qa-server")]
        await world.pass_time(600)
        assert world.condition("Certified")["status"] == "True"


async def changed_after_promotion(world: CertifiedWorld) -> None:
    await world.reconcile_until("Promoted")
    await world.reconcile()
    world.label("llama-4")


async def test_the_way_back_waits_a_minute_takes_the_route_back_and_then_stores_a_verdict_that_verifies() -> None:
    async with CertifiedWorld("RollBack").open() as world:
        assert isinstance(world, CertifiedWorld)
        await changed_after_promotion(world)
        await world.reconcile()
        assert world.status["phase"] == "Promoted" and world.condition("Certified")["status"] == "False"
        since, before = world.status["certified"]["lapse"]["since"], len(world.written("route", "verdict"))
        await world.reconcile_until("RolledBack")
        assert from_rfc3339(world.status["decision"]["at"]) - from_rfc3339(since) == 60
        assert world.written("route", "verdict")[before:][-2:] == ["route", "verdict"]
        first, second = world.verdicts()
        assert second["metadata"]["name"] == f"{first['metadata']['name']}-2"
        assert (second["spec"]["reason"], second["spec"]["decision"]) == ("CertificateLapsed", "RollBack")
        assert object_differences(second) == [] and second["spec"]["previous"] == first["spec"]["digest"]
        assert "certified" not in world.status and not world.condition("Certified")


@pytest.mark.slow
async def test_a_new_campaign_tries_the_setting_anew_and_certifies_it_on_what_serves_then() -> None:
    async with CertifiedWorld("Revalidate").open() as world:
        assert isinstance(world, CertifiedWorld)
        await changed_after_promotion(world)
        while world.status["campaign"] == 1:
            await world.reconcile()
        assert "Revalidating" in world.told() and world.status["phase"] != "Promoted"
        assert world.condition("Certified")["reason"] == "ModelChanged"
        await world.reconcile_until("Promoted")
        await world.reconcile()
        assert world.condition("Certified")["status"] == "True"
        assert world.status["certified"]["bound"]["model"] == "llama-4"
        await world.pass_time(3600)
        assert world.status["campaign"] == 2 and len(world.verdicts()) == 2


@pytest.mark.parametrize("on_change", ["Revalidate", "RollBack"])
async def test_a_target_that_is_rolled_out_back_and_forth_moves_no_request(on_change: str) -> None:
    async with CertifiedWorld(on_change).open() as world:
        assert isinstance(world, CertifiedWorld)
        await world.reconcile_until("Promoted")
        await world.reconcile()
        as_certified = copy.deepcopy(world.api.at(DEPLOYMENTS, "llm", "qa-server"))
        begun = world.now
        for number in range(31):
            world.now = begun + 20 * number
            if number % 2:
                world.change(lambda target: target.update(as_certified))
            else:
                world.label("llama-4")
            await world.reconcile()
        assert (world.status["phase"], world.status["campaign"]) == ("Promoted", 1)
        assert world.condition("Certified")["status"] == "False"


@pytest.mark.parametrize("on_change", ["Revalidate", "RollBack"])
async def test_a_suspended_policy_is_told_of_a_lapse_and_moves_nothing(on_change: str) -> None:
    async with CertifiedWorld(on_change).open() as world:
        assert isinstance(world, CertifiedWorld)
        await world.reconcile_until("Promoted")
        world.edit_spec({**world.policy["spec"], "suspend": True})
        await world.reconcile()
        world.label("llama-4")
        await world.pass_time(900)
        assert (world.status["phase"], world.status["campaign"]) == ("Promoted", 1)
        assert world.condition("Certified")["reason"] == "ModelChanged"


async def test_a_target_that_was_put_back_while_no_operator_ran_costs_no_request() -> None:
    async with CertifiedWorld("RollBack").open() as world:
        assert isinstance(world, CertifiedWorld)
        await world.reconcile_until("Promoted")
        await world.reconcile()
        as_certified = copy.deepcopy(world.api.at(DEPLOYMENTS, "llm", "qa-server"))
        world.label("llama-4")
        await world.reconcile()
        assert world.condition("Certified")["status"] == "False"
        world.api.put(DEPLOYMENTS, as_certified)
        world.now += 3600
        world.restart()
        await world.pass_time(600)
        assert world.status["phase"] == "Promoted" and world.condition("Certified")["status"] == "True"


@pytest.mark.slow
@pytest.mark.parametrize(("on_change", "phase"), [("RollBack", "RolledBack"), ("Revalidate", "Promoted")])
async def test_wherever_the_operator_dies_a_lapse_comes_to_the_same_end(on_change: str, phase: str) -> None:
    async with CertifiedWorld(on_change).open() as first:
        assert isinstance(first, CertifiedWorld)
        await changed_after_promotion(first)
        objects, now = first.api.objects, first.now
    expected = await to_the_end(objects, now, on_change, phase, None)
    for kill_at in range(8):
        for before in (True, False):
            assert await to_the_end(objects, now, on_change, phase, kill_at, before=before) == expected


async def to_the_end(
    objects: dict[str, Manifest], now: float, on_change: str, phase: str, kill_at: int | None, *, before: bool = False
) -> list[str]:
    """The operator dies at one of its writes, and another one follows. Returns the reasons of all verdicts."""
    world = CertifiedWorld(on_change)
    world.api, world.now = Dying(copy.deepcopy(objects), kill_at, before=before), now
    world.restart()
    async with world.open():
        for _ in range(300):
            try:
                await world.reconcile()
            except Killed:
                assert isinstance(world.api, Dying)
                world.api.kill_at = None
                world.restart()
            if world.status["phase"] == phase and len(world.verdicts()) == 2:
                break
        return [str(each["spec"]["reason"]) for each in world.verdicts()]
