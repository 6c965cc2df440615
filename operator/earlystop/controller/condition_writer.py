"""Writing what became of people's objects, such as proposals, into the conditions of each: in the background, and again
where the API refuses it."""

from __future__ import annotations

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from earlystop.api.visible import visible
from earlystop.controller.cluster import Cluster, ClusterError, Conflict, Manifest, Resource
from earlystop.controller.resources import Key
from earlystop.rollout.formatting import rfc3339

TICK_SECONDS = 10.0
WRITES_AT_ONCE = 100
"""Of one pass, after which it is worked out anew what is due."""
AGAIN_SECONDS = 10.0
BUSY_FRACTION = 0.1
"""At most so much of its time the process works out what is due, however many objects people make, however often."""
SECONDS_TO_SHOW = 1.0
"""Until the watch has brought what another writer was faster with."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DueConditions:
    """What is to be written into an object.

    key: its namespace and name. conditions: status and reason of its conditions, by type. message: of all of them.
    """

    key: Key
    conditions: Mapping[str, tuple[str, str]]
    message: str


class ConditionWriter(ABC):
    """Writes conditions of one kind until it is cancelled. kind: as people call it. clock: Unix seconds."""

    def __init__(self, cluster: Cluster, resource: Resource, kind: str, clock: Callable[[], float]) -> None:
        self._cluster = cluster
        self._resource = resource
        self._kind = kind
        self._clock = clock
        self._not_before: dict[Key, float] = {}
        self._seconds_at_work = 0.0
        self._changed = asyncio.Event()

    @abstractmethod
    def _to_write(self) -> Iterable[DueConditions]:
        """Every object whose conditions are out of date."""

    @abstractmethod
    def _is_same(self, manifest: Manifest, due: DueConditions) -> bool:
        """Whether an object, as it was read just now, is the one that the conditions were worked out for."""

    @abstractmethod
    def _note_gone(self, key: Key) -> None:
        """Forget an object that is not there any more. key: its namespace and name."""

    @abstractmethod
    def _note_written(self, manifest: Manifest) -> None:
        """Take over an object as it was written."""

    async def run(self) -> None:
        """Write conditions until cancelled."""
        while True:
            self._changed.clear()
            left = await self.write_due()
            await asyncio.sleep(rest_after(self._seconds_at_work))
            if not left:
                with suppress(TimeoutError):
                    async with asyncio.timeout(TICK_SECONDS):
                        await self._changed.wait()

    async def write_due(self) -> bool:
        """Write conditions that have changed; whether more of them are due at once than were written."""
        now, began = self._clock(), time.perf_counter()
        due = in_turns(each for each in self._to_write() if now >= self._not_before.get(each.key, 0.0))
        self._seconds_at_work = time.perf_counter() - began
        for each in due[:WRITES_AT_ONCE]:
            try:
                await self._write(each)
            except Conflict:
                self._not_before[each.key] = self._clock() + SECONDS_TO_SHOW
            except ClusterError as error:
                log.warning("the status of %s %s/%s was not written: %s", self._kind, *each.key, error)
                self._not_before[each.key] = self._clock() + AGAIN_SECONDS
            except Exception:
                # A fault that one object provokes must not stop the others.
                log.exception("the status of %s %s/%s was not written", self._kind, *each.key)
                self._not_before[each.key] = self._clock() + AGAIN_SECONDS
        return len(due) > WRITES_AT_ONCE

    async def _write(self, due: DueConditions) -> None:
        manifest = await self._cluster.get(self._resource, *due.key)
        if manifest is None:
            self._note_gone(due.key)  # a watch that was away reports no deletion
            return
        if not self._is_same(manifest, due):
            self._not_before[due.key] = self._clock() + AGAIN_SECONDS  # the watch is about to tell of it
            return
        status = {**manifest.get("status", {}), "conditions": conditions(manifest, due, int(self._clock()))}
        written = await self._cluster.replace(self._resource, due.key[0], {**manifest, "status": status}, "status")
        self._note_written(written)
        reasons = ", ".join(dict.fromkeys(reason for _, reason in due.conditions.values()))
        fields = {"kind": self._kind, "object": "/".join(due.key), "reason": reasons}
        log.info("%s %s/%s: %s: %s", self._kind, *due.key, reasons, due.message, extra=fields)


def rest_after(seconds: float) -> float:
    """Seconds to rest after some at work, so that work takes no more than its share of the time. What changes meanwhile
    is worked out together, once."""
    return seconds * (1 / BUSY_FRACTION - 1)


def in_turns(due: Iterable[DueConditions]) -> list[DueConditions]:
    """The due conditions, one of each namespace after the other: none waits behind all that people of another wrote."""
    by_namespace: dict[str, list[DueConditions]] = {}
    for each in due:
        by_namespace.setdefault(each.key[0], []).append(each)
    rounds = zip_longest(*by_namespace.values())
    return [each for turn in rounds for each in turn if each is not None]


def conditions(manifest: Manifest, due: DueConditions, now: int) -> list[dict[str, Any]]:
    """The conditions of an object once these are written. now: Unix seconds."""
    before = {each["type"]: each for each in manifest.get("status", {}).get("conditions", [])}
    return [
        {
            "type": kind,
            "status": status,
            "observedGeneration": manifest["metadata"].get("generation", 1),
            "lastTransitionTime": before[kind]["lastTransitionTime"]
            if before.get(kind, {}).get("status") == status
            else rfc3339(now),
            "reason": reason,
            "message": visible(due.message[:2048]),
        }
        for kind, (status, reason) in due.conditions.items()
    ]


def stored_conditions(manifest: Manifest) -> dict[str, tuple[str, str]]:
    """Status and reason of an object's stored conditions, by type."""
    stored = manifest.get("status", {}).get("conditions", [])
    return {each["type"]: (each["status"], each["reason"]) for each in stored}
