"""A promoted policy whose target changes: told, acted on as the policy says, and never by what changes nothing."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from earlystop.api.wire import MODEL_LABEL
from earlystop.controller.cluster import DEPLOYMENTS, Manifest
from tests.unit.controller.guarded_world import GuardedWorld

KEEP: dict[str, Any] = {}


class CertifiedWorld(GuardedWorld):
    """A promoted policy without a guard, whose target the test changes."""

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


def other_image(target: Manifest) -> None:
    target["spec"]["template"].setdefault("spec", {})["containers"] = [{"name": "server", "image": "vllm:2"}]


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
