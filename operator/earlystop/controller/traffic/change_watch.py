"""Watches that tell which objects of a kind have changed since a moment. What was listed since then is true but for
these."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from math import inf, nextafter
from typing import Any

from earlystop.controller.cluster import FORBIDDEN, Cluster, ClusterError, NotFound, Resource

# Something on the way may end each watch at once.
BETWEEN_SECONDS = 1.0
RETRY_SECONDS = 20.0
RETRY_ABSENT_SECONDS = 60.0
RETRY_REFUSED_SECONDS = 300.0
# Of a kind. Where more than these have changed, listing all of them anew is the cheaper.
CHANGES_KEPT = 256

Place = tuple[str | None, str]
"""Namespace and name of an object."""

log = logging.getLogger(__name__)


class ChangeWatch:
    """Watches the objects of a kind in all namespaces, of which it keeps nothing.

    clock: seconds that only go forward, the same as that of the listings.
    """

    def __init__(self, cluster: Cluster, resource: Resource, clock: Callable[[], float]) -> None:
        self._cluster, self._resource, self._clock = cluster, resource, clock
        self._known_since = inf
        # The latest change stands last.
        self._changed: dict[Place, tuple[float, str]] = {}

    @property
    def quiet_since(self) -> float:
        """The moment of the last change, or at which the watch began; infinite while there is no watch."""
        if not self._changed:
            return self._known_since
        at, _ = next(reversed(self._changed.values()))
        return at

    def changed_since(self, moment: float) -> Mapping[Place, str] | None:
        """The objects that were made, changed or deleted at this moment or later, with the resourceVersion of that.
        None where nobody knows, or they are too many to be kept."""
        if moment < self._known_since:
            return None
        return {place: version for place, (at, version) in self._changed.items() if at >= moment}

    async def run(self) -> None:
        """Watch until cancelled. After a failure nothing is known until the watch has begun anew."""
        while True:
            asked, wait = self._clock(), RETRY_SECONDS
            try:
                await self._follow()
                self._nothing_is_known()
            except NotFound:
                # What the cluster has no kind of does not change.
                self._known_since, wait = min(self.quiet_since, asked), RETRY_ABSENT_SECONDS
            except ClusterError as error:
                self._nothing_is_known()
                wait = RETRY_REFUSED_SECONDS if error.status == FORBIDDEN else RETRY_SECONDS
                log.info("%s are not watched and are listed again and again: %s", self._resource.plural, error)
            except Exception:
                self._nothing_is_known()
                log.exception("the watch of %s failed and begins anew", self._resource.plural)
            await asyncio.sleep(wait)

    async def _follow(self) -> None:
        """Follow one version after the other, without a gap between two requests. Returns when the API server has
        forgotten the last one."""
        version = await self._cluster.version_of_list(self._resource)
        # Objects that changed before this moment are in every list that is asked for from now on.
        self._changed.clear()
        self._known_since = self._clock()
        while True:
            async for event in self._cluster.changes(self._resource, version):
                if event["type"] == "ERROR":
                    return
                version = event["object"]["metadata"]["resourceVersion"]
                if event["type"] != "BOOKMARK":
                    self._note_change(event["object"]["metadata"])
            await asyncio.sleep(BETWEEN_SECONDS)

    def _note_change(self, metadata: Mapping[str, Any]) -> None:
        place = metadata.get("namespace"), metadata["name"]
        self._changed.pop(place, None)
        self._changed[place] = self._clock(), metadata["resourceVersion"]
        if len(self._changed) > CHANGES_KEPT:
            oldest, _ = self._changed.pop(next(iter(self._changed)))
            # What changed at the same moment may have been let go with it.
            self._known_since = nextafter(oldest, inf)

    def _nothing_is_known(self) -> None:
        self._changed.clear()
        self._known_since = inf


class ChangeWatches:
    """One watch for each kind that is listed."""

    def __init__(self, cluster: Cluster, clock: Callable[[], float]) -> None:
        self._cluster, self._clock = cluster, clock
        self._watches: dict[Resource, ChangeWatch] = {}
        self._tasks: dict[Resource, asyncio.Task[None]] = {}

    def quiet_since(self, kinds: Callable[[], Iterable[Resource]]) -> Callable[[], float]:
        """Tells since when no object of these kinds has changed; infinite unless all of them are watched."""

        def since() -> float:
            watched = [self._watches.get(each) for each in kinds()]
            return max((inf if each is None else each.quiet_since for each in watched), default=inf)

        return since

    def changed_since(self, kind: Resource, moment: float) -> Mapping[Place, str] | None:
        """As `ChangeWatch.changed_since`, of a kind; None where it is not watched."""
        watch = self._watches.get(kind)
        return None if watch is None else watch.changed_since(moment)

    def watch(self, kinds: Collection[Resource]) -> None:
        """Watch these kinds from now on, and no others."""
        for kind in self._tasks.keys() - set(kinds):
            self._tasks.pop(kind).cancel()
            del self._watches[kind]
        for kind in set(kinds) - self._tasks.keys():
            watch = self._watches[kind] = ChangeWatch(self._cluster, kind, self._clock)
            self._tasks[kind] = asyncio.create_task(watch.run(), name=f"changes of {kind.plural}")

    async def close(self) -> None:
        """End all watches, and wait until they have ended."""
        tasks = list(self._tasks.values())
        self.watch(())
        await asyncio.gather(*tasks, return_exceptions=True)
