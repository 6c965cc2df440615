"""Reading what stands beside the objects that a policy names: other routes of the same hosts, and attached policies.

Nobody names these objects, so they are listed: once for all policies together, and again after a watch has reported
that one changed. All of the reading stands behind `with_neighbours`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from weakref import WeakKeyDictionary

from earlystop.controller.cluster import (
    DEFINITIONS,
    FORBIDDEN,
    Cluster,
    ClusterError,
    Manifest,
    Resource,
)
from earlystop.controller.traffic.change_watch import ChangeWatches
from earlystop.controller.traffic.policy_listing import PolicyListing, installed_kinds, list_policies
from earlystop.controller.traffic.route_listing import ROUTE_KINDS, RouteLister, RouteListing
from earlystop.controller.traffic.shared_listing import SharedListing
from earlystop.delivery.inputs import ClusterInputs, Neighbours
from earlystop.delivery.routes.gateways import compares_paths_first
from earlystop.delivery.routes.neighbours import neighbour_route
from earlystop.delivery.routes.served_hosts import GatewayKey

# For how long a listing serves all policies. A route that changes ends that of routes at once.
LISTING_SECONDS = 20.0
KINDS_SECONDS = 60.0


class NeighbourReader:
    """What stands beside the policies of one cluster: in all namespaces, or only in a policy's own one where the
    operator may list no others.

    clock: seconds that only go forward.
    """

    def __init__(self, cluster: Cluster, clock: Callable[[], float] = time.monotonic) -> None:
        self._cluster, self._clock = cluster, clock
        self._watches = ChangeWatches(cluster, clock)
        self._kinds = SharedListing(
            lambda: installed_kinds(cluster), KINDS_SECONDS, clock, self._watches.quiet_since(lambda: [DEFINITIONS])
        )
        self._policy_kinds: list[Resource] = []
        self._lister = RouteLister(cluster, self._watches, clock)
        self._routes: dict[str | None, SharedListing[RouteListing]] = {}
        self._policies: dict[str | None, SharedListing[PolicyListing]] = {}
        self._gateways: dict[GatewayKey, Manifest] = {}
        self._everywhere = True
        self._policies_before: dict[str | None, PolicyListing] = {}

    async def neighbours(self, inputs: ClusterInputs) -> Neighbours:
        """What stands beside the objects of a policy whose route was found. Raises ClusterError when the API fails."""
        assert inputs.route is not None
        self._gateways |= inputs.gateways
        listing = await self._listed_routes(inputs.namespace)
        if not inputs.gateways.keys() <= listing.gateways.keys():
            # A Gateway that is new, or that the operator may get and not list: other routes are served by it, too.
            self.forget_routes()
            listing = await self._listed_routes(inputs.namespace)
        policies = await self._listed_policies(inputs.namespace)
        users = neighbour_route(inputs.route, "HTTPRoute", listing.gateways)
        return Neighbours(
            routes=listing.routes.beside(users),
            overlapping=listing.routes.overlapping(users) if compares_paths_first(inputs) else (),
            mesh_routes=listing.routes.of_services(inputs.namespace),
            policies=policies.by_namespace.get(inputs.namespace, ()),
            unreadable=(*listing.unreadable, *policies.unreadable),
        )

    async def follow(self) -> None:
        """Watch all kinds that are listed, until cancelled, so that they need not be listed while nothing changes.

        Only where the operator may list them in all namespaces; elsewhere they are listed again and again.
        """
        try:
            while True:
                listed = bool(self._routes) and self._everywhere
                self._watches.watch({DEFINITIONS, *ROUTE_KINDS, *self._policy_kinds} if listed else set())
                await asyncio.sleep(LISTING_SECONDS)
        finally:
            await self._watches.close()

    def forget_routes(self) -> None:
        """A route has changed: the next check of a policy sees it."""
        for listing in self._routes.values():
            listing.forget()

    def forget_older(self, seconds: float) -> None:
        """The next check sees what stood beside a policy `seconds` ago, or later, whatever watches have shown."""
        self._lister.forget()
        for routes in self._routes.values():
            routes.forget_older(seconds)
        for policies in self._policies.values():
            policies.forget_older(seconds)

    async def namespaces_with_changed_policies(self) -> frozenset[str]:
        """Namespaces whose attached policies have changed since they were asked for here; none at the first time.

        Raises ClusterError when the API fails.
        """
        changed: set[str] = set()
        for scope, listing in list(self._policies.items()):
            now = await listing.get()
            before, self._policies_before[scope] = self._policies_before.get(scope, now), now
            names = now.by_namespace.keys() | before.by_namespace.keys()
            changed |= {name for name in names if now.by_namespace.get(name) != before.by_namespace.get(name)}
        return frozenset(changed)

    async def _listed_routes(self, namespace: str) -> RouteListing:
        if self._everywhere:
            try:
                return await self._routes_in(None)
            except ClusterError as error:
                if error.status != FORBIDDEN:
                    raise
                self._everywhere = False
        return await self._routes_in(namespace)

    async def _routes_in(self, namespace: str | None) -> RouteListing:
        if namespace not in self._routes:
            quiet_since = self._watches.quiet_since(lambda: ROUTE_KINDS)
            self._routes[namespace] = SharedListing(
                lambda: self._lister.read(namespace, self._gateways), LISTING_SECONDS, self._clock, quiet_since
            )
        return await self._routes[namespace].get()

    async def _listed_policies(self, namespace: str) -> PolicyListing:
        scope = None if self._everywhere else namespace

        async def read() -> PolicyListing:
            self._policy_kinds = await self._kinds.get()
            return await list_policies(self._cluster, self._policy_kinds, scope)

        if scope not in self._policies:
            quiet_since = self._watches.quiet_since(lambda: [DEFINITIONS, *self._policy_kinds])
            self._policies[scope] = SharedListing(read, LISTING_SECONDS, self._clock, quiet_since)
        return await self._policies[scope].get()


# One reader for each connection: it is shared by all policies, and goes with the connection.
_READERS: WeakKeyDictionary[Cluster, NeighbourReader] = WeakKeyDictionary()


def reader_of(cluster: Cluster) -> NeighbourReader:
    """The reader that all policies of a cluster share."""
    return _READERS.setdefault(cluster, NeighbourReader(cluster))


async def with_neighbours(cluster: Cluster, inputs: ClusterInputs) -> ClusterInputs:
    """The inputs with what stands beside the user's route, the same where there is none. Raises ClusterError when the
    API fails."""
    if inputs.route is None:
        return inputs
    return replace(inputs, neighbours=await reader_of(cluster).neighbours(inputs))
