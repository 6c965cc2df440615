"""A promoted policy whose target changes: told, acted on as the policy says, and never by what changes nothing."""

from __future__ import annotations

import copy
from typing import NamedTuple

import pytest

from earlystop.controller.cluster import DEPLOYMENTS, Manifest
from earlystop.rollout.formatting import from_rfc3339
from earlystop.rollout.verify.verdict import object_differences
from tests.turns import Turns
from tests.unit.controller.certified_world import CertifiedWorld
from tests.unit.controller.killed import Dying, reconcile_through

HOOKS = [{"name": "ci", "targetRef": {"name": "ci"}, "on": ["Promoted", "RolledBack", "Lapsed"]}]


@pytest.mark.slow
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


@pytest.mark.slow
async def test_scaling_the_target_ends_no_certificate() -> None:
    async with CertifiedWorld().open() as world:
        assert isinstance(world, CertifiedWorld)
        await world.reconcile_until("Promoted")
        await world.reconcile()
        world.change(lambda target: target["spec"].update(replicas=9))
        await world.pass_time(600)
        assert world.condition("Certified")["status"] == "True"


@pytest.mark.slow
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


@pytest.mark.slow
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
        turns = Turns()
        while world.status["campaign"] == 1 and turns.another():
            await world.reconcile()
        assert "Revalidating" in world.told() and world.status["phase"] != "Promoted"
        assert world.condition("Certified")["reason"] == "ModelChanged"
        assert world.route_weights() == {"qa": 95, "qa-es-candidate": 5}, "what is not proven any more still serves"
        await world.reconcile_until("Promoted")
        await world.reconcile()
        assert world.condition("Certified")["status"] == "True"
        assert world.status["certified"]["bound"]["model"] == "llama-4"
        await world.pass_time(3600)
        assert world.status["campaign"] == 2 and len(world.verdicts()) == 2


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


TOLD = {
    "RollBack": ["CertificateLapsed", "NonInferiorAndSaving"],
    "Revalidate": ["NonInferiorAndSaving"],
}
"""The verdicts' reasons once a lapse was acted on."""


@pytest.mark.slow
@pytest.mark.parametrize("on_change", ["RollBack", "Revalidate"])
async def test_a_lapse_that_is_interrupted_at_any_write_comes_to_the_same_end_and_doubles_nothing(
    on_change: str,
) -> None:
    async with CertifiedWorld(on_change, hooks=HOOKS).open() as first:
        assert isinstance(first, CertifiedWorld)
        await changed_after_promotion(first)
        objects, now = first.api.objects, first.now
    whole, expected = await to_the_end(objects, now, on_change)
    assert expected.verdicts == TOLD[on_change] and whole.writes >= 6
    assert expected.occurrences[:2] == [("Promoted", 1), ("Lapsed", 2)]
    for kill_at in range(whole.writes):
        for before in (True, False):
            api, found = await to_the_end(objects, now, on_change, kill_at, before=before)
            assert found == expected and api.writes > kill_at, (kill_at, before)


class End(NamedTuple):
    """What is left once a lapse was acted on: reasons of all verdicts, what hooks are to be told, and the weights."""

    verdicts: list[str]
    occurrences: list[tuple[str, int]]
    weights: dict[str, int]


async def to_the_end(
    objects: dict[str, Manifest], now: float, on_change: str, kill_at: int | None = None, *, before: bool = False
) -> tuple[Dying, End]:
    """A lapse is seen and acted on, and the operator dies at one of its writes; another one follows."""
    world = CertifiedWorld(on_change)
    api = world.api = Dying(copy.deepcopy(objects), kill_at, before=before)
    world.now = now
    world.restart()
    async with world.open():
        await reconcile_through(
            world,
            lambda: (
                world.status["phase"] == "RolledBack"
                or (world.status["campaign"] == 2 and world.status["phase"] == "Observing")
            ),
        )
    waiting = [(kind, int(number)) for number, kind, *_ in map(str.split, world.status["hooks"]["queue"])]
    reasons = sorted(str(each["spec"]["reason"]) for each in world.verdicts())
    return api, End(reasons, waiting, world.route_weights())
