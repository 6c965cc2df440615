"""A second release that would serve the same namespaces waits and says why; nobody else can make an operator wait."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.controller.cluster import LEASES, ClusterError
from earlystop.controller.health import Health, serve
from earlystop.controller.release_lease import (
    CLUSTER_ROLES,
    DURATION_SECONDS,
    NAMES_LEASE,
    Holder,
    ReleaseLease,
    elder,
    holder_in,
    signature,
)
from tests.unit.controller.memory import Memory

LABELS = {"app.kubernetes.io/part-of": "earlystop"}
NAMESPACES = st.frozensets(st.sampled_from("abc"))


class Clock:
    """Seconds that stand still until they are moved."""

    now = 1_000_000.5

    def __call__(self) -> float:
        return self.now


def cluster() -> Memory:
    memory = Memory()
    memory.serve(LEASES)
    memory.serve(CLUSTER_ROLES)
    return memory


def install(memory: Memory, release: str, *, by_admin: bool = True) -> None:
    """What the chart makes of a release's Lease in a namespace of its name."""
    memory.put(LEASES, {"metadata": {"namespace": release, "name": "es", "labels": LABELS}})
    if by_admin:
        annotations = {NAMES_LEASE: f"{release}/es"}
        memory.put(CLUSTER_ROLES, {"metadata": {"name": release, "labels": LABELS, "annotations": annotations}})


def lease_of(memory: Memory, clock: Clock, release: str, *serves: str) -> ReleaseLease:
    return ReleaseLease(memory, clock, release, "es", identity=f"{release}-0", serves=serves)


def is_free(lease: ReleaseLease) -> bool:
    waiting = lease.until_free()
    try:
        waiting.send(None)
    except StopIteration:
        return True
    finally:
        waiting.close()
    return False


@pytest.mark.parametrize(
    ("first", "second", "waits"),
    [((), (), True), ((), ("a",), True), (("a", "b"), ("b",), True), (("a",), ("b",), False), (("a",), (), True)],
)
async def test_the_younger_of_two_releases_waits_if_they_have_a_namespace_in_common(
    first: tuple[str, ...], second: tuple[str, ...], waits: bool
) -> None:
    memory, clock = cluster(), Clock()
    for release in ("first", "second"):
        install(memory, release)
    old, young = lease_of(memory, clock, "first", *first), lease_of(memory, clock, "second", *second)
    await old.renew()
    clock.now += 5
    await young.renew()
    await old.renew()
    assert is_free(old) and old.second_to() is None
    assert is_free(young) is not waits
    told = young.second_to() or ""
    assert (f"Lease first/es already serves {', '.join(first) or 'all namespaces'}; uninstall" in told) is waits


async def test_a_waiting_release_goes_on_when_the_older_one_has_not_renewed_its_lease_for_its_time() -> None:
    memory, clock = cluster(), Clock()
    for release in ("first", "second"):
        install(memory, release)
    await lease_of(memory, clock, "first").renew()
    young = lease_of(memory, clock, "second")
    clock.now += DURATION_SECONDS
    await young.renew()
    assert not is_free(young)
    clock.now += 1
    await young.renew()
    assert is_free(young) and young.second_to() is None


async def test_a_pod_that_follows_another_of_its_release_is_as_old_as_the_release_and_waits_for_nobody() -> None:
    memory, clock = cluster(), Clock()
    for release in ("first", "second"):
        install(memory, release)
    await lease_of(memory, clock, "first").renew()
    clock.now += 5
    await lease_of(memory, clock, "second").renew()
    clock.now += 5
    restarted = lease_of(memory, clock, "first")
    await restarted.renew()
    assert is_free(restarted)


async def test_of_releases_side_by_side_the_oldest_speaks_for_the_cluster_and_the_next_when_it_is_gone() -> None:
    memory, clock = cluster(), Clock()
    for release in ("first", "second"):
        install(memory, release)
    old, young = lease_of(memory, clock, "first", "a"), lease_of(memory, clock, "second", "b")
    assert old.signature() is None, "nobody speaks before it knows of the others"
    await old.renew()
    assert old.signature() == ""
    clock.now += 5
    await young.renew()
    await old.renew()
    assert (old.signature(), young.signature()) == ("first/es", None)
    clock.now += DURATION_SECONDS + 1
    await young.renew()
    assert young.signature() == ""


async def test_a_lease_that_nobody_else_writes_is_read_once_and_renewed_without_reading_it_again() -> None:
    memory, clock = cluster(), Clock()
    install(memory, "first")
    lease = lease_of(memory, clock, "first")
    assert await lease.renew()
    memory.fail("GET", ClusterError(500, "no read is expected"))
    for _ in range(3):
        clock.now += 10
        assert await lease.renew(look=False)
        held = holder_in(memory.at(LEASES, "first", "es"))
        assert held is not None and (held.acquired, held.renewed) == (1_000_000.5, clock.now)


async def test_what_somebody_else_writes_on_the_lease_stays_and_it_is_renewed_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    memory, clock = cluster(), Clock()
    install(memory, "first")
    lease = lease_of(memory, clock, "first")
    await lease.renew()
    found = memory.at(LEASES, "first", "es")
    memory.put(LEASES, {**found, "metadata": {**found["metadata"], "labels": {**LABELS, "team": "search"}}})
    clock.now += 10
    assert await lease.renew(look=False)
    now = memory.at(LEASES, "first", "es")
    held = holder_in(now)
    assert now["metadata"]["labels"]["team"] == "search" and held is not None and held.renewed == clock.now
    assert not caplog.records


async def test_two_processes_of_one_release_are_told(caplog: pytest.LogCaptureFixture) -> None:
    memory, clock = cluster(), Clock()
    install(memory, "first")
    lease = lease_of(memory, clock, "first")
    await lease.renew()
    await ReleaseLease(memory, clock, "first", "es", identity="first-1", serves=()).renew()
    assert await lease.renew(look=False)
    assert "another process of this release renews its Lease" in caplog.text


async def test_a_release_that_is_free_looks_for_others_once_a_minute_and_one_that_waits_at_each_renewal() -> None:
    memory, clock = cluster(), Clock()
    for release in ("first", "second"):
        install(memory, release)
    old, young = lease_of(memory, clock, "first"), lease_of(memory, clock, "second")
    looks = {"old": 0, "young": 0}
    for _ in range(13):  # two minutes
        for name, each in (("old", old), ("young", young)):
            before = len(memory.lists)
            assert await each.renew_when_due()
            looks[name] += len(memory.lists) > before
        clock.now += 10
    assert looks == {"old": 3, "young": 13}


async def test_a_release_whose_lease_ran_out_looks_for_others_at_once() -> None:
    memory, clock = cluster(), Clock()
    for release in ("first", "second"):
        install(memory, release)
    first, second = lease_of(memory, clock, "first"), lease_of(memory, clock, "second")
    await first.renew_when_due()
    clock.now += DURATION_SECONDS + 1
    await second.renew_when_due()
    assert is_free(second)
    clock.now += 1
    await first.renew_when_due()
    assert "Lease second/es already serves" in (first.second_to() or "")


async def test_a_lease_that_no_admin_vouches_for_keeps_nobody_waiting() -> None:
    memory, clock = cluster(), Clock()
    install(memory, "tenant", by_admin=False)
    install(memory, "second")
    await lease_of(memory, clock, "tenant").renew()
    clock.now += 5
    lease = lease_of(memory, clock, "second")
    await lease.renew()
    assert is_free(lease)


@pytest.mark.parametrize("status", [403, 404])
async def test_without_the_lease_or_the_right_to_it_the_operator_starts_all_the_same(status: int) -> None:
    memory = cluster()
    memory.fail("GET", ClusterError(status, "no"))
    install(memory, "first")
    lease = lease_of(memory, Clock(), "first")
    await lease.renew()
    assert is_free(lease) and lease.signature() == ""


async def test_while_the_api_server_does_not_answer_nobody_takes_itself_for_the_only_one() -> None:
    memory = cluster()
    memory.fail("GET", ClusterError(0, "no answer"))
    install(memory, "first")
    lease = lease_of(memory, Clock(), "first")
    assert not await lease.renew() and not is_free(lease)
    assert await lease.renew() and is_free(lease)


@pytest.mark.parametrize(
    "spec",
    [
        None,
        {},
        {"acquireTime": "now", "renewTime": "now", "leaseDurationSeconds": 40},
        {"acquireTime": None, "renewTime": "2026-01-01T00:00:00.000000Z", "leaseDurationSeconds": 40},
        {"acquireTime": "2026-01-01T00:00:00Z", "renewTime": "2026-01-01T00:00:00Z", "leaseDurationSeconds": None},
    ],
)
def test_a_lease_that_says_nothing_is_held_by_nobody(spec: dict[str, Any] | None) -> None:
    assert holder_in({"metadata": {"namespace": "a", "name": "b"}, "spec": spec}) is None


def holders(name: str) -> st.SearchStrategy[Holder]:
    return st.builds(Holder, st.just(name), st.just("es"), NAMESPACES, st.integers(0, 3), st.integers(0, 9), st.just(5))


async def test_who_waits_is_alive_and_not_ready_and_says_why() -> None:
    health = Health(lambda: 0.0, lambda: 0.0, list, lambda: "Lease first/es already serves all namespaces", ready=True)
    runner = await serve(health, "127.0.0.1", 0)
    host, port = runner.addresses[0][:2]
    try:
        async with aiohttp.ClientSession(f"http://{host}:{port}") as client:
            async with client.get("/readyz") as answer:
                assert (answer.status, await answer.text()) == (503, "Lease first/es already serves all namespaces")
            async with client.get("/healthz") as answer:
                assert answer.status == 200
    finally:
        await runner.cleanup()


@pytest.mark.slow
@given(st.tuples(*map(holders, "xyz")), st.integers(0, 15))
def test_of_live_releases_that_meet_at_least_one_serves_and_no_two_that_meet_wait_for_each_other(
    releases: tuple[Holder, ...], now: int
) -> None:
    before = {each: elder(each, [other for other in releases if other != each], now) for each in releases}
    oldest = min(releases, key=lambda each: each.age_order)
    assert before[oldest] is None
    for each, first in before.items():
        assert first is None or (before[first] != each and first.meets(each) and now <= first.renewed + 5)


@pytest.mark.slow
@given(st.tuples(*map(holders, "xyz")), st.integers(0, 15))
def test_of_live_releases_just_one_writes_what_is_said_of_the_whole_cluster(
    releases: tuple[Holder, ...], now: int
) -> None:
    alive = [each for each in releases if now <= each.renewed + each.seconds]
    writing = {each: signature(each, [other for other in releases if other != each], now) for each in alive}
    found = {each: said for each, said in writing.items() if said is not None}
    assert len(found) == min(1, len(alive))
    for each, said in found.items():
        assert each == min(alive, key=lambda one: one.age_order)
        assert said == (f"{each.namespace}/es" if len(alive) > 1 else "")
