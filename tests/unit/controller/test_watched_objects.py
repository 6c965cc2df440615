"""Kopf keeps nothing of the objects that it has shown, and shows each of their events all the same."""

from __future__ import annotations

from asyncio import Queue
from typing import Any

import kopf
from kopf._cogs.structs.ephemera import AnyMemo
from kopf._cogs.structs.references import Resource
from kopf._core.engines.indexing import OperatorIndexers
from kopf._core.reactor.processing import process_resource_event

from earlystop.controller.watched_objects import NoMemories


def body(number: int) -> dict[str, Any]:
    metadata = {"name": f"qa-{number}", "namespace": "llm", "uid": f"uid-{number}", "resourceVersion": "1"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {}}


async def test_each_event_is_handled_and_nothing_is_kept_of_its_object() -> None:
    registry, shown, memories = kopf.OperatorRegistry(), [], NoMemories()

    @kopf.on.event("services", registry=registry)
    async def on_event(event: Any, **_: Any) -> None:
        shown.append((event["type"], event["object"]["metadata"]["name"]))

    resource = Resource("", "v1", "services", kind="Service", namespaced=True)
    for kind, number in ((None, 1), ("MODIFIED", 1), ("ADDED", 2), ("DELETED", 1)):
        event: Any = {"type": kind, "object": body(number)}
        await process_resource_event(
            lifecycle=kopf.lifecycles.all_at_once,
            indexers=OperatorIndexers(),
            registry=registry,
            settings=kopf.OperatorSettings(),
            memories=memories,
            memobase=AnyMemo(kopf.Memo()),
            resource=resource,
            raw_event=event,
            event_queue=Queue(),
        )
    assert shown == [(None, "qa-1"), ("MODIFIED", "qa-1"), ("ADDED", "qa-2"), ("DELETED", "qa-1")]
    assert list(memories.iter_all_memories()) == []
