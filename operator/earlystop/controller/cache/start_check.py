"""What was edited while no operator watched is found when it starts, without reading the objects of a whole fleet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from earlystop.controller.cache.watch_cache import WatchCache
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.resources import Key
from earlystop.delivery.alias_service import mirror_digest, mirrored_service
from earlystop.delivery.inputs import Manifest
from earlystop.delivery.modes import mode_of
from earlystop.delivery.names import overlay_name
from earlystop.delivery.object_key import ObjectKey
from earlystop.delivery.routes.destinations import attachment, destinations, leads_elsewhere

# When no list has shown an object for so long, the lists are over, and what they have not shown is gone.
QUIET_SECONDS = 2.0


class StartCheck:
    """Compares overlays with their routes, and aliases with their Services, as the first lists of the watches show
    them. clock: Unix seconds."""

    def __init__(self, cache: WatchCache, clock: Callable[[], float]) -> None:
        self._cache = cache
        self._clock = clock
        self._expected: set[Key] = set()
        self._services: dict[ObjectKey, tuple[bytes, str]] = {}
        self._listed_at = clock()

    def expect(self, tracked: TrackedPolicy) -> None:
        """A policy is tracked from now on, and is not checked at once."""
        self._expected.add(tracked.key)

    def note_listed(self, key: ObjectKey, manifest: Manifest) -> None:
        """A watch's list shows an object. Of a Service two words are kept, since any may turn out to have an alias."""
        self._listed_at = self._clock()
        if key.kind == "Service":
            self._services[key] = mirror_digest(manifest), mirrored_service(manifest)

    def awaits(self, key: Key) -> bool:
        """Whether a policy is yet to be compared."""
        return key in self._expected

    def found_edited(self, tracked_policies: Mapping[Key, TrackedPolicy]) -> Iterator[TrackedPolicy]:
        """The policies whose objects are not as they were left. Each policy is compared once, as soon as its objects
        are listed."""
        over = self._clock() - self._listed_at >= QUIET_SECONDS
        for key in list(self._expected):
            tracked = tracked_policies.get(key)
            as_left = True if tracked is None or self._cache.readers.has_read(key) else self._is_as_left(tracked)
            if as_left is None and not over:
                continue
            self._expected.discard(key)
            if tracked is not None and not as_left:
                yield tracked
        if over and not self._expected:
            self._services.clear()

    def _is_as_left(self, tracked: TrackedPolicy) -> bool | None:
        """Whether the overlay and the aliases of a policy still hold what they were made from and for, None while not
        all of it is listed."""
        split, delivery = tracked.split, tracked.plan.spec.delivery
        if split is None or delivery.route_ref is None:
            return True
        if delivery.traits.through_injector:
            return False  # whether its Pods are ready, no list of Services tells
        overlay = self._route(tracked, overlay_name(tracked.name))
        if tracked.traffic.handover.is_left:
            return None if overlay is None else not attachment(overlay)[0]
        users = self._route(tracked, delivery.route_ref.name)
        if overlay is None or users is None:
            return None
        if not mode_of(delivery).has_split(overlay, delivery, split) or attachment(overlay) != attachment(users):
            return False
        if leads_elsewhere(overlay, users):
            return False
        aliases = {name for name, _ in destinations(overlay) - destinations(users)}
        mirrors = [self._is_mirror(tracked.namespace, name) for name in aliases]
        return None if None in mirrors else all(mirrors)

    def _route(self, tracked: TrackedPolicy, name: str) -> Manifest | None:
        return self._cache.get(ObjectKey("HTTPRoute", tracked.namespace, name))

    def _is_mirror(self, namespace: str, alias: str) -> bool | None:
        digest, name = self._services.get(ObjectKey("Service", namespace, alias), (b"", ""))
        users = self._services.get(ObjectKey("Service", namespace, name))
        return None if users is None else users[0] == digest
