"""What is listed stays in use while a watch sees nothing change, and for 20 s where there is no watch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from math import inf

import pytest

from earlystop.controller.cluster import GATEWAYS, ROUTES, ClusterError, Manifest, NotFound, Resource
from earlystop.controller.traffic import change_watch
from earlystop.controller.traffic.change_watch import ChangeWatch, ChangeWatches
from earlystop.controller.traffic.shared_listing import LONGEST_SECONDS, SharedListing
from tests.unit.controller.memory import Memory


class Watched(Memory):
    """A Kubernetes API whose watches give the events that a test sends. failures: raised by the next watches."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.asked_for = 0.0, list[str]()
        self.events: asyncio.Queue[Manifest | Exception | None] = asyncio.Queue()
        self.failures: list[Exception] = []

    async def version_of_list(self, resource: Resource) -> str:
        if self.failures:
            raise self.failures.pop(0)
        return "7"

    async def changes(self, resource: Resource, version: str) -> AsyncIterator[Manifest]:
        self.asked_for.append(version)
        while (event := await self.events.get()) is not None:
            if isinstance(event, Exception):
                raise event
            yield event

    async def send(self, kind: str, version: str = "8", name: str = "qa") -> None:
        """Let the watch see an event."""
        metadata = {"namespace": "llm", "name": name, "resourceVersion": version}
        await self.events.put({"type": kind, "object": {"metadata": metadata}})
        await settled()


async def settled() -> None:
    """Every task has gone as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watch that ended or failed begins anew without waiting."""
    for name in ("BETWEEN_SECONDS", "RETRY_SECONDS", "RETRY_ABSENT_SECONDS", "RETRY_REFUSED_SECONDS"):
        monkeypatch.setattr(change_watch, name, 0.0)


async def test_a_listing_serves_while_its_watch_sees_no_change_and_is_read_anew_after_one() -> None:
    api, reads = Watched(), 0

    async def read() -> int:
        nonlocal reads
        reads += 1
        return reads

    watches = ChangeWatches(api, lambda: api.now)
    listing = SharedListing(read, 20.0, lambda: api.now, watches.quiet_since(lambda: [ROUTES]))
    watches.watch([ROUTES])
    await settled()
    api.now = 1.0
    assert await listing.get() == 1
    api.now = 1.0 + LONGEST_SECONDS - 1
    assert await listing.get() == 1, "nothing has changed"
    await api.send("BOOKMARK")
    assert await listing.get() == 1, "a bookmark is no change"
    await api.send("MODIFIED")
    assert await listing.get() == 2
    api.now += LONGEST_SECONDS
    assert await listing.get() == 3, "it is read now and then whatever the watch says"
    await watches.close()
    api.now += 20.0
    assert await listing.get() == 4, "without a watch nothing is known to be unchanged"


async def test_a_listing_that_was_read_before_the_watch_began_is_read_anew() -> None:
    api, reads = Watched(), 0

    async def read() -> int:
        nonlocal reads
        reads += 1
        return reads

    watches = ChangeWatches(api, lambda: api.now)
    listing = SharedListing(read, 20.0, lambda: api.now, watches.quiet_since(lambda: [ROUTES, GATEWAYS]))
    assert await listing.get() == 1
    api.now = 5.0
    watches.watch([ROUTES])
    await settled()
    api.now = 25.0
    assert await listing.get() == 2
    api.now = 50.0
    assert await listing.get() == 3, "one of its kinds is not watched"
    await watches.close()


async def test_a_watch_that_ends_goes_on_from_the_last_version_without_a_gap(at_once: None) -> None:
    api = Watched()
    watch = ChangeWatch(api, ROUTES, lambda: api.now)
    task = asyncio.create_task(watch.run())
    await settled()
    api.now = 3.0
    await api.send("BOOKMARK", "31")
    await api.events.put(None)
    await settled()
    assert api.asked_for == ["7", "31"] and watch.quiet_since == 0.0
    task.cancel()


@pytest.mark.parametrize(
    "failure", [ClusterError(0, "TimeoutError"), ClusterError(403, "forbidden"), ValueError("no event")]
)
async def test_a_watch_that_fails_says_nothing_more(failure: Exception) -> None:
    api = Watched()
    watch = ChangeWatch(api, ROUTES, lambda: api.now)
    task = asyncio.create_task(watch.run())
    await settled()
    assert watch.quiet_since == 0.0
    await api.events.put(failure)
    await settled()
    assert watch.quiet_since == inf
    task.cancel()


async def test_a_watch_that_could_not_begin_begins_later(at_once: None) -> None:
    api = Watched()
    api.failures = [ClusterError(0, "TimeoutError"), ClusterError(403, "forbidden"), ValueError("no event")]
    watch = ChangeWatch(api, ROUTES, lambda: api.now)
    assert await quiet_of(watch, lambda: api.asked_for == ["7"]) == [inf, 0.0]


async def test_a_version_that_the_api_server_has_forgotten_ends_what_is_known() -> None:
    api = Watched()
    watch = ChangeWatch(api, ROUTES, lambda: api.now)
    task = asyncio.create_task(watch.run())
    await settled()
    await api.send("ERROR")
    assert watch.quiet_since == inf
    task.cancel()


async def test_a_kind_that_the_cluster_does_not_have_does_not_change(at_once: None) -> None:
    api = Watched()
    api.failures = [NotFound(404, "no such kind")] * 3
    watch = ChangeWatch(api, ROUTES, lambda: api.now)
    assert await quiet_of(watch, lambda: api.asked_for == ["7"]) == [inf, 0.0]


async def quiet_of(watch: ChangeWatch, reached: Callable[[], bool]) -> list[float]:
    """What the watch said, one after the other, until a moment is reached."""
    said = [watch.quiet_since]
    task = asyncio.create_task(watch.run())
    for _ in range(100):
        await asyncio.sleep(0)
        if watch.quiet_since != said[-1]:
            said.append(watch.quiet_since)
        if reached():
            break
    task.cancel()
    assert reached()
    return said
