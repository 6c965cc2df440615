"""What deleted policies leave behind is let go, and nothing else is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from earlystop.api.conditions import Refusal
from earlystop.controller.cluster import DEPLOYMENTS, POLICIES, ROUTES, SERVICES, Manifest
from earlystop.controller.orphan_collector import GRACE_SECONDS, SECONDS_BETWEEN_SWEEPS, SWEEPS_AT_ONCE, OrphanCollector
from earlystop.delivery.names import alias_name
from tests.unit.controller.memory import Memory


class LeftoverOverlay:
    """One namespace with an overlay and its alias, and a clock that a test moves."""

    def __init__(self, *, policy: bool, overlay: bool = True) -> None:
        self.api = Memory()
        self.now = 1_000.0
        if policy:
            self.api.put(POLICIES, {"metadata": {"name": "qa", "namespace": "llm", "uid": "u-1"}, "spec": {}})
        if overlay:
            rules = [{"backendRefs": [{"name": "qa"}, {"name": "qa-es-candidate"}]}]
            self.api.put(ROUTES, {"metadata": ours("qa-early-stop"), "spec": {"rules": rules}})
        self.api.put(ROUTES, {"metadata": {"name": "qa", "namespace": "llm"}, "spec": {}})
        self.api.put(SERVICES, {"metadata": ours("qa-es-candidate"), "spec": {}})
        self.api.put(SERVICES, {"metadata": {"name": "qa", "namespace": "llm"}, "spec": {}})
        self.orphan_collector = OrphanCollector(self.api, lambda: self.now, [None])

    async def sweep(self, seconds: float = 0.0) -> list[tuple[str, str]]:
        self.now += seconds
        self.api.calls.clear()
        await self.orphan_collector.sweep()
        return list(self.api.calls)


def ours(name: str) -> dict[str, Any]:
    labels = {
        "app.kubernetes.io/managed-by": "earlystop",
        "earlystop.dev/policy": "qa",
        "earlystop.dev/policy-uid": "u-1",
    }
    return {"name": name, "namespace": "llm", "labels": labels, "ownerReferences": [{"kind": "Service", "uid": "s"}]}


def owners(manifest: Manifest) -> list[tuple[str, str, str]]:
    return [(each["kind"], each["name"], each["uid"]) for each in manifest["metadata"]["ownerReferences"]]


async def test_nothing_of_a_living_policy_is_touched() -> None:
    world = LeftoverOverlay(policy=True)
    assert await world.sweep() == []
    assert await world.sweep(10 * GRACE_SECONDS) == []


async def test_an_injector_stays_for_as_long_as_a_gateway_may_lead_to_it_and_is_then_handed_over() -> None:
    for living, overlay in ((True, False), (False, True), (False, False)):
        world = LeftoverOverlay(policy=living, overlay=overlay)
        world.api.put(DEPLOYMENTS, {"metadata": ours("qa-es-injector"), "spec": {}})
        injector = ("PUT", DEPLOYMENTS.path("llm", "qa-es-injector"))
        assert injector not in await world.sweep()
        assert injector not in await world.sweep(GRACE_SECONDS - 1)
        assert (injector in await world.sweep(1)) == (not living and not overlay)


async def test_an_orphaned_overlay_is_handed_to_garbage_collection_at_once() -> None:
    world = LeftoverOverlay(policy=False)
    assert await world.sweep() == [("PUT", ROUTES.path("llm", "qa-early-stop"))]
    assert owners(world.api.at(ROUTES, "llm", "qa-early-stop")) == [("EarlyStopPolicy", "qa", "u-1")]


async def test_an_alias_stays_while_an_overlay_leads_to_it_whoever_made_that() -> None:
    world = LeftoverOverlay(policy=False)
    for _ in range(5):
        assert ("PUT", SERVICES.path("llm", "qa-es-candidate")) not in await world.sweep(GRACE_SECONDS)


async def test_an_alias_is_let_go_only_when_nothing_has_led_to_it_for_the_grace_time() -> None:
    world = LeftoverOverlay(policy=False, overlay=False)
    assert await world.sweep() == []
    assert await world.sweep(GRACE_SECONDS - 1) == []
    assert await world.sweep(1) == [("PUT", SERVICES.path("llm", "qa-es-candidate"))]
    assert owners(world.api.at(SERVICES, "llm", "qa-es-candidate")) == [("EarlyStopPolicy", "qa", "u-1")]


async def test_an_alias_that_a_new_policy_takes_up_is_not_let_go() -> None:
    world = LeftoverOverlay(policy=False, overlay=False)
    await world.sweep()
    taken = world.api.at(SERVICES, "llm", "qa-es-candidate")
    taken["metadata"]["labels"]["earlystop.dev/policy-uid"] = "u-2"
    world.api.put(POLICIES, {"metadata": {"name": "next", "namespace": "llm", "uid": "u-2"}, "spec": {}})
    assert await world.sweep(2 * GRACE_SECONDS) == []


COMPLETE = ours("x")["labels"]
HOSTILE_LABELS: dict[str, Any] = {
    "no policy": {name: value for name, value in COMPLETE.items() if name != "earlystop.dev/policy"},
    "no UID": {name: value for name, value in COMPLETE.items() if name != "earlystop.dev/policy-uid"},
    "empty policy": {**COMPLETE, "earlystop.dev/policy": ""},
    "empty UID": {**COMPLETE, "earlystop.dev/policy-uid": ""},
    "nothing but the manager": {"app.kubernetes.io/managed-by": "earlystop"},
}


@pytest.mark.parametrize("labels", HOSTILE_LABELS)
@pytest.mark.parametrize("spec", [{}, {"rules": None}, {"rules": [{"backendRefs": None}, {}]}])
async def test_labels_and_specs_that_anybody_may_write_end_no_sweep_and_keep_no_orphan(
    labels: str, spec: dict[str, Any]
) -> None:
    world = LeftoverOverlay(policy=False)
    for resource in (ROUTES, SERVICES):
        metadata = {"name": "a-first", "namespace": "llm", "uid": "a", "labels": HOSTILE_LABELS[labels]}
        world.api.put(resource, {"metadata": metadata, "spec": spec})
    assert await world.sweep() == [("PUT", ROUTES.path("llm", "qa-early-stop"))]
    del world.api.objects[ROUTES.path("llm", "qa-early-stop")]
    await world.sweep()
    assert await world.sweep(GRACE_SECONDS) == [("PUT", SERVICES.path("llm", "qa-es-candidate"))]


async def test_an_object_that_cannot_be_handed_over_keeps_no_other() -> None:
    world = LeftoverOverlay(policy=False)
    world.api.put(ROUTES, {"metadata": ours("a-first"), "spec": {"rules": []}})
    world.api.fail("PUT", RuntimeError("the answer was no object"))
    assert ("PUT", ROUTES.path("llm", "qa-early-stop")) in await world.sweep()


async def test_policies_that_are_deleted_without_end_have_no_sweep_begun_for_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, waited = LeftoverOverlay(policy=True), list[float]()

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        world.now += seconds

    monkeypatch.setattr("earlystop.controller.orphan_collector.asyncio.sleep", sleep)
    for _ in range(SWEEPS_AT_ONCE + 10):
        world.orphan_collector.request_sweep()
        await world.orphan_collector.wait(600.0)
    assert waited == [0.0] * SWEEPS_AT_ONCE + [SECONDS_BETWEEN_SWEEPS] * 10


async def test_a_candidates_deployment_goes_some_time_after_the_last_overlay_of_its_policy() -> None:
    world = LeftoverOverlay(policy=False)
    place = DEPLOYMENTS.path("llm", "qa-es-candidate")
    world.api.put(DEPLOYMENTS, {"metadata": ours("qa-es-candidate"), "spec": {}})
    world.api.put(DEPLOYMENTS, {"metadata": {"name": "qa", "namespace": "llm"}, "spec": {}})
    assert ("PUT", place) not in await world.sweep(GRACE_SECONDS + 1), "an overlay may still lead to it"
    world.api.objects.pop(ROUTES.path("llm", "qa-early-stop"))
    assert ("PUT", place) not in await world.sweep()
    assert ("PUT", place) in await world.sweep(GRACE_SECONDS + 1)
    assert owners(world.api.at(DEPLOYMENTS, "llm", "qa-es-candidate")) == [("EarlyStopPolicy", "qa", "u-1")]
    assert "ownerReferences" not in world.api.at(DEPLOYMENTS, "llm", "qa")["metadata"]


async def test_after_an_overlay_the_next_sweep_comes_soon_and_finds_what_it_led_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("earlystop.controller.orphan_collector.SECONDS_OF_AN_END", 0.01)
    world = LeftoverOverlay(policy=False)
    await world.sweep()
    async with asyncio.timeout(30):
        await world.orphan_collector.wait(3600)


WAITS = Refusal("AliasOutdated", "It cannot become headless.")


class ReplacedService(LeftoverOverlay):
    """A living policy whose user has made the Service anew, and an overlay that leads to its alias or is detached.

    service: its name. Garbage collection has taken it out of the alias's owners.
    """

    def __init__(
        self, *, attached: bool, alias: dict[str, Any] | None = None, users: dict[str, Any], service: str = "qa"
    ) -> None:
        super().__init__(policy=True)
        self.alias = alias_name(service)
        overlay = self.api.at(ROUTES, "llm", "qa-early-stop")
        overlay["spec"] |= {"parentRefs": [{"name": "gateway"}]} if attached else {}
        overlay["spec"]["rules"] = [{"backendRefs": [{"name": service}, {"name": self.alias}]}]
        made = {**ours(self.alias), "ownerReferences": [{"kind": "EarlyStopPolicy", "name": "qa", "uid": "u-1"}]}
        self.api.put(SERVICES, {"metadata": made, "spec": {"clusterIP": "10.0.0.8", **(alias or {})}})
        self.api.put(SERVICES, {"metadata": {"name": service, "namespace": "llm"}, "spec": users})
        self.orphan_collector.note_refusal(("llm", "qa"), WAITS)

    @property
    def handed_over(self) -> list[tuple[str, str]]:
        return [("PUT", SERVICES.path("llm", self.alias))]


REPLACED: dict[str, dict[str, Any]] = {
    "headless": {"clusterIP": "None"},
    "another family": {"clusterIP": "fd00::8", "ipFamilies": ["IPv6"]},
}


@pytest.mark.parametrize("users", REPLACED.values(), ids=REPLACED)
@pytest.mark.parametrize("service", ["qa", "a-es-b", "a-service-of-a-name-that-is-so-long-that-aliases-shorten-it"])
async def test_an_alias_that_can_never_fit_its_service_goes_some_time_after_the_last_request_was_led_to_it(
    users: dict[str, Any], service: str
) -> None:
    world = ReplacedService(attached=True, alias={"ipFamilies": ["IPv4"]}, users=users, service=service)
    assert await world.sweep() == [] and await world.sweep(10 * GRACE_SECONDS) == [], "users are led to it"
    del world.api.at(ROUTES, "llm", "qa-early-stop")["spec"]["parentRefs"]
    assert await world.sweep() == [] and await world.sweep(GRACE_SECONDS - 1) == []
    assert await world.sweep(1) == world.handed_over
    (owner,) = owners(world.api.at(SERVICES, "llm", world.alias))
    assert owner == ("EarlyStopPolicy", "qa", "00000000-0000-0000-0000-000000000000")
    assert await world.sweep(10 * GRACE_SECONDS) == []


@pytest.mark.parametrize(
    ("alias", "users"),
    [
        ({}, {"clusterIP": "10.0.0.9"}),
        ({"selector": {"earlystop.dev/injector": "qa"}, "ipFamilies": ["IPv4"]}, {"ipFamilies": ["IPv6"]}),
        ({"clusterIP": "None"}, {"clusterIP": "None"}),
    ],
    ids=["mirrors", "leads to an injector", "headless as its Service"],
)
async def test_an_alias_that_mirrors_its_service_or_never_did_stays(
    alias: dict[str, Any], users: dict[str, Any]
) -> None:
    world = ReplacedService(attached=False, alias=alias, users=users)
    assert await world.sweep() == [] and await world.sweep(10 * GRACE_SECONDS) == []


async def test_an_alias_that_fits_its_service_stays_though_another_one_has_a_name_that_would_give_it_the_same() -> None:
    world = ReplacedService(attached=False, users={"clusterIP": "10.0.0.9"}, service="qa-es-mx")
    world.api.at(SERVICES, "llm", world.alias)["metadata"]["ownerReferences"] += [
        {"kind": "Service", "name": "qa-es-mx", "uid": "s"}
    ]
    world.api.at(SERVICES, "llm", "qa")["spec"] = {"clusterIP": "None"}
    del world.api.objects[SERVICES.path("llm", alias_name("qa"))]
    assert await world.sweep() == [] and await world.sweep(10 * GRACE_SECONDS) == []


async def test_an_alias_goes_with_its_service_where_that_is_gone() -> None:
    world = ReplacedService(attached=False, users={"clusterIP": "None"})
    await world.sweep()
    del world.api.objects[SERVICES.path("llm", "qa")]
    assert await world.sweep(10 * GRACE_SECONDS) == [], "garbage collection takes it anyway"


async def test_a_policy_that_waits_for_an_alias_to_go_has_one_sweep_begun() -> None:
    world = ReplacedService(attached=False, users={"clusterIP": "None"})
    key = ("llm", "qa")
    async with asyncio.timeout(30):
        await world.orphan_collector.wait(3600)
    for refusal in (WAITS, None, Refusal("RouteNotFound", "There is none.")):
        world.orphan_collector.note_refusal(key, refusal)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await world.orphan_collector.wait(3600)
    world.orphan_collector.note_refusal(key, WAITS)
    async with asyncio.timeout(30):
        await world.orphan_collector.wait(3600)


async def test_where_no_policy_waits_for_an_alias_to_go_none_is_looked_for() -> None:
    world = ReplacedService(attached=False, users={"clusterIP": "None"})
    world.orphan_collector.note_refusal(("llm", "qa"), None)
    assert await world.sweep() == [] and await world.sweep(10 * GRACE_SECONDS) == []
