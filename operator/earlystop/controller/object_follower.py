"""Users' objects and the operator's own are followed: an edit has the policies checked that were decided on them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress

from earlystop.api.modes import watched_kinds
from earlystop.controller.cache.start_check import StartCheck
from earlystop.controller.cache.watch_cache import WatchCache
from earlystop.controller.cluster import BY_KIND, Cluster, ClusterError, Manifest, NotFound
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.resources import Key
from earlystop.controller.traffic.neighbourhood import reader_of
from earlystop.controller.watched_routes import WatchedRoutes
from earlystop.delivery.inputs import SELECTOR
from earlystop.delivery.object_key import ObjectKey
from earlystop.delivery.orphans import policy_of

# Kinds of which users' objects are followed: all that policies are decided on.
FOLLOWED = ("HTTPRoute", "Service", "Deployment", "Gateway", "GatewayClass")
CLUSTER_SCOPED = frozenset({"GatewayClass"})

log = logging.getLogger(__name__)


class ObjectFollower:
    """Takes the watch events of objects, and wakes the policies that each concerns.

    tracked: all policies, by namespace and name. wake: has one reconciled at once. clock: Unix seconds.
    namespaces: those that are watched, (None,) for all.
    """

    def __init__(
        self,
        cluster: Cluster,
        tracked: Mapping[Key, TrackedPolicy],
        wake: Callable[[Key], None],
        clock: Callable[[], float],
        namespaces: Sequence[str | None],
    ) -> None:
        self._cluster = cluster
        self._tracked = tracked
        self._wake = wake
        self._namespaces = namespaces
        self._cache = cluster.cache = WatchCache([each for each in namespaces if each is not None])
        self._start_check = StartCheck(self._cache, clock)
        self._comparison_requested = asyncio.Event()
        self._routes = WatchedRoutes()

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of which objects are followed: those of users, and the operator's own, each once. A gateway's own kind
        is among them where the operator may make objects of it."""
        watched = watched_kinds(of_gateways=self._cluster.writes_gateway_objects)
        return tuple(dict.fromkeys((*FOLLOWED, *watched)))

    async def is_served(self, kind: str) -> bool:
        """Whether the API server serves the objects of a kind that is followed, and lets the operator list them."""
        labels = "" if kind in FOLLOWED else SELECTOR
        namespace = None if kind in CLUSTER_SCOPED else self._namespaces[0]
        try:
            await anext(self._cluster.pages(BY_KIND[kind], namespace, labels, at_once=1, metadata_only=True))
        except ClusterError:
            return False
        return True

    def adopted(self, tracked: TrackedPolicy) -> None:
        """The operator starts to track a policy. One that is not checked at once is compared with what watches list."""
        if tracked.acceptance.generation == tracked.generation:
            self._start_check.expect(tracked)

    def forgotten(self, key: Key) -> None:
        """A policy is no longer tracked, so nothing is followed for it alone."""
        self._cache.forget_reader(key)

    def object_shown(self, kind: str, manifest: Manifest, *, listed: bool = False) -> None:
        """A watch shows an object: in its list at the start or after a gap, or since it was created or changed."""
        key = _key_of(kind, manifest)
        if listed:
            self._start_check.note_listed(key, manifest)
            if self._cache.was_listed(key):
                # Kopf lists anew after a gap, and reports no deletion that happened in it.
                self._comparison_requested.set()
        if self._cache.note_event(key, manifest, listed=listed):
            self._check_concerned(key, manifest)
        if kind == "HTTPRoute" and not policy_of(manifest):
            self._check_beside(self._routes.changed(manifest, listed=listed))

    def object_deleted(self, kind: str, manifest: Manifest) -> None:
        """A watch shows that an object was deleted."""
        key = _key_of(kind, manifest)
        if self._cache.note_deleted(key, manifest):
            self._check_concerned(key, manifest)
        if kind == "HTTPRoute" and not policy_of(manifest):
            self._check_beside(self._routes.deleted(manifest))

    async def follow_attached_policies(self) -> None:
        """Check the policies of namespaces in which a policy of a gateway was attached, changed or taken away.

        Raises ClusterError when the API fails.
        """
        namespaces = await reader_of(self._cluster).namespaces_with_changed_policies()
        for tracked in self._tracked.values():
            if tracked.namespace in namespaces and tracked.routes:
                self._check(tracked, own=False)

    def check_listed(self) -> None:
        """Have the policies checked whose objects were edited while no operator watched. It is called every second or
        so: lists arrive object by object."""
        for tracked in self._start_check.found_edited(self._tracked):
            self._check(tracked, own=False)

    async def wait(self, seconds: float) -> None:
        """Wait until the next comparison is due: so many seconds, or at once after a gap in a watch."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._comparison_requested.wait()
        self._comparison_requested.clear()

    async def compare_with_lists(self) -> None:
        """Compare what is kept with lists of the API server, and follow what no watch event reported."""
        for kind in self.kinds:
            for namespace in (None,) if kind in CLUSTER_SCOPED else self._namespaces:
                try:
                    await self._compare(kind, namespace)
                except ClusterError as error:
                    log.warning("objects of kind %s could not be listed; this is tried again: %s", kind, error)
        self._cache.forget_gone()

    async def _compare(self, kind: str, namespace: str | None) -> None:
        before = {
            key: version
            for key, version in self._cache.versions(kind).items()
            if namespace is None or key.namespace == namespace
        }
        listed = set()
        labels = "" if kind in FOLLOWED else SELECTOR
        try:
            async for page in self._cluster.pages(BY_KIND[kind], namespace, labels):
                for manifest in page:
                    key = _key_of(kind, manifest)
                    listed.add(key)
                    if key in before and self._cache.note_listed(key, manifest):
                        self._check_concerned(key, manifest)
        except NotFound:
            if kind in FOLLOWED:
                raise
            # A gateway's own kind that the cluster does not know, or knows no more: none of its objects are left.
        for key in self._cache.missing_since(before, listed):
            self._check_concerned(key, None)

    def _check_concerned(self, key: ObjectKey, manifest: Manifest | None) -> None:
        """Check the policies that an edited object concerns. manifest: None when it is not known any more."""
        own = manifest is not None and bool(policy_of(manifest))
        for tracked in list(self._concerned(key, manifest, own)):
            self._check(tracked, own=own)

    def _check_beside(self, routes: Collection[Key]) -> None:
        """Check the policies that overlay one of these users' routes: another route may take its requests, or did."""
        if not routes:
            return
        reader_of(self._cluster).forget_routes()
        for tracked in self._tracked.values():
            if any((tracked.namespace, name) in routes for name in tracked.routes):
                self._check(tracked, own=False)

    def _concerned(self, key: ObjectKey, manifest: Manifest | None, own: bool) -> Iterator[TrackedPolicy]:
        """The policies that were decided on an object; its owner; and those that may be, but were not checked yet."""
        readers = set(self._cache.readers.of(key))
        owners = (manifest["metadata"].get("ownerReferences") or []) if manifest is not None else []
        for owner in owners:
            tracked = self._tracked.get((key.namespace or "", owner["name"]))
            if tracked is not None and tracked.uid == owner["uid"]:
                readers.add(tracked.key)
        yield from (self._tracked[each] for each in readers if each in self._tracked)
        if not own:
            for tracked in self._tracked.values():
                if not self._cache.readers.has_read(tracked.key) and _may_concern(key, tracked):
                    yield tracked

    def _check(self, tracked: TrackedPolicy, *, own: bool) -> None:
        """own: whether only the traffic has to be compared, since an object of the operator's own was edited."""
        if not own:
            tracked.acceptance.require_check()
        tracked.traffic.note_edit()
        self._wake(tracked.key)


def _may_concern(key: ObjectKey, tracked: TrackedPolicy) -> bool:
    """Whether a policy that was not checked since the operator started may be about an object."""
    if key.kind in ("Gateway", "GatewayClass"):
        return True
    if key.namespace != tracked.namespace:
        return False
    return key.name in tracked.routes if key.kind == "HTTPRoute" else True


def _key_of(kind: str, manifest: Manifest) -> ObjectKey:
    return ObjectKey(kind, manifest["metadata"].get("namespace"), manifest["metadata"]["name"])
