"""The operator's memory of policies follows the cluster, whatever order it is told things in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from earlystop.api.conditions import ConditionStatus
from earlystop.controller.cluster import (
    APPROVALS,
    EVENTS,
    PAGE,
    POLICIES,
    PROPOSALS,
    ROUTES,
    VERDICTS,
    ClusterError,
    Manifest,
    Resource,
)
from earlystop.controller.desired_split import desired_split
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.policy_metrics.collector import PolicyCollector
from earlystop.controller.policy_metrics.served import page_of
from earlystop.controller.runtime import Runtime
from earlystop.controller.telemetry import registry
from earlystop.controller.traffic import neighbourhood
from earlystop.rollout.observations import Observation, Observations
from earlystop.rollout.stored.plan_reference import with_reference
from earlystop.rollout.transitions import weights_in_force
from tests.unit.controller.memory import Memory
from tests.unit.controller.tracked_policies import manifest
from tests.unit.delivery.cluster import inputs, route
from tests.unit.rollout.policies import NOW, policy, started
from tests.unit.rollout.states import REACHED


class WatchingRuntime:
    """An API in memory and the runtime that watches it."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.api = Memory()
        self.runtime = Runtime(self.api, http, lambda: float(NOW), "operator-1")

    async def created(self, uid: str) -> Manifest:
        made = manifest()
        stored = self.api.put(POLICIES, {**made, "metadata": {**made["metadata"], "uid": uid}})
        await self.runtime.policy_changed(stored)
        return stored

    @property
    def known(self) -> list[str]:
        return [tracked.uid for tracked in self.runtime.tracked_policies()]


@pytest.fixture
async def place() -> AsyncIterator[WatchingRuntime]:
    async with aiohttp.ClientSession() as http:
        place = WatchingRuntime(http)
        yield place
        place.runtime.reader.close()


async def test_a_deletion_that_is_told_late_does_not_forget_the_policy_that_took_the_name(
    place: WatchingRuntime,
) -> None:
    old = await place.created("0a000000-old")
    await place.created("0b000000-new")
    place.runtime.policy_deleted(old)
    assert place.known == ["0b000000-new"]


async def test_a_deletion_forgets_the_policy(place: WatchingRuntime) -> None:
    place.runtime.policy_deleted(await place.created("0a000000-old"))
    assert place.known == []


async def test_a_reconciliation_whose_policy_is_gone_does_not_forget_the_one_that_took_the_name(
    place: WatchingRuntime,
) -> None:
    await place.created("0a000000-old")
    (old,) = place.runtime.tracked_policies()
    await place.created("0b000000-new")
    place.runtime._forget(old.key, old)
    assert place.known == ["0b000000-new"]


async def test_a_policy_that_is_created_while_the_list_is_under_way_is_kept(
    place: WatchingRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = place.api.pages

    async def slow(*which: Any) -> AsyncIterator[list[Manifest]]:
        async for found in listing(*which):
            await place.created("0b000000-new")
            yield found

    monkeypatch.setattr(place.api, "pages", slow)
    await place.runtime.compare_with_list()
    assert place.known == ["0b000000-new"]


@pytest.mark.parametrize("is_recorded", [True, False])
async def test_a_policy_that_took_the_name_while_the_verdict_of_the_one_before_was_asked_for_is_kept(
    place: WatchingRuntime, monkeypatch: pytest.MonkeyPatch, is_recorded: bool
) -> None:
    old = manifest(REACHED["promoted"], uid="0a000000-old")
    plan = {"spec": {"plan": old["status"]["plan"]}}
    old["status"] = with_reference(old["status"], policy())
    old["spec"] = {**old["spec"], "objective": {"exactMatch": {"margin": "0.07"}}}

    async def slow(*_: Any) -> Manifest | None:
        await place.created("0b000000-new")
        return plan if is_recorded else None

    monkeypatch.setattr(place.api, "get", slow)
    await place.runtime.policy_changed(old)
    assert place.known == ["0b000000-new"]


async def test_what_the_watch_did_not_tell_is_found_by_the_list(place: WatchingRuntime) -> None:
    stored = await place.created("0a000000-old")
    place.api.objects.clear()
    await place.runtime.compare_with_list()
    assert place.known == []
    place.api.put(POLICIES, stored)
    await place.runtime.compare_with_list()
    assert place.known == ["0a000000-old"]


async def test_policies_that_take_several_answers_to_list_are_all_compared(place: WatchingRuntime) -> None:
    uids = [f"{number:08}-uid" for number in range(2 * PAGE + 1)]
    for uid in uids:
        made = manifest(name=f"qa-{uid}", uid=uid)
        place.api.put(POLICIES, made)
    await place.runtime.compare_with_list()
    assert sorted(place.known) == uids


def note_listed(place: WatchingRuntime, monkeypatch: pytest.MonkeyPatch) -> list[Resource]:
    """Kinds whose lists are asked for from now on, in order."""
    listed: list[Resource] = []
    listing = place.api.pages

    async def pages(resource: Resource, *which: Any, **how: Any) -> AsyncIterator[list[Manifest]]:
        listed.append(resource)
        async for found in listing(resource, *which, **how):
            yield found

    monkeypatch.setattr(place.api, "pages", pages)
    return listed


async def test_a_policy_whose_verdict_is_refused_is_told_so_and_keeps_no_other_from_being_compared(
    place: WatchingRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = manifest(REACHED["promoted"], name="a-first", uid="0a000000-first")
    elsewhere["status"] = with_reference(elsewhere["status"], policy())
    elsewhere["spec"] = {**elsewhere["spec"], "objective": {"exactMatch": {"margin": "0.07"}}}
    place.api.put(POLICIES, elsewhere)
    place.api.put(POLICIES, manifest(name="b-second", uid="0b000000-second"))
    refused, read = ClusterError(403, "verdicts is forbidden"), place.api.get

    async def get(resource: Resource, namespace: str | None, name: str) -> Manifest | None:
        if resource is VERDICTS:
            raise refused
        return await read(resource, namespace, name)

    monkeypatch.setattr(place.api, "get", get)
    listed = note_listed(place, monkeypatch)
    await place.runtime.compare_with_lists()
    assert place.known == ["0b000000-second"]
    assert {PROPOSALS, APPROVALS} <= set(listed)
    (event,) = (each for path, each in place.api.objects.items() if "/events/" in path)
    assert event["involvedObject"]["name"] == "a-first" and event["reason"] == "Unreadable"
    assert "verdicts is forbidden" in event["message"] and "Let the operator read verdicts" in event["message"]


async def test_what_cannot_be_listed_of_one_kind_keeps_no_other_kind_from_being_compared(
    place: WatchingRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> None:
        raise ClusterError(500, "not now")

    monkeypatch.setattr(place.runtime, "compare_with_list", fail)
    monkeypatch.setattr(place.runtime.follower, "compare_with_lists", fail)
    listed = note_listed(place, monkeypatch)
    await place.runtime.compare_with_lists()
    assert listed == [PROPOSALS, APPROVALS]


async def test_an_error_that_nobody_foresaw_is_an_event_on_the_policy_that_it_concerns(
    place: WatchingRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: object, __: object) -> float:
        raise KeyError("ports")

    monkeypatch.setattr("earlystop.controller.reconcile.reconciler.Reconciler.reconcile", fail)
    stored = await place.created("0a000000")
    due = await place.runtime._reconcile(("llm", "qa"))
    (event,) = [each for path, each in place.api.objects.items() if path.startswith(EVENTS.path("llm"))]
    assert (event["reason"], event["type"], event["involvedObject"]["uid"]) == ("InternalError", "Warning", "0a000000")
    assert "tries again" in event["message"] and "ports" not in event["message"]
    assert due is not None and NOW < due <= NOW + 15 and stored["metadata"]["name"] == "qa"


@pytest.mark.parametrize(
    ("words", "rest"),
    [
        ("It is tried again in 120 s, at 2026-11-27T08:12:05Z.", (120.0, 1795767125.0)),
        ("It is tried again in 1800 s.", (1800.0, NOW + 1800.0)),
        ("It is tried again in 120 s, at 2026-99-27T08:12:05Z.", None),
        ("No user's request is led by it.", None),
    ],
    ids=["a rest", "of an earlier release", "a broken time", "no rest"],
)
@pytest.mark.parametrize("reason", ["SplitUnproven", "CandidateNotServed", "ShareNotServed"])
async def test_a_rest_goes_on_after_a_restart_for_as_long_as_was_left_of_it(
    place: WatchingRuntime, reason: str, words: str, rest: tuple[float, float] | None
) -> None:
    said = Observation(ConditionStatus.FALSE, reason, f"Nothing has proven the split. {words}")
    stored = manifest(started(policy()), observations=Observations(traffic=said))
    await place.runtime.policy_changed(stored)
    (tracked,) = place.runtime.tracked_policies()
    found = tracked.traffic.rest
    assert (None if found is None else (found.seconds, found.until)) == rest
    if found is not None:
        assert found.condition.reason == reason and found.split == desired_split(tracked.state)


def users_route(name: str = "qa", generation: int = 1, uid: str = "route-1", namespace: str = "llm") -> Manifest:
    metadata = {"name": name, "namespace": namespace, "uid": uid, "generation": generation, "resourceVersion": "1"}
    return {"metadata": metadata, "spec": {}}


def checked(place: WatchingRuntime) -> TrackedPolicy:
    """The one policy, once it was checked and its traffic compared."""
    (tracked,) = place.runtime.tracked_policies()
    tracked.acceptance.generation = tracked.generation
    tracked.traffic.recheck = False
    return tracked


@pytest.mark.parametrize(("gateway", "concerns"), [("edge", True), ("inner", False)])
async def test_a_route_that_may_take_requests_of_a_policys_route_is_followed_at_once(
    place: WatchingRuntime, gateway: str, concerns: bool
) -> None:
    attached = {"spec": {"parentRefs": [{"name": "edge", "namespace": "llm"}]}}
    rival = {"spec": {"parentRefs": [{"name": gateway, "namespace": "llm"}]}}
    place.runtime.follower.object_shown("HTTPRoute", users_route() | attached, listed=True)
    await place.runtime.policy_changed(manifest(weights_in_force(started(policy()), NOW), uid="0a000000"))
    tracked = checked(place)
    place.runtime.follower.object_shown("HTTPRoute", users_route("rival", namespace="web", uid="route-2") | rival)
    assert tracked.traffic.recheck is concerns
    assert (tracked.acceptance.generation != tracked.generation) is concerns


async def test_a_policy_that_is_attached_later_is_followed_in_its_namespace(
    place: WatchingRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbourhood, "LISTING_SECONDS", 0.0)  # no listing is kept
    attached = Resource("gateway.envoyproxy.io", "v1alpha1", "securitypolicies")
    users = place.api.put(ROUTES, route())
    place.api.serve(attached)
    await place.runtime.policy_changed(manifest(weights_in_force(started(policy()), NOW), uid="0a000000"))
    await neighbourhood.reader_of(place.api).neighbours(inputs(route=users))
    await place.runtime.follower.follow_attached_policies()
    tracked = checked(place)
    for namespace, concerns in (("elsewhere", False), ("llm", True)):
        place.api.put(attached, {"metadata": {"name": "jwt", "namespace": namespace}, "spec": {}})
        await place.runtime.follower.follow_attached_policies()
        assert tracked.traffic.recheck is concerns
        assert (tracked.acceptance.generation != tracked.generation) is concerns


async def test_without_metrics_of_policies_the_operators_own_port_shows_numbers_without_a_name(
    place: WatchingRuntime,
) -> None:
    made = manifest(name="of-nobodys-business", uid="0a000000")
    made["metadata"]["namespace"] = "of-a-tenant"
    await place.runtime.policy_changed(place.api.put(POLICIES, made))
    await place.runtime._reconcile(("of-a-tenant", "of-nobodys-business"))
    page = bytes(page_of(registry)).decode()
    assert "earlystop_operator_policies" in page
    assert not any(name in page for name in ("of-nobodys-business", "of-a-tenant", "0a000000"))


async def test_a_policy_has_its_metrics_before_its_first_look_after_a_restart_and_none_when_it_is_gone(
    place: WatchingRuntime,
) -> None:
    stored = place.api.put(POLICIES, manifest(REACHED["observing"]))
    await place.runtime.policy_changed(stored)
    shown, series = CollectorRegistry(), PolicyCollector()
    shown.register(series)
    series.show(place.runtime.policy_views)
    text = bytes(page_of(shown)).decode()
    assert 'earlystop_policy_phase{namespace="llm",phase="Observing",policy="qa"} 1.0' in text
    assert 'earlystop_policy_log_e{candidate="w10",claim="promote",namespace="llm",policy="qa"}' in text
    assert 'earlystop_policy_exact_match_ratio{candidate="w10",namespace="llm",policy="qa",variant="candidate"}' in text
    place.runtime.policy_deleted(stored)
    assert 'policy="qa"' not in bytes(page_of(shown)).decode()
