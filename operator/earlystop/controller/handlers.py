"""Kopf watches, and its handlers pass events to the Runtime; Kopf writes no finalizer, annotation or patch."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator
from typing import Any

import kopf

from earlystop.api.modes import watched_kinds
from earlystop.api.wire import GROUP, VERSION
from earlystop.controller.cluster import BY_KIND, PAGE, Manifest
from earlystop.controller.login import Credentials, WatchLogin
from earlystop.controller.object_follower import FOLLOWED
from earlystop.controller.runtime import Runtime
from earlystop.delivery.inputs import SELECTOR

# The first lists show every object of five kinds, and each is held for so long after it was handled: with Kopf's 5 s
# all at once, and with a fifth of a second still some hundreds, of 20 to 50 KiB each.
IDLE_SECONDS = 0.01
# Without these watches the operator is not healthy. Those of Gateway API may be missing with its CRDs.
ESSENTIAL = ("earlystoppolicies", "metricsources", "services", "deployments")


class EndlessBackoffs:
    """Seconds that Kopf waits before it repeats a failed request: growing to 20, without end.

    An outage of the API must make the operator wait, not end it; a watch that dies for another reason still ends the
    process.
    """

    def __iter__(self) -> Iterator[float]:
        yield from (1, 1, 2, 3, 5, 8, 13)
        while True:
            yield 20


class NoDiffBase(kopf.DiffBaseStorage):
    """Keeps nothing of an object.

    Kopf's own storage copies each object at each event, to find changes for handlers that the operator does not have.
    """

    def build(self, **_: Any) -> Any:
        """Nothing, where Kopf would keep what it compares at the next event."""
        return {}

    def fetch(self, **_: Any) -> None:
        """What Kopf would have stored on the object."""

    def store(self, **_: Any) -> None:
        """Stores nothing: annotations belong to people."""


def settings(namespaces: list[str], kinds: Iterable[str] | None = None) -> kopf.OperatorSettings:
    """Kopf's settings for watching only. Bound to namespaces, it does not ask for the list of all. kinds: of objects
    that are followed, None for those that every operator follows."""
    chosen = kopf.OperatorSettings()
    chosen.scanning.disabled = bool(namespaces)
    chosen.networking.request_timeout = 60
    chosen.networking.connect_timeout = 10
    chosen.networking.error_backoffs = EndlessBackoffs()
    chosen.watching.connect_timeout = 10
    chosen.watching.chunk_size = PAGE
    for kind in set(watched_kinds() if kinds is None else kinds) - set(FOLLOWED):
        chosen.watching.label_selectors[BY_KIND[kind].plural] = SELECTOR
    # A worker of Kopf's holds the last event of its object, whole, until it ends for want of another one.
    chosen.queueing.idle_timeout = IDLE_SECONDS
    chosen.posting.enabled = False
    chosen.persistence.diffbase_storage = NoDiffBase()
    return chosen


def registry(runtime: Runtime) -> kopf.OperatorRegistry:
    """Kopf's registry of the watches, whose handlers call `runtime`."""
    handlers = kopf.OperatorRegistry()
    login = WatchLogin(os.environ, runtime.login)

    @kopf.on.login(registry=handlers, errors=kopf.ErrorsMode.TEMPORARY)
    async def log_in(**kwargs: Any) -> Credentials | None:
        return await login(**kwargs)

    @kopf.on.event(GROUP, VERSION, "earlystoppolicies", registry=handlers)
    async def policy(event: Any, **_: Any) -> None:
        if event["type"] == "DELETED":
            runtime.policy_deleted(taken_from(event))
        else:
            await runtime.policy_changed(taken_from(event))

    @kopf.on.event(GROUP, VERSION, "metricsources", registry=handlers)
    async def source(event: Any, **_: Any) -> None:
        if event["type"] == "DELETED":
            runtime.source_deleted(taken_from(event))
        else:
            runtime.source_changed(taken_from(event))

    @kopf.on.event(GROUP, VERSION, "earlystopproposals", registry=handlers)
    async def proposal(event: Any, **_: Any) -> None:
        if event["type"] == "DELETED":
            runtime.proposals.deleted(taken_from(event))
        else:
            runtime.proposals.shown(taken_from(event))

    @kopf.on.event(GROUP, VERSION, "earlystopapprovals", registry=handlers)
    async def approval(event: Any, **_: Any) -> None:
        if event["type"] == "DELETED":
            runtime.approvals.deleted(taken_from(event))
        else:
            runtime.approvals.shown(taken_from(event))

    for kind in runtime.follower.kinds:
        resource = BY_KIND[kind]
        on_event = kopf.on.event(resource.group, resource.version, resource.plural, id=kind, registry=handlers)
        on_event(_followed(runtime, kind))

    return handlers


def _followed(runtime: Runtime, kind: str) -> Any:
    async def followed(event: Any, **_: Any) -> None:
        if event["type"] == "DELETED":
            runtime.follower.object_deleted(kind, taken_from(event))
        else:
            runtime.follower.object_shown(kind, taken_from(event), listed=event["type"] is None)

    return followed


def taken_from(event: Any) -> Manifest:
    """The object of an event, of which nothing is left to Kopf but the metadata that Kopf itself reads.

    Kopf leaves an event's object behind in a cycle of views, which Python finds only when it searches for cycles the
    next time: the statuses of a fleet, 50 KiB each, would add up to MiB until then.
    """
    shown: Manifest = event["object"]
    taken = dict(shown)
    shown.clear()
    shown["metadata"] = {name: value for name, value in taken["metadata"].items() if name != "managedFields"}
    return taken


def missing_watches(kinds: Iterable[str] = ESSENTIAL) -> list[str]:
    """Kinds whose watch has died, by the names of Kopf's tasks; the version of Kopf is pinned for this.
    kinds: as URLs spell them."""
    names = [task.get_name() for task in asyncio.all_tasks()]
    return [kind for kind in kinds if not any(name.startswith(f"watcher for {kind}.") for name in names)]


def unwatched(kinds: Iterable[str]) -> list[str]:
    """Those of these kinds that nothing watches, of such as a cluster may lack."""
    missing = missing_watches({BY_KIND[kind].plural for kind in kinds} - set(ESSENTIAL))
    return [kind for kind in kinds if BY_KIND[kind].plural in missing]
