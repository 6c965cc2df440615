"""The event of the operator's own write is no news, even when it comes before the answer to that write."""

from __future__ import annotations

import aiohttp
import pytest

from earlystop.controller.cluster import POLICIES, ClusterError, Manifest, Resource
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.resources import Key
from earlystop.controller.runtime import Runtime
from earlystop.controller.store.status_writer import StatusConflict, write_status
from tests.unit.controller.memory import Memory
from tests.unit.controller.tracked_policies import manifest
from tests.unit.rollout.policies import NOW

ABORT = {"earlystop.dev/abort": "r1"}


class EarlyEvents(Memory):
    """A Kubernetes API whose watch reports each write of a status before the write is answered.

    edited: another client changes the policy just before the next write (True), or just after it (False).
    """

    def __init__(self) -> None:
        super().__init__()
        self.runtime: Runtime | None = None
        self.edited: bool | None = None

    async def replace(
        self, resource: Resource, namespace: str | None, manifest: Manifest, subresource: str = ""
    ) -> Manifest:
        if self.edited:
            await self.edit()
        written = await super().replace(resource, namespace, manifest, subresource)
        await self.report()
        if self.edited is False:
            await self.edit()
        return written

    async def edit(self) -> None:
        """Another client annotates the policy, and the watch reports it."""
        made = self.at(POLICIES, "llm", "qa")
        self.put(POLICIES, {**made, "metadata": {**made["metadata"], "annotations": ABORT}})
        await self.report()

    async def report(self) -> None:
        """The watch shows the policy as it is now."""
        assert self.runtime is not None
        await self.runtime.policy_changed(self.at(POLICIES, "llm", "qa"))


async def written(api: EarlyEvents, http: aiohttp.ClientSession) -> TrackedPolicy:
    """The tracked policy after one write of its status."""
    api.runtime = Runtime(api, http, lambda: float(NOW), "operator-1")
    await api.runtime.policy_changed(api.put(POLICIES, manifest()))
    (tracked,) = api.runtime.tracked_policies()
    try:
        await write_status(api, tracked, tracked.state, tracked.ledger, float(NOW))
    finally:
        api.runtime.reader.close()
    return tracked


async def test_an_own_write_does_not_have_the_policy_read_again() -> None:
    async with aiohttp.ClientSession() as http:
        tracked = await written(EarlyEvents(), http)
    assert not tracked.status.outdated


@pytest.mark.parametrize("edited", [None, False], ids=["a write alone", "an edit after it"])
async def test_an_edit_that_follows_an_own_write_has_the_policy_read_as_soon_as_its_rate_allows(
    edited: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, woken = EarlyEvents(), list[Key]()
    api.edited = edited
    async with aiohttp.ClientSession() as http:
        api.runtime = runtime = Runtime(api, http, lambda: float(NOW), "operator-1")
        await runtime.policy_changed(api.put(POLICIES, manifest()))
        monkeypatch.setattr(runtime.scheduler, "wake", woken.append)
        (tracked,) = runtime.tracked_policies()
        await runtime._reconcile(tracked.key)
        runtime.reader.close()
    assert tracked.status.written_at == NOW and tracked.status.outdated is (edited is False)
    assert woken == ([tracked.key] if tracked.status.outdated else [])


async def test_an_edit_that_comes_before_an_own_write_is_read_and_the_write_refused() -> None:
    api = EarlyEvents()
    api.edited = True
    async with aiohttp.ClientSession() as http:
        with pytest.raises(StatusConflict):
            await written(api, http)
        assert api.runtime is not None
        (tracked,) = api.runtime.tracked_policies()
    assert tracked.policy.requests.abort.text == "r1" and not tracked.status.outdated


async def test_an_event_during_a_write_that_fails_is_not_forgotten() -> None:
    api = EarlyEvents()
    api.edited = True
    api.fail("PUT", ClusterError(500, "etcd is away"))
    async with aiohttp.ClientSession() as http:
        with pytest.raises(ClusterError):
            await written(api, http)
        assert api.runtime is not None
        (tracked,) = api.runtime.tracked_policies()
    assert tracked.status.outdated and not tracked.status.writing
