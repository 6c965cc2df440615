"""An edit of anything that a policy was decided on has that policy checked at once, and no other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from earlystop.controller.cluster import (
    AGENTGATEWAY_BACKENDS,
    GATEWAY_CLASSES,
    GATEWAYS,
    ROUTES,
    SERVICES,
    ClusterError,
    Manifest,
    Resource,
)
from earlystop.controller.handlers import settings
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.object_follower import FOLLOWED
from earlystop.controller.runtime import Runtime
from earlystop.controller.traffic.gatherer import inputs_of_spec
from earlystop.delivery.agentgateway import KIND as GATEWAY_KIND
from earlystop.delivery.inputs import SELECTOR
from earlystop.delivery.object_key import ObjectKey
from tests.unit.controller.embedded_world import World
from tests.unit.controller.tracked_policies import manifest
from tests.unit.delivery.cluster import gateway, route, rule, service
from tests.unit.rollout.policies import NOW
from tests.unit.rollout.states import REACHED
from tests.unit.rollout.traffic import SAME

CLASS = {"metadata": {"name": "traefik"}, "spec": {"controllerName": "example.com/other"}}


class Following:
    """The runtime over the in-memory cluster of one policy, whose watches show what the test says."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.api = World(SAME).api
        self.now = float(NOW)
        self.runtime = Runtime(self.api, http, lambda: self.now, "operator-1")
        self.follower = self.runtime.follower

    async def adopt(self, name: str = "qa", **more: Any) -> TrackedPolicy:
        await self.runtime.policy_changed(manifest(REACHED["observing"], name=name, uid=f"0a000000-{name}", **more))
        return next(each for each in self.runtime.tracked_policies() if each.name == name)

    async def checked(self, name: str = "qa") -> TrackedPolicy:
        """A policy whose objects were read, and of which nothing is due."""
        tracked = await self.adopt(name)
        await inputs_of_spec(self.api, tracked, self.now)
        settle(tracked)
        return tracked

    def show(self, kind: str, resource: Resource, made: Manifest, *, listed: bool = False) -> None:
        self.follower.object_shown(kind, self.api.put(resource, made), listed=listed)

    def list_all(self) -> None:
        """What watches list at their start."""
        for kind, resource in (("HTTPRoute", ROUTES), ("Service", SERVICES), ("Gateway", GATEWAYS)):
            for path, made in sorted(self.api.objects.items()):
                if f"/{resource.plural}/" in path:
                    self.follower.object_shown(kind, made, listed=True)


def settle(tracked: TrackedPolicy) -> None:
    tracked.acceptance.generation = tracked.generation
    tracked.traffic.recheck = False


def is_due(tracked: TrackedPolicy) -> bool:
    """Whether the policy is to be checked, and its traffic to be compared."""
    due = tracked.acceptance.generation != tracked.generation
    assert tracked.traffic.recheck or not due
    return due


@pytest.fixture
async def following() -> AsyncIterator[Following]:
    async with aiohttp.ClientSession() as http:
        made = Following(http)
        yield made
        made.runtime.reader.close()


def with_ports(target: int) -> Manifest:
    made = service()
    made["spec"]["ports"][0]["targetPort"] = target
    return made


EDITS: dict[str, tuple[str, Resource, Manifest]] = {
    "route": ("HTTPRoute", ROUTES, route(rule(to="other"))),
    "targetPort": ("Service", SERVICES, with_ports(8082)),
    "selector": ("Service", SERVICES, service(app="blue")),
    "listener": ("Gateway", GATEWAYS, gateway({"name": "tls", "protocol": "HTTPS", "port": 8443})),
    "class": ("GatewayClass", GATEWAY_CLASSES, CLASS),
}


@pytest.mark.parametrize("read", [True, False], ids=["read before", "not read since the start"])
@pytest.mark.parametrize("edit", EDITS)
async def test_an_edit_of_what_a_policy_is_decided_on_is_followed_at_once(
    following: Following, edit: str, read: bool
) -> None:
    tracked = await (following.checked() if read else following.adopt())
    following.list_all()
    settle(tracked)
    following.show(*EDITS[edit])
    assert is_due(tracked)


@pytest.mark.parametrize("kind", FOLLOWED)
async def test_objects_that_no_policy_names_concern_none(following: Following, kind: str) -> None:
    tracked = await following.checked()
    stranger = {"metadata": {"name": "stranger", "namespace": "llm", "uid": "x", "resourceVersion": "9"}, "spec": {}}
    following.follower.object_shown(kind, stranger)
    following.follower.object_deleted(kind, stranger)
    assert not is_due(tracked)


async def test_a_route_of_another_name_or_namespace_concerns_no_policy_that_was_not_read_yet(
    following: Following,
) -> None:
    tracked = await following.adopt()
    for metadata in ({"name": "other", "namespace": "llm"}, {"name": "qa", "namespace": "elsewhere"}):
        following.follower.object_shown(
            "HTTPRoute", {"metadata": {**metadata, "uid": "x", "resourceVersion": "9"}, "spec": {}}
        )
    assert not is_due(tracked)


async def test_a_gateways_report_on_a_route_concerns_none(following: Following) -> None:
    tracked = await following.checked()
    following.list_all()
    reported = {
        **route(),
        "status": {
            "parents": [{"parentRef": {"name": "edge"}, "conditions": [{"type": "Accepted", "status": "True"}]}]
        },
    }
    following.show("HTTPRoute", ROUTES, {**following.api.at(ROUTES, "llm", "qa"), **{"status": reported["status"]}})
    assert not is_due(tracked)


async def test_a_first_list_has_no_policy_checked_but_one_after_a_gap_shows_what_was_edited_in_it(
    following: Following,
) -> None:
    tracked = await following.checked()
    following.list_all()
    assert not is_due(tracked)
    following.show("Service", SERVICES, {**following.api.at(SERVICES, "llm", "qa"), "spec": {}}, listed=True)
    assert is_due(tracked)


async def test_a_deletion_is_followed_at_once_and_what_is_gone_is_not_decided_on(following: Following) -> None:
    tracked = await following.checked()
    following.list_all()
    gone = following.api.objects.pop(ROUTES.path("llm", "qa"))
    following.follower.object_deleted("HTTPRoute", gone)
    assert is_due(tracked)
    assert (await inputs_of_spec(following.api, tracked, NOW)).route is None


async def test_a_deletion_that_fell_into_a_gap_is_found_by_the_comparison_that_the_next_list_asks_for(
    following: Following,
) -> None:
    tracked = await following.checked()
    following.list_all()
    del following.api.objects[SERVICES.path("llm", "qa")]
    following.list_all()  # the route is listed again: there was a gap
    await following.follower.wait(0.0)
    await following.follower.compare_with_lists()
    assert is_due(tracked)
    assert following.api.cache is not None and following.api.cache.get(ObjectKey("Service", "llm", "qa")) is None


async def test_an_edit_that_no_event_reported_is_found_by_a_comparison(following: Following) -> None:
    tracked = await following.checked()
    following.list_all()
    following.api.put(SERVICES, service(app="blue"))
    await following.follower.compare_with_lists()
    assert is_due(tracked)


async def test_a_list_that_the_api_refuses_keeps_no_other_kind_from_being_compared(following: Following) -> None:
    tracked = await following.checked()
    following.list_all()
    following.api.put(SERVICES, service(app="blue"))
    following.api.fail("GET", ClusterError(403, "may not list httproutes"))
    await following.follower.compare_with_lists()
    assert is_due(tracked)


async def test_what_a_check_reads_is_read_once_and_then_shown_by_watches(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracked = await following.checked()
    following.list_all()
    following.show("GatewayClass", GATEWAY_CLASSES, following.api.at(GATEWAY_CLASSES, None, "traefik"), listed=True)
    asked = []
    get = following.api.get

    async def counted(resource: Resource, namespace: str | None, name: str) -> Manifest | None:
        asked.append(name)
        return await get(resource, namespace, name)

    monkeypatch.setattr(following.api, "get", counted)
    await inputs_of_spec(following.api, tracked, NOW)
    # No watch has shown a Deployment, and that there is no overlay and no alias yet is not concluded from a watch.
    assert sorted(asked) == ["qa-early-stop", "qa-es-candidate", "qa-server"]


async def test_an_own_object_that_somebody_edits_has_its_traffic_compared_and_its_policy_not_checked(
    following: Following,
) -> None:
    tracked = await following.checked()
    labels = {
        "app.kubernetes.io/managed-by": "earlystop",
        "earlystop.dev/policy": "qa",
        "earlystop.dev/policy-uid": tracked.uid,
    }
    owners = [{"kind": "EarlyStopPolicy", "name": "qa", "uid": tracked.uid}]
    overlay = {"metadata": {"name": "qa-early-stop", "namespace": "llm", "labels": labels, "ownerReferences": owners}}
    following.show("HTTPRoute", ROUTES, {**overlay, "spec": {}})
    assert tracked.traffic.recheck and not is_due(tracked)


def own_backend(tracked: TrackedPolicy) -> Manifest:
    """What the operator made for an agentgateway."""
    labels = {
        "app.kubernetes.io/managed-by": "earlystop",
        "earlystop.dev/policy": tracked.name,
        "earlystop.dev/policy-uid": tracked.uid,
    }
    owners = [{"kind": "EarlyStopPolicy", "name": tracked.name, "uid": tracked.uid}]
    metadata = {"name": "qa-es-candidate-body", "namespace": "llm", "labels": labels, "ownerReferences": owners}
    return {"metadata": metadata, "spec": {}}


def test_a_gateways_own_kind_is_followed_where_the_operator_may_make_objects_of_it(following: Following) -> None:
    assert GATEWAY_KIND not in following.follower.kinds
    following.api.writes_gateway_objects = True
    own = (GATEWAY_KIND, "AIGatewayRoute", "AIServiceBackend", "Backend")
    assert following.follower.kinds == (*FOLLOWED, *own)
    selected = settings([], following.follower.kinds).watching.label_selectors
    names = {"agentgatewaybackends", "aigatewayroutes", "aiservicebackends", "backends"}
    assert {each.any_name for each in selected} == names
    assert set(selected.values()) == {SELECTOR}, "what users wrote for their gateway is not sent"


async def test_an_edit_or_deletion_of_what_was_made_for_a_gateway_has_traffic_compared_at_once(
    following: Following,
) -> None:
    following.api.writes_gateway_objects = True
    tracked = await following.checked()
    backend = own_backend(tracked)
    following.show(GATEWAY_KIND, AGENTGATEWAY_BACKENDS, backend)
    assert tracked.traffic.recheck and not is_due(tracked)
    settle(tracked)
    following.follower.object_deleted(GATEWAY_KIND, backend)
    assert tracked.traffic.recheck


async def test_a_deletion_of_what_was_made_for_a_gateway_that_no_event_reported_is_found_by_a_comparison(
    following: Following,
) -> None:
    following.api.writes_gateway_objects = True
    tracked = await following.checked()
    cache = following.api.cache
    assert cache is not None
    key = ObjectKey(GATEWAY_KIND, "llm", "qa-es-candidate-body")
    cache.note_reads(tracked.key, [key])
    following.show(GATEWAY_KIND, AGENTGATEWAY_BACKENDS, own_backend(tracked), listed=True)
    settle(tracked)
    del following.api.objects[AGENTGATEWAY_BACKENDS.path("llm", key.name)]
    await following.follower.compare_with_lists()
    assert tracked.traffic.recheck and cache.get(key) is None, "the cluster does not even know the kind"
    following.api.serve(AGENTGATEWAY_BACKENDS)
    following.show(GATEWAY_KIND, AGENTGATEWAY_BACKENDS, own_backend(tracked), listed=True)
    settle(tracked)
    await following.follower.compare_with_lists()
    assert not tracked.traffic.recheck and cache.get(key) is not None
    del following.api.objects[AGENTGATEWAY_BACKENDS.path("llm", key.name)]
    await following.follower.compare_with_lists()
    assert tracked.traffic.recheck and cache.get(key) is None


async def test_what_a_check_has_read_is_not_used_once_an_edit_of_it_is_shown(following: Following) -> None:
    tracked = await following.checked()
    following.list_all()
    await inputs_of_spec(following.api, tracked, NOW)
    following.show(*EDITS["selector"])
    assert tracked.traffic.gathered.hand_over(tracked.spec, NOW) is None


async def test_a_policy_that_is_gone_is_told_of_nothing(following: Following) -> None:
    tracked = await following.checked()
    following.runtime.policy_deleted(manifest(uid=tracked.uid))
    following.show(*EDITS["selector"])
    assert not is_due(tracked)
