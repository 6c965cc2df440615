"""A write that the API server or an admission webhook refuses is told on the policy, and made once it is allowed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from earlystop.controller.campaign_tokens import CampaignTokens
from earlystop.controller.cluster import CONFIG_MAPS, ROUTES, SERVICES, ClusterError, Conflict, Manifest, Resource
from earlystop.controller.traffic.apply import is_refusal
from earlystop.delivery.golden_rules import serves_no_user
from earlystop.delivery.traffic_conditions import LONGEST_QUOTE
from tests.unit.controller.embedded_world import World
from tests.unit.controller.memory import Memory
from tests.unit.rollout.traffic import Quality

SAVING = Quality(mean_tokens=300, requests=40)
HARMFUL = Quality(exact_match=0.4, mean_tokens=300, requests=40)
BY_CONFIG_MAP = {"delivery": {"mode": "ConfigMap", "gatewayHeader": None, "configMap": {"name": "qa-settings"}}}
WEBHOOK = 'admission webhook "rules.example" denied the request:\nnot\x1b[31m today'


class Guarded(Memory):
    """A Kubernetes API that refuses every write of some kinds while it is told to; its words repeat what was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses: tuple[Resource, ...] = ()
        self.status = 403
        self.repeated: set[str] = set()
        self.words: str | None = None

    def _guard(self, resource: Resource, sent: Manifest) -> None:
        if resource in self.refuses:
            self.repeated |= set(re.findall(r"[0-9a-f]{64}", str(sent)))
            raise ClusterError(self.status, self.words or f"{WEBHOOK} {' '.join(sorted(self.repeated))} {sent}")

    async def create(self, resource: Resource, namespace: str | None, manifest: Manifest) -> Manifest:
        self._guard(resource, manifest)
        return await super().create(resource, namespace, manifest)

    async def replace(
        self, resource: Resource, namespace: str | None, manifest: Manifest, subresource: str = ""
    ) -> Manifest:
        self._guard(resource, manifest)
        return await super().replace(resource, namespace, manifest, subresource)

    async def apply(self, resource: Resource, namespace: str | None, part: Manifest, manager: str) -> Manifest:
        self._guard(resource, part)
        return await super().apply(resource, namespace, part, manager)


def guarded(quality: Quality, changes: dict[str, Any] | None = None) -> tuple[World, Guarded]:
    """A world with a ConfigMap for settings, whose API can refuse writes."""
    world, api = World(quality, changes), Guarded()
    api.objects = world.api.objects
    world.api = api
    world.tokens = CampaignTokens(b"k" * 32)
    metadata = {"name": "qa-settings", "namespace": "llm", "labels": {"earlystop.dev/settings": "true"}}
    world.api.put(CONFIG_MAPS, {"metadata": metadata, "data": {}})
    return world, api


def applied(world: World) -> dict[str, Any]:
    return next(each for each in world.status["conditions"] if each["type"] == "TrafficApplied")


async def recovered(world: World) -> bool:
    """Whether the condition stops to tell of a refusal, which it does after at most a minute of calm."""
    for _ in range(40):
        await world.reconcile()
        if applied(world)["reason"] != "WriteRefused":
            return True
    return False


@pytest.mark.parametrize(
    ("changes", "kind", "name"),
    [(BY_CONFIG_MAP, CONFIG_MAPS, "ConfigMap qa-settings"), (None, ROUTES, "HTTPRoute"), (None, SERVICES, "Service")],
)
@pytest.mark.parametrize("status", [400, 403, 413, 422, 429, 500])
async def test_a_refused_write_is_told_in_the_apis_words_and_made_once_it_is_allowed(
    changes: dict[str, Any] | None, kind: Resource, name: str, status: int
) -> None:
    world, api = guarded(SAVING, changes)
    api.refuses, api.status = (kind,), status
    async with world.open():
        for _ in range(4):
            await world.reconcile()
        said = applied(world)
        assert (world.status["phase"], said["status"], said["reason"]) == ("Applying", "False", "WriteRefused")
        assert name in said["message"] and "rules.example" in said["message"]
        told = "all requests go by your own route" if changes is None else "requests are led as before"
        assert told in said["message"]
        assert said["message"].isprintable() and len(said["message"]) < LONGEST_QUOTE + 300
        assert not [token for token in api.repeated if token[:8] in said["message"]]
        api.refuses = ()
        assert await recovered(world)


def test_a_webhook_that_must_be_asked_and_does_not_answer_refuses_and_an_outage_of_the_api_does_not() -> None:
    # As an API server 1.34 says it.
    down = 'Internal error occurred: failed calling webhook "rules.example": failed to call webhook: connection refused'
    assert is_refusal(ClusterError(500, down))
    for status, words in (
        (500, "etcdserver: request timed out"),
        (503, "apiserver is shutting down"),
        (0, "no answer"),
    ):
        assert not is_refusal(ClusterError(status, words))
    assert not is_refusal(Conflict(409, "the object has been modified"))


async def test_a_rollback_whose_write_is_refused_says_so_and_is_done_once_it_is_allowed() -> None:
    world, api = guarded(HARMFUL)
    async with world.open():
        await world.reconcile_until("Observing")
        api.refuses = (ROUTES,)
        await world.reconcile_until("RollingBack")
        for _ in range(4):
            await world.reconcile()
        assert api.repeated and world.status["phase"] == "RollingBack"
        assert applied(world)["reason"] == "WriteRefused" and not world.verdicts()
        world.restart()
        await world.reconcile()
        assert applied(world)["reason"] == "WriteRefused"
        api.refuses = ()
        await world.reconcile_until("RolledBack")
        assert await recovered(world)


async def test_an_edit_that_cannot_be_put_right_is_told_while_the_step_is_watched() -> None:
    world, api = guarded(SAVING)
    async with world.open():
        await world.reconcile_until("Observing")
        overlay = world.api.at(ROUTES, "llm", "qa-early-stop")
        world.api.put(ROUTES, {**overlay, "spec": {**overlay["spec"], "hostnames": ["edited.example"]}})
        world.tracked.traffic.recheck = True
        api.refuses = (ROUTES,)
        await world.reconcile()
        assert applied(world)["reason"] == "WriteRefused"
        api.refuses = ()
        assert await recovered(world)


ALIAS = SERVICES.path("llm", "qa-es-candidate")


async def test_users_who_are_led_to_what_is_gone_and_may_not_be_made_again_go_by_their_own_route_at_once() -> None:
    world, api = guarded(SAVING)
    async with world.open():
        await world.reconcile_until("Observing")
        del world.api.objects[ALIAS]
        world.tracked.traffic.note_edit()
        api.refuses = (SERVICES,)
        await world.reconcile()
        said = applied(world)
        assert serves_no_user(world.api.at(ROUTES, "llm", "qa-early-stop"))
        assert (said["status"], said["reason"]) == ("False", "WriteRefused")
        assert "Service qa-es-candidate" in said["message"] and "all requests go by your own route" in said["message"]
        for _ in range(4):
            await world.reconcile()
        assert applied(world)["reason"] == "WriteRefused" and ALIAS not in world.api.objects
        api.refuses = ()
        assert await recovered(world)
        await world.reconcile_until("Observing")
        assert not serves_no_user(world.api.at(ROUTES, "llm", "qa-early-stop")) and ALIAS in world.api.objects


async def test_users_stay_where_they_are_led_while_that_is_there_and_only_its_change_is_refused() -> None:
    world, api = guarded(SAVING)
    async with world.open():
        await world.reconcile_until("Observing")
        alias = world.api.at(SERVICES, "llm", "qa-es-candidate")
        world.api.put(SERVICES, {**alias, "spec": {**alias["spec"], "selector": {"app": "edited"}}})
        world.tracked.traffic.note_edit()
        api.refuses = (SERVICES,)
        await world.reconcile()
        assert applied(world)["reason"] == "WriteRefused"
        assert not serves_no_user(world.api.at(ROUTES, "llm", "qa-early-stop"))


async def test_a_write_that_is_never_answered_while_reads_are_is_told() -> None:
    world, api = guarded(SAVING)
    api.refuses, api.status, api.words = (SERVICES,), 0, "TimeoutError"
    async with world.open():
        for _ in range(4):
            await world.reconcile()
        said = applied(world)
        assert said["reason"] == "WriteRefused" and "no answer within 15 s" in said["message"]
        api.refuses = ()
        assert await recovered(world)
