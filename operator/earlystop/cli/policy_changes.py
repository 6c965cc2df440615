"""A policy as the cluster tells of it: now, and after each change, over connections that may break off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Self

from earlystop.cli.connection import NO_API, connected, explained, namespace_of, read_from
from earlystop.cli.failure import CommandFailure
from earlystop.cli.recorded import with_recorded_looks
from earlystop.cli.screen.reading import latest_events
from earlystop.cli.screen.stored_status import UNREADABLE
from earlystop.cli.screen.view import Event
from earlystop.cli.terminal import say
from earlystop.controller.cluster_errors import UNAUTHORIZED, ClusterError
from earlystop.controller.resources import POLICIES, Manifest

if TYPE_CHECKING:
    from earlystop.controller.cluster import Cluster

BEGUN_ANEW = (UNAUTHORIZED, 410)
"""What the API server says of a watch that fell too far behind, or whose credentials have run out: those are renewed
before the policy is read again, which says so where they cannot be."""
PERMANENT = (403, 404)
"""A watch that is refused so is refused again."""


class PolicyChanges:
    """What a watch of one policy tells; only the newest is kept for who is slow.

    Iterating never ends by itself. Raises CommandFailure when the policy is deleted, or may not be watched.
    """

    def __init__(self, cluster: Cluster, namespace: str, name: str, seconds: float) -> None:
        self._cluster, self._namespace, self._name, self._seconds = cluster, namespace, name, seconds
        self._newest: Manifest | None = None
        self._changed = asyncio.Event()
        self._failure: Exception | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Manifest:
        await self._changed.wait()
        if self._failure is not None:
            raise self._failure
        self._changed.clear()
        assert self._newest is not None  # what has changed is there
        return self._newest

    async def within(self, seconds: float) -> Manifest | None:
        """The policy after its next change; None where there is none for so long."""
        try:
            return await asyncio.wait_for(anext(self), seconds)
        except TimeoutError:
            return None

    async def events(self) -> tuple[Event, ...]:
        """What happened to the policy last, the latest first."""
        return () if self._newest is None else await latest_events(self._cluster, self._newest)

    async def with_looks(self, policy: Manifest) -> Manifest:
        """The policy with the looks that its verdict alone holds."""
        return await with_recorded_looks(self._cluster, policy)

    async def follow(self) -> None:
        """Read and watch the policy until this is cancelled. Whatever fails is raised for who iterates."""
        try:
            while True:
                await self._follow_once()
                # Whoever ends watches at once, as a proxy may, is not asked without a pause.
                await asyncio.sleep(self._seconds)
        except UNREADABLE:
            self._fail(CommandFailure(NO_API))
        except Exception as error:  # whoever iterates would wait for ever
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._failure = error
        self._changed.set()

    async def _follow_once(self) -> None:
        """One reading, and the watch after it until it breaks off, which it does every few minutes."""
        has_read = False
        try:
            if self._newest is None:
                found: Manifest | None = await read_from(self._cluster, POLICIES, self._namespace, self._name)
            else:
                found = await self._cluster.get(POLICIES, self._namespace, self._name)
            self._observe(found)
            assert found is not None  # or seeing it has failed
            has_read = True
            async for event in self._cluster.changes_of(POLICIES, self._namespace, found):
                if event.get("type") in ("ADDED", "MODIFIED"):
                    self._observe(event["object"])
                elif event.get("type") == "DELETED":
                    self._observe(None)
                elif event.get("type") == "ERROR":
                    return
        except ClusterError as error:
            if has_read and error.status in BEGUN_ANEW:
                return
            why = explained(error, "watch", self._namespace, POLICIES)
            if error.status in PERMANENT or error.status == UNAUTHORIZED:
                raise CommandFailure(why) from None
            say(f"{why} It is tried again.", is_problem=True)

    def _observe(self, policy: Manifest | None) -> None:
        if policy is None:
            raise CommandFailure(f"The policy {self._namespace}/{self._name} was deleted.")
        if self._newest is None or policy["metadata"] != self._newest["metadata"]:
            self._newest = policy
            self._changed.set()


@asynccontextmanager
async def policy_changes(
    namespace: str | None, context: str | None, name: str, seconds: float
) -> AsyncIterator[PolicyChanges]:
    """A watch of one policy, while the context lasts. seconds: until one that broke off is begun again."""
    async with connected(context) as cluster:
        changes = PolicyChanges(cluster, namespace_of(namespace, context), name, seconds)
        following = asyncio.create_task(changes.follow())
        try:
            yield changes
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
