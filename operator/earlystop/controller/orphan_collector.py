"""Letting go of what deleted policies left behind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from earlystop.controller.cluster import BY_KIND, POLICIES, Cluster, Conflict, Manifest, NotFound
from earlystop.delivery.inputs import SELECTOR
from earlystop.delivery.orphans import let_go, orphaned_overlays, unused_aliases

# Longer than any gateway takes to hear that a route is gone.
GRACE_SECONDS = 30.0

log = logging.getLogger(__name__)


class OrphanCollector:
    """Hands leftovers to garbage collection: overlays at once, since they move requests, and alias Services when
    nothing has led to them for a while."""

    def __init__(self, cluster: Cluster, clock: Callable[[], float], namespaces: Sequence[str | None]) -> None:
        self._cluster = cluster
        self._clock = clock
        self._namespaces = namespaces
        self._unused_since: dict[str, float] = {}
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """A policy is gone: sweep soon."""
        self._asked.set()

    async def wait(self, seconds: float) -> None:
        """Until it is time to sweep again: soon when asked or when something waits for its end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS + 1 if self._unused_since else seconds):
                await self._asked.wait()
        self._asked.clear()

    async def sweep(self) -> None:
        """One pass over all namespaces. Raises ClusterError when the API fails."""
        overlays = await self._ours("HTTPRoute")
        services = await self._ours("Service")
        living = await self._living() if overlays or services else set()
        for overlay in orphaned_overlays(overlays, living):
            await self._let_go("HTTPRoute", overlay)
        now = self._clock()
        unused = {str(each["metadata"]["uid"]): each for each in unused_aliases(services, overlays, living)}
        self._unused_since = {uid: self._unused_since.get(uid, now) for uid in unused}
        for uid, since in list(self._unused_since.items()):
            if now - since >= GRACE_SECONDS:
                await self._let_go("Service", unused[uid])
                del self._unused_since[uid]

    async def _ours(self, kind: str) -> list[Manifest]:
        found = [await self._cluster.list(BY_KIND[kind], namespace, SELECTOR) for namespace in self._namespaces]
        return [manifest for manifests in found for manifest in manifests]

    async def _living(self) -> set[str]:
        """UIDs from the API itself: a policy that cannot be read by this operator lives as well."""
        return {
            str(manifest["metadata"]["uid"])
            for namespace in self._namespaces
            async for page in self._cluster.pages(POLICIES, namespace)
            for manifest in page
        }

    async def _let_go(self, kind: str, manifest: Manifest) -> None:
        resource = BY_KIND[kind]
        namespace, name = manifest["metadata"]["namespace"], manifest["metadata"]["name"]
        with suppress(Conflict, NotFound):  # somebody took it up, or it is gone
            whole = {"apiVersion": resource.api_version, "kind": kind, **let_go(manifest)}
            await self._cluster.replace(resource, namespace, whole)
            log.info("%s %s/%s of a deleted policy is let go", kind, namespace, name)
