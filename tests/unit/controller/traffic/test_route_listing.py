"""Routes that changed are looked at again, and no others; what is known of all is what a listing would say."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from earlystop.controller.cache.watch_cache import WatchCache
from earlystop.controller.cluster import GATEWAYS, GRPC_ROUTES, ROUTES, ClusterError, Manifest, Resource
from earlystop.controller.traffic.change_watch import CHANGES_KEPT, ChangeWatches
from earlystop.controller.traffic.route_listing import ROUTE_KINDS, RouteLister, RouteListing
from earlystop.controller.traffic.shared_listing import LONGEST_SECONDS
from earlystop.delivery.object_key import ObjectKey
from tests.unit.controller.memory import Memory
from tests.unit.delivery.cluster import gateway, prefix, route, rule

ROUTES_BEFORE = 100


class Watched(Memory):
    """A Kubernetes API of many routes, that counts requests; its watches show what was put and deleted."""

    def __init__(self, cache: WatchCache | None = None) -> None:
        super().__init__()
        self.cache = cache
        self.now, self.asked = 0.0, list[str]()
        self.events = {kind: asyncio.Queue[Manifest | Exception]() for kind in ROUTE_KINDS}
        self.put(GATEWAYS, gateway())
        for number in range(ROUTES_BEFORE):
            self.put(ROUTES, written(number))
        self.watches = ChangeWatches(self, lambda: self.now)
        self.lister = RouteLister(self, self.watches, lambda: self.now)

    async def version_of_list(self, resource: Resource) -> str:
        return "1"

    async def changes(self, resource: Resource, version: str) -> AsyncIterator[Manifest]:
        while True:
            event = await self.events[resource].get()
            if isinstance(event, Exception):
                raise event
            yield event

    async def _call(
        self, method: str, path: str, body: Manifest | None = None, content_type: str = "application/json"
    ) -> Manifest:
        self.asked.append(path.partition("?")[0])
        return await super()._call(method, path, body, content_type)

    async def change(self, resource: Resource, manifest: Manifest) -> Manifest:
        """Put an object, and let the watch see it."""
        made = self.put(resource, manifest)
        await self.show("MODIFIED", resource, made)
        return made

    async def remove(self, resource: Resource, name: str) -> Manifest:
        """Delete an object, and let the watch see it."""
        gone = self.objects.pop(resource.path("llm", name))
        metadata = {**gone["metadata"], "resourceVersion": str(next(self._versions))}
        await self.show("DELETED", resource, {**gone, "metadata": metadata})
        return {**gone, "metadata": metadata}

    async def show(self, kind: str, resource: Resource, manifest: Manifest) -> None:
        self.now += 1.0
        await self.events[resource].put({"type": kind, "object": {"metadata": manifest["metadata"]}})
        await settled()

    async def ask(self) -> RouteListing:
        self.now += 1.0
        self.asked.clear()
        return await self.lister.read(None, {})

    async def begin(self) -> None:
        self.watches.watch(ROUTE_KINDS)
        await settled()
        await self.ask()
        assert self.asked.count(ROUTES.path(None)) == ROUTES_BEFORE / 20

    @property
    def listed(self) -> bool:
        """Whether the last reading listed all routes."""
        return ROUTES.path(None) in self.asked


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def written(number: int, path: str = "/v1", host: str = "") -> Manifest:
    made = route(rule(prefix(path)), **({"hostnames": [host]} if host else {}))
    made["metadata"]["name"] = f"qa-{number}"
    return made


def known(listing: RouteListing) -> dict[str, object]:
    """All that is known of each route."""
    return {each.key[2]: (each, each.version) for each in listing.routes}


async def fresh(api: Watched) -> dict[str, object]:
    return known(await RouteLister(api, ChangeWatches(api, lambda: api.now), lambda: api.now).read(None, {}))


async def test_of_a_hundred_routes_only_those_that_changed_are_read_again() -> None:
    api = Watched()
    await api.begin()
    await api.change(ROUTES, written(7, path="/v2"))
    await api.change(ROUTES, written(500))
    await api.remove(ROUTES, "qa-9")
    found = known(await api.ask())
    assert sorted(api.asked) == sorted(ROUTES.path("llm", name) for name in ("qa-7", "qa-500", "qa-9"))
    assert found == await fresh(api) and "qa-9" not in found
    await api.ask()
    assert not api.asked


async def test_in_any_order_of_changes_the_routes_are_what_a_listing_would_say() -> None:
    chance = random.Random(8)
    for with_cache in (False, True):
        cache = WatchCache() if with_cache else None
        api = Watched(cache)
        await api.begin()
        for _ in range(150):
            number = chance.randrange(ROUTES_BEFORE)
            act, name = chance.random(), f"qa-{number}"
            if act < 0.4:
                host = chance.choice(["", "a.example.com", "*.example.com"])
                made = await api.change(ROUTES, written(number, chance.choice(["/v1", "/v2"]), host))
                if cache is not None and chance.random() < 0.7:  # the other watch may be behind
                    cache.note_event(ObjectKey("HTTPRoute", "llm", name), made)
            elif act < 0.6 and ROUTES.path("llm", name) in api.objects:
                gone = await api.remove(ROUTES, name)
                if cache is not None:
                    cache.note_deleted(ObjectKey("HTTPRoute", "llm", name), gone)
            elif act < 0.65:
                port = chance.choice([8000, 8001])
                await api.change(GATEWAYS, gateway({"name": "web", "protocol": "HTTP", "port": port}))
            else:
                assert known(await api.ask()) == await fresh(api)
        await api.watches.close()


async def test_what_the_operator_wrote_or_was_shown_already_takes_no_request_and_waits_for_no_other_watch() -> None:
    api = Watched(WatchCache())
    assert api.cache is not None
    await api.begin()
    made = api.put(ROUTES, written(3, path="/v2"))
    api.cache.note_event(ObjectKey("HTTPRoute", "llm", "qa-3"), made)
    found = known(await api.ask())
    assert not api.asked
    assert found == await fresh(api)


async def test_a_kept_route_that_is_older_than_its_change_is_read() -> None:
    api = Watched(WatchCache())
    assert api.cache is not None
    await api.begin()
    api.cache.note_event(ObjectKey("HTTPRoute", "llm", "qa-3"), api.at(ROUTES, "llm", "qa-3"))
    await api.change(ROUTES, written(3, path="/v2"))
    found = known(await api.ask())
    assert api.asked == [ROUTES.path("llm", "qa-3")]
    assert found == await fresh(api)


async def test_a_gateway_that_tells_how_many_routes_it_has_has_none_of_them_listed() -> None:
    api = Watched()
    await api.begin()
    counted = gateway()
    counted["status"]["listeners"] = [{"name": "web", "attachedRoutes": 101}]
    await api.change(GATEWAYS, counted)
    await api.ask()
    assert api.asked == [GATEWAYS.path(None)]
    await api.change(GATEWAYS, gateway(address="10.9.9.9"))
    found = known(await api.ask())
    assert api.listed
    assert found == await fresh(api)


@pytest.mark.parametrize("failure", [ClusterError(0, "TimeoutError"), ValueError("no event")])
async def test_after_a_watch_broke_off_all_are_listed(failure: Exception) -> None:
    api = Watched()
    await api.begin()
    await api.events[ROUTES].put(failure)
    await settled()
    api.put(ROUTES, written(3, path="/v2"))
    found = known(await api.ask())
    assert api.listed
    assert found == await fresh(api)
    await api.watches.close()


async def test_all_are_listed_where_more_changed_than_is_kept_and_a_route_of_grpc_and_every_ten_minutes() -> None:
    api = Watched()
    await api.begin()
    for number in range(CHANGES_KEPT + 1):
        await api.change(ROUTES, written(number % 5, path=f"/v{number}"))
    await api.ask()
    assert not api.listed, "five routes changed, however often"
    for number in range(CHANGES_KEPT + 1):
        await api.change(ROUTES, written(number))
    await api.ask()
    assert api.listed
    await api.change(GRPC_ROUTES, {"metadata": {"name": "chat", "namespace": "llm"}, "spec": {}})
    assert "chat" in known(await api.ask())
    api.now += LONGEST_SECONDS
    await api.ask()
    assert api.listed
    await api.watches.close()


async def test_a_route_that_is_gone_stays_gone_while_the_other_watch_still_shows_it() -> None:
    api = Watched(WatchCache())
    assert api.cache is not None
    key = ObjectKey("HTTPRoute", "llm", "qa-3")
    await api.begin()
    api.cache.note_event(key, api.at(ROUTES, "llm", "qa-3"))
    gone = await api.remove(ROUTES, "qa-3")
    assert "qa-3" not in known(await api.ask())
    assert "qa-3" not in known(await api.ask()), "what is kept of it is older than its end"
    api.cache.note_deleted(key, gone)
    assert "qa-3" not in known(await api.ask())
    api.cache.note_event(key, await api.change(ROUTES, written(3, path="/v2")))
    assert known(await api.ask()) == await fresh(api), "it was made anew"
    await api.watches.close()
