"""What stands beside a policy's objects is listed once for all policies, and anew when a route has changed."""

from __future__ import annotations

import asyncio

import pytest

from earlystop.controller.cluster import DEFINITIONS, GATEWAYS, GRPC_ROUTES, ROUTES, ClusterError, Manifest, Resource
from earlystop.controller.traffic.neighbourhood import KINDS_SECONDS, LISTING_SECONDS, NeighbourReader, reader_of
from earlystop.controller.traffic.shared_listing import SharedListing
from earlystop.delivery.inputs import ClusterInputs
from tests.unit.controller.embedded_world import World
from tests.unit.controller.memory import Memory
from tests.unit.delivery.cluster import gateway, inputs, prefix, route, rule
from tests.unit.rollout.traffic import Quality

SECURITY = Resource("gateway.envoyproxy.io", "v1alpha1", "securitypolicies")
OF_NOBODY = Resource("example.com", "v2", "headerpolicies")
ROUTE = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "qa"}


class Listed(Memory):
    """A Kubernetes API that counts lists, and refuses those of some kinds and scopes."""

    def __init__(self) -> None:
        super().__init__()
        self.lists: list[str] = []
        self.forbidden: set[str] = set()
        self.now = 0.0
        users = route(rule(prefix("/v1")))
        self.put(ROUTES, users)
        self.put(GATEWAYS, gateway())
        self.inputs: ClusterInputs = inputs(route=users)
        self.reader = NeighbourReader(self, lambda: self.now)

    async def _call(
        self, method: str, path: str, body: Manifest | None = None, content_type: str = "application/json"
    ) -> Manifest:
        bare = path.partition("?")[0]
        self.lists.append(bare)
        if bare in self.forbidden:
            raise ClusterError(403, "forbidden")
        return await super()._call(method, path, body, content_type)

    async def beside(self) -> list[str]:
        """Names of the routes that are found beside the policy's."""
        return [each.key[2] for each in (await self.reader.neighbours(self.inputs)).routes]


def rival(name: str = "rival") -> Manifest:
    made = route(rule(prefix("/v1")))
    made["metadata"]["name"] = name
    return made


def policy(resource: Resource, api: Memory, namespace: str = "llm", of: str | None = None) -> None:
    reference = ROUTE | ({"namespace": of} if of else {})
    metadata = {"name": "jwt", "namespace": namespace}
    api.serve(resource)
    api.put(resource, {"kind": "SecurityPolicy", "metadata": metadata, "spec": {"targetRefs": [reference]}})


async def test_policies_share_a_listing_until_it_is_old_or_a_route_has_changed() -> None:
    api = Listed()
    assert await asyncio.gather(*(api.beside() for _ in range(20))) == [[]] * 20
    assert api.lists.count(ROUTES.path(None)) == 1
    api.put(ROUTES, rival())
    assert await api.beside() == []
    api.reader.forget_routes()
    assert await api.beside() == ["rival"]
    api.put(ROUTES, rival("another"))
    api.now += LISTING_SECONDS
    assert await api.beside() == ["another", "rival"]
    assert api.lists.count(ROUTES.path(None)) == 3


async def test_a_policy_that_was_just_applied_is_compared_with_routes_as_they_stood_then_or_later() -> None:
    api = Listed()
    api.put(ROUTES, rival())
    await api.beside()
    api.now = 5.0
    del api.objects[ROUTES.path("llm", "rival")]
    api.now = 7.0
    api.reader.forget_older(8.0)
    assert await api.beside() == ["rival"], "policies that are applied together share a listing"
    api.reader.forget_older(1.0)
    assert await api.beside() == []


async def test_a_listing_that_a_route_changed_under_is_not_kept() -> None:
    answers, begun = iter(["old", "new"]), asyncio.Event()
    release = asyncio.Event()

    async def read() -> str:
        answer = next(answers)
        begun.set()
        await release.wait()
        return answer

    listing = SharedListing(read, 60.0, lambda: 0.0)
    first = asyncio.create_task(listing.get())
    await begun.wait()
    listing.forget()
    release.set()
    assert await first == "old"
    assert await listing.get() == await listing.get() == "new"


async def test_where_the_operator_may_list_one_namespace_only_its_routes_are_compared() -> None:
    api = Listed()
    api.forbidden = {ROUTES.path(None), GATEWAYS.path(None), GATEWAYS.path("llm")}
    api.put(ROUTES, rival())
    api.put(ROUTES, {**rival("far"), "metadata": {"name": "far", "namespace": "elsewhere"}})
    assert await api.beside() == ["rival"]
    api.reader.forget_routes()
    assert await api.beside() == ["rival"]
    assert api.lists.count(ROUTES.path(None)) == 1


async def test_an_api_that_fails_is_not_taken_for_one_without_routes() -> None:
    api = Listed()
    api.put(ROUTES, rival())
    api.fail("GET", ClusterError(500, "etcd"))
    with pytest.raises(ClusterError):
        await api.beside()
    assert await api.beside() == ["rival"]


@pytest.mark.parametrize("resource", [SECURITY, Resource(SECURITY.group, "v1", SECURITY.plural)])
async def test_policies_of_known_kinds_are_found_in_whatever_version_the_cluster_serves(resource: Resource) -> None:
    api = Listed()
    policy(resource, api)
    policy(resource, api, namespace="elsewhere")
    (found,) = (await api.reader.neighbours(api.inputs)).policies
    assert found["metadata"] == {"name": "jwt", "namespace": "llm"}
    assert found["spec"] == {"targetRefs": [ROUTE]}


async def test_a_policy_of_another_namespace_that_names_this_one_is_found() -> None:
    api = Listed()
    policy(SECURITY, api, namespace="gateways")
    assert (await api.reader.neighbours(api.inputs)).policies == ()
    api.now += LISTING_SECONDS
    policy(SECURITY, api, namespace="gateways", of="llm")
    assert len((await api.reader.neighbours(api.inputs)).policies) == 1


async def test_a_policy_that_is_attached_or_taken_away_later_is_noticed_in_its_namespace_alone() -> None:
    api = Listed()
    policy(SECURITY, api, namespace="elsewhere")
    assert await api.reader.namespaces_with_changed_policies() == frozenset()
    await api.reader.neighbours(api.inputs)
    assert await api.reader.namespaces_with_changed_policies() == frozenset()
    policy(SECURITY, api)
    api.now += LISTING_SECONDS
    assert await api.reader.namespaces_with_changed_policies() == {"llm"}
    api.now += LISTING_SECONDS
    assert await api.reader.namespaces_with_changed_policies() == frozenset()
    del api.objects[SECURITY.path("llm", "jwt")]
    api.now += LISTING_SECONDS
    assert await api.reader.namespaces_with_changed_policies() == {"llm"}


async def test_a_policy_that_is_new_is_checked_against_what_was_attached_just_before_it() -> None:
    world = World(Quality(requests=40))
    async with world.open():
        world.api.serve(SECURITY)
        await reader_of(world.api).neighbours(inputs(route=route()))
        policy(SECURITY, world.api)
        await world.reconcile()
        refusal = world.tracked.observations.refusal
        assert refusal is not None and refusal.reason == "RouteHasPolicies"
        assert not world.written("route")


async def test_kinds_that_nobody_knows_are_found_by_the_label_of_their_definition() -> None:
    api = Listed()
    policy(OF_NOBODY, api)
    assert (await api.reader.neighbours(api.inputs)).policies == ()
    label = {"gateway.networking.k8s.io/policy": "Inherited"}
    api.put(DEFINITIONS, {"metadata": {"name": "headerpolicies.example.com", "labels": label}})
    api.now += KINDS_SECONDS
    assert len((await api.reader.neighbours(api.inputs)).policies) == 1


async def test_kinds_that_may_not_be_listed_are_named_and_those_that_are_not_there_are_not() -> None:
    api = Listed()
    policy(SECURITY, api)
    api.forbidden = {SECURITY.path(None), GRPC_ROUTES.path(None)}
    found = await api.reader.neighbours(api.inputs)
    assert found.unreadable == ("grpcroutes.gateway.networking.k8s.io", "securitypolicies.gateway.envoyproxy.io")
    assert (await Listed().reader.neighbours(api.inputs)).unreadable == ()
