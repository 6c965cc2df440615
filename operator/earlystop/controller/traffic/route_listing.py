"""All routes of the cluster, listed once and then brought up to date by what watches show of them.

A fleet's routes change all the time, also by the operator's own hand, and to list a thousand of them anew takes fifty
requests. So as long as watches tell which have changed, only these are looked at again: in what is kept of them, or by
a request each. All are listed again where a watch broke off, and now and then in any case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from earlystop.controller.cluster import (
    FORBIDDEN,
    GATEWAYS,
    GRPC_ROUTES,
    PAGE,
    ROUTES,
    Cluster,
    ClusterError,
    Manifest,
    NotFound,
    Resource,
)
from earlystop.controller.traffic.change_watch import ChangeWatches
from earlystop.controller.traffic.shared_listing import LONGEST_SECONDS
from earlystop.delivery.object_key import ObjectKey, version_of
from earlystop.delivery.routes.neighbours import Neighbourhood, NeighbourRoute, RouteKey, neighbour_route
from earlystop.delivery.routes.served_hosts import GatewayKey

ROUTE_KINDS = (ROUTES, GATEWAYS, GRPC_ROUTES)


@dataclass(frozen=True, slots=True)
class RouteListing:
    """All routes by their hosts, and the Gateways that say which these are. unreadable: names of kinds of routes that
    the operator may not list."""

    routes: Neighbourhood
    gateways: dict[GatewayKey, Manifest]
    unreadable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Reading:
    """known: the Gateways that were known beforehand. read_at: since when changes are not in it. listed_at: when all
    routes were listed for it. gone: routes that were deleted since then, with the resourceVersion of that."""

    listing: RouteListing
    known: frozenset[GatewayKey]
    read_at: float
    listed_at: float
    gone: dict[ObjectKey, int]


class RouteLister:
    """Reads the routes of all namespaces, or of one. watches: of the kinds that are listed. clock: theirs."""

    def __init__(self, cluster: Cluster, watches: ChangeWatches, clock: Callable[[], float]) -> None:
        self._cluster, self._watches, self._clock = cluster, watches, clock
        self._readings: dict[str | None, _Reading] = {}

    async def read(self, namespace: str | None, known: dict[GatewayKey, Manifest]) -> RouteListing:
        """The routes as they are now. namespace: None for all. known: Gateways that the operator may get, if not list.

        Raises ClusterError when HTTPRoutes cannot be listed.
        """
        now, before = self._clock(), self._readings.get(namespace)
        updated = None
        if namespace is None and before is not None and now - before.listed_at < LONGEST_SECONDS:
            updated = await self._updated(before, known)
        if updated is None or before is None:
            listing = await self._listed(namespace, known)
            self._readings[namespace] = _Reading(listing, frozenset(known), now, now, {})
            return listing
        listing, gone = updated
        self._readings[namespace] = _Reading(listing, frozenset(known), now, before.listed_at, before.gone | gone)
        return listing

    def forget(self) -> None:
        """Whoever asks next gets what is listed then."""
        self._readings.clear()

    async def _listed(self, namespace: str | None, known: dict[GatewayKey, Manifest]) -> RouteListing:
        gateways = await self._gateways(namespace, known)
        pages = self._cluster.pages(ROUTES, namespace)
        found = [neighbour_route(each, "HTTPRoute", gateways) async for page in pages for each in page]
        grpc = await self._list(GRPC_ROUTES, namespace)
        found += [neighbour_route(each, "GRPCRoute", gateways) for each in grpc or ()]
        unreadable = () if grpc is not None else (f"{GRPC_ROUTES.plural}.{GRPC_ROUTES.group}",)
        return RouteListing(Neighbourhood(found), gateways, unreadable)

    async def _updated(
        self, before: _Reading, known: dict[GatewayKey, Manifest]
    ) -> tuple[RouteListing, dict[ObjectKey, int]] | None:
        """What was read before, with the routes that have changed since, and those of them that are gone; None where
        they have to be listed."""
        routes, gateways, grpc = (self._watches.changed_since(kind, before.read_at) for kind in ROUTE_KINDS)
        if routes is None or gateways is None or grpc is None or grpc:
            return None
        listing = before.listing
        if gateways or known.keys() != before.known:
            now = await self._gateways(None, known)
            if _read_of(now) != _read_of(listing.gateways):
                return None
        numbers = {place: version_of({"resourceVersion": each}) for place, each in routes.items()}
        versions = {ObjectKey("HTTPRoute", *place): each for place, each in numbers.items() if each is not None}
        if len(versions) < len(routes):
            return None  # which of two is the later is not known
        changed = versions.keys() | self._changed_in_cache(before)
        kept = {key: self._kept(key, versions.get(key, 0)) for key in changed}
        if sum(each is None for each in kept.values()) > PAGE:
            return None
        changes: dict[RouteKey, NeighbourRoute | None] = {}
        for key, at_hand in kept.items():
            found = at_hand or await self._cluster.get(ROUTES, key.namespace, key.name)
            changes[_route_key(key)] = None if found is None else neighbour_route(found, "HTTPRoute", listing.gateways)
        gone = {key: version for key, version in versions.items() if changes[_route_key(key)] is None}
        return RouteListing(listing.routes.replaced(changes), listing.gateways, listing.unreadable), gone

    def _changed_in_cache(self, before: _Reading) -> set[ObjectKey]:
        """The routes of which something newer is known than what was read, or that they are gone. What is kept of one
        that is gone may be older than its end."""
        cache = self._cluster.cache
        if cache is None:
            return set()
        listed = {ObjectKey(*each.key): each.version for each in before.listing.routes}
        found = cache.changed_from("HTTPRoute", listed)
        return {key for key in found if key not in before.gone or self._kept(key, before.gone[key] + 1) is not None}

    def _kept(self, key: ObjectKey, version: int) -> Manifest | None:
        """The route as it is kept, if that is of this resourceVersion or a later one."""
        found = self._cluster.cache.get(key) if self._cluster.cache is not None else None
        return found if found is not None and (version_of(found["metadata"]) or 0) >= version else None

    async def _gateways(self, namespace: str | None, known: dict[GatewayKey, Manifest]) -> dict[GatewayKey, Manifest]:
        listed = await self._list(GATEWAYS, namespace) or ()
        return known | {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in listed}

    async def _list(self, resource: Resource, namespace: str | None) -> list[Manifest] | None:
        """All objects of a kind, none when the cluster has no such kind, None when the operator may not list it."""
        try:
            return await self._cluster.list(resource, namespace)
        except NotFound:
            return []
        except ClusterError as error:
            if error.status != FORBIDDEN:
                raise
            return None


def _route_key(key: ObjectKey) -> RouteKey:
    return ("HTTPRoute", key.namespace or "", key.name)


def _read_of(gateways: dict[GatewayKey, Manifest]) -> dict[GatewayKey, Any]:
    """What is read of Gateways for the routes' hosts. How many routes are attached to one, its status says anew with
    every route."""
    return {key: (each["spec"], (each.get("status") or {}).get("addresses")) for key, each in gateways.items()}
