"""Kopf calls the handlers of events as before, and keeps nothing of the objects that it has shown them."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import kopf
import pytest
from kopf._cogs.structs.ephemera import AnyMemo, Memo
from kopf._cogs.structs.references import Resource
from kopf._core.engines.indexing import OperatorIndexers
from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory
from kopf._core.reactor.processing import process_resource_event

from earlystop.controller.handlers import settings, taken_from
from earlystop.controller.nothing_remembered import NothingRemembered

SERVICES = Resource(group="", version="v1", plural="services", namespaced=True)


class Watching:
    """A handler of events of Services, which Kopf calls for each event that the test shows. At one name it fails."""

    def __init__(self, take: Callable[[Any], Any] = lambda event: event["object"]) -> None:
        self.memories = NothingRemembered()
        self.seen: list[tuple[str | None, str]] = []
        self.specs: list[dict[str, Any]] = []
        self._registry = kopf.OperatorRegistry()

        @kopf.on.event("", "v1", "services", registry=self._registry)
        async def shown(event: Any, **_: Any) -> None:
            taken = take(event)
            self.specs.append(dict(taken.get("spec") or {}))
            self.seen.append((event["type"], taken["metadata"]["name"]))
            if taken["metadata"]["name"] == "broken":
                raise ValueError("this Service cannot be read")

    async def show(self, kind: str | None, name: str, **more: Any) -> None:
        """kind: as the API server names events, None for an object of a list."""
        metadata = {"name": name, "namespace": "shop", "uid": f"0a000000-{name}", "resourceVersion": "1"}
        await process_resource_event(
            lifecycle=kopf.lifecycles.all_at_once,
            indexers=OperatorIndexers(),
            registry=self._registry,
            settings=settings([]),
            memories=self.memories,
            memobase=AnyMemo(Memo()),
            resource=SERVICES,
            raw_event={"type": kind, "object": {"metadata": metadata, **more}},  # type: ignore[typeddict-item]
            event_queue=asyncio.Queue(),
        )


async def test_a_handler_is_called_for_what_is_listed_changed_and_deleted() -> None:
    watching = Watching()
    events = [(None, "one"), ("ADDED", "two"), ("MODIFIED", "one"), ("DELETED", "one"), ("ADDED", "one")]
    for kind, name in events:
        await watching.show(kind, name)
    assert watching.seen == events


async def test_after_a_handler_has_failed_it_is_called_with_the_next_event() -> None:
    watching = Watching()
    events = [("ADDED", "broken"), ("MODIFIED", "broken"), ("ADDED", "one")]
    for kind, name in events:
        await watching.show(kind, name)
    assert watching.seen == events


@pytest.mark.slow
async def test_nothing_is_kept_of_the_objects_that_were_shown() -> None:
    watching = Watching()
    gc.collect()
    before = sum(type(each) is ResourceMemory for each in gc.get_objects())
    for number in range(50):
        await watching.show(None, f"service-{number}")
    gc.collect()
    assert sum(type(each) is ResourceMemory for each in gc.get_objects()) == before
    assert list(watching.memories.iter_all_memories()) == []


async def test_kopfs_own_memories_keep_every_object() -> None:
    """What is saved: were this no longer so, `NothingRemembered` would not be needed."""
    watching = Watching()
    own = watching.memories = ResourceMemories()  # type: ignore[assignment]
    await watching.show(None, "one")
    assert len(list(own.iter_all_memories())) == 1


async def _left_behind(watching: Watching) -> int:
    """How many specs are still in memory after as many events, before Python has searched for cycles."""
    ports = [{"port": number} for number in range(20)]
    gc.collect()
    gc.disable()
    try:
        for number in range(20):
            await watching.show("MODIFIED", f"service-{number}", spec={"ports": ports, "selector": {"app": number}})
        watching.specs.clear()
        return sum(type(each) is dict and each.get("ports") is ports for each in gc.get_objects())
    finally:
        gc.enable()


@pytest.mark.slow
async def test_an_object_that_a_handler_has_taken_is_in_memory_no_longer_than_the_handler_needs_it() -> None:
    watching = Watching(taken_from)
    assert await _left_behind(watching) == 0
    assert len(watching.seen) == 20


@pytest.mark.slow
async def test_kopf_leaves_whole_objects_behind() -> None:
    """What is saved: were this no longer so, handlers need not take objects from events."""
    assert await _left_behind(Watching()) == 20


async def test_a_handler_gets_the_whole_object_and_kopf_is_left_with_what_names_it() -> None:
    metadata = {"name": "one", "namespace": "shop", "uid": "0a", "managedFields": [{"manager": "kubectl"}]}
    event = {"type": "ADDED", "object": {"kind": "Service", "metadata": metadata, "spec": {"ports": []}}}
    assert taken_from(event) == {"kind": "Service", "metadata": metadata, "spec": {"ports": []}}
    assert event["object"] == {"metadata": {"name": "one", "namespace": "shop", "uid": "0a"}}
