"""What one namespace's series make slow, or break, is slow or broken for that namespace alone."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from earlystop.api.source import SourceSpec
from earlystop.controller.counts.count_batcher import CountBatcher
from earlystop.controller.counts.part_reading import Result
from earlystop.controller.fairness.turns import served_namespace
from earlystop.metrics.convention.reader import CountRequest
from earlystop.metrics.source.answer import Sample
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.templates.reader import TemplateRequest
from tests.unit.controller.counts.metric_sources import eventually

AT = 1_700_000_000
SOURCE = SourceSpec.model_validate({"url": "http://prometheus:9090"})
FIELDS = ("started", "completed", "match", "mismatch", "tokens", "tokens_squared")
CUSTOM = {each: f'{each}_total{{policy="{{policy}}",variant="{{variant}}",revision="{{revision}}"}}' for each in FIELDS}


class Queries:
    """A metrics source in which queries that name `spoiled`, the namespace `hostile`, end as `spoil` says."""

    def __init__(self, spoil: Callable[[], list[Sample]]) -> None:
        self.spoil = spoil
        self.spoiled = "hostile"
        self.asked: list[str] = []

    def instant_vector(self, query: str, at: float) -> list[Sample]:
        self.asked.append(query)
        return self.spoil() if self.spoiled in query else []

    def range_vector(self, query: str, at: float) -> list[Any]:
        return list(self.instant_vector(query, at))

    def release_answer(self) -> None:
        """Nothing is held."""

    seconds_ahead = None


class Fleet:
    """A batcher that reads for policies of two namespaces, with a connection of each lane's own."""

    def __init__(self, spoil: Callable[[], list[Sample]]) -> None:
        self.queries = Queries(spoil)
        self.reader = CountBatcher(self, clock=lambda: float(self.now))  # type: ignore[arg-type]
        self.reader.learn_source("default", SOURCE)
        self.reports: list[MetricsFailure | None] = []
        self.reader.report = lambda name, spec, failure: self.reports.append(failure)
        self.now = AT
        self.connections: set[str] = set()
        self.exchanges: Counter[str] = Counter()

    async def client(self, name: str, spec: SourceSpec) -> Queries:
        self.connections.add(name)
        self.exchanges[name] += 1
        return self.queries

    async def renewed(self, name: str, spec: SourceSpec) -> bool:
        return False

    async def drop(self, name: str) -> None:
        self.connections.discard(name)

    def close(self) -> None:
        """There is no connection to close."""

    async def read(self, *policies: str) -> list[Result]:
        """What a look of these policies finds, all of which are due at the same moment."""
        self.now += 15
        looks = (self.reader.read("default", CountRequest(policy, "r1", 60), self.now) for policy in policies)
        return list(await asyncio.gather(*looks))


def kinds(results: list[Result]) -> list[FailureKind | None]:
    return [each.kind if isinstance(each, MetricsFailure) else None for each in results]


def timed_out() -> list[Sample]:
    raise MetricsFailure(FailureKind.TIMEOUT, "the source did not answer in time")


def broken() -> list[Sample]:
    raise RuntimeError("a series that nobody foresaw")


@pytest.fixture
async def fleet(request: pytest.FixtureRequest) -> AsyncIterator[Fleet]:
    fleet = Fleet(request.param)
    yield fleet
    fleet.reader.close()


ANSWERED = FailureKind.NO_DATA  # the source has no series at all here


@pytest.mark.parametrize(
    ("fleet", "failure"), [(timed_out, FailureKind.TIMEOUT), (broken, FailureKind.MALFORMED)], indirect=["fleet"]
)
async def test_after_one_look_a_failing_namespace_takes_no_other_with_it(fleet: Fleet, failure: FailureKind) -> None:
    assert kinds(await fleet.read("hostile/a", "healthy/b")) == [failure, failure]
    assert kinds(await fleet.read("hostile/a", "healthy/b")) == [failure, ANSWERED]
    assert kinds(await fleet.read("hostile/a", "healthy/b")) == [failure, ANSWERED]


@pytest.mark.parametrize("fleet", [timed_out, broken], indirect=True)
async def test_two_failing_namespaces_whose_names_come_first_blind_no_other(fleet: Fleet) -> None:
    await fleet.read("hostile-1/a", "hostile-2/a", "zealous/b")
    for _ in range(12):
        assert kinds(await fleet.read("hostile-1/a", "hostile-2/a", "zealous/b"))[2] is ANSWERED


@pytest.mark.parametrize("fleet", [timed_out], indirect=True)
async def test_in_a_fleet_of_more_policies_than_a_query_takes_nobody_shares_the_lane_of_a_hanging_one(
    fleet: Fleet,
) -> None:
    policies = ["hostile/a", *(f"ns-{number:02}/p" for number in range(79))]
    lost: Counter[str] = Counter()
    for _ in range(8):
        found = kinds(await fleet.read(*policies))
        lost.update(policy for policy, kind in zip(policies, found, strict=True) if kind is not ANSWERED)
    assert lost.pop("hostile/a") == 8 and max(lost.values()) <= 2
    assert fleet.exchanges["default slow"] == 5


@pytest.mark.parametrize("fleet", [timed_out], indirect=True)
async def test_of_two_namespaces_in_the_slow_lane_the_one_that_fails_fails_for_itself(fleet: Fleet) -> None:
    for _ in range(3):
        await fleet.read("hostile-1/a", "hostile-2/a", "healthy/b")
    assert fleet.exchanges["default slow"] > 0
    fleet.queries.spoiled = "hostile-1"
    found = kinds(await fleet.read("hostile-1/a", "hostile-1/b", "hostile-2/a", "hostile-2/b", "healthy/b"))
    assert found == [FailureKind.TIMEOUT, FailureKind.TIMEOUT, ANSWERED, ANSWERED, ANSWERED]


async def test_a_namespace_that_hangs_in_every_second_look_takes_one_look_of_the_others() -> None:
    pulse = [timed_out, list]
    fleet = Fleet(list)
    fleet.queries.spoil = lambda: pulse[fleet.now // 15 % 2]()
    found = [kinds(await fleet.read("hostile/a", "healthy/b"))[1] for _ in range(20)]
    assert found.count(FailureKind.TIMEOUT) == 1 and found.count(ANSWERED) == 19
    fleet.reader.close()


async def test_a_source_that_hangs_itself_is_asked_twice_a_look_and_separates_nobody() -> None:
    fleet = Fleet(timed_out)
    fleet.queries.spoiled = ""  # every query
    for _ in range(10):
        assert set(kinds(await fleet.read("a/p", "b/p", "c/p"))) == {FailureKind.TIMEOUT}
    assert len(fleet.queries.asked) == 20 and fleet.connections == {"default"}
    assert all(each is not None for each in fleet.reports)
    fleet.reader.close()


@pytest.mark.parametrize("fleet", [timed_out], indirect=True)
async def test_what_slow_namespaces_meet_is_not_told_of_the_source(fleet: Fleet) -> None:
    for _ in range(3):
        await fleet.read("hostile/a", "healthy/b")
    fleet.reports.clear()
    await fleet.read("hostile/a", "healthy/b")
    assert fleet.reports == [None]


async def test_a_query_that_never_ends_holds_up_no_look_of_another_namespace() -> None:
    release, hanging = threading.Event(), threading.Event()
    ends: list[Callable[[], list[Sample]]] = [timed_out, timed_out]

    def hang() -> list[Sample]:
        if ends:
            return ends.pop(0)()
        hanging.set()
        release.wait(30)
        return []

    fleet = Fleet(hang)
    await fleet.read("hostile/a", "healthy/b")
    await fleet.read("hostile/a", "healthy/b")
    held = asyncio.create_task(fleet.read("hostile/a"))
    await eventually(hanging.is_set, "the slow lane to be asked")
    async with asyncio.timeout(10):
        for _ in range(5):
            assert kinds(await fleet.read("healthy/b")) == [ANSWERED]
    assert not held.done() and fleet.connections == {"default", "default slow"}
    release.set()
    await held
    fleet.reader.close()


async def test_policies_that_share_no_query_are_asked_for_their_namespaces_in_turn() -> None:
    fleet = Fleet(list)
    order: list[str] = []

    async def read(namespace: str, number: int) -> None:
        served_namespace.set(namespace)
        request = TemplateRequest(f"{namespace}/p{number}", "r1", 60, "Custom", CUSTOM)
        await fleet.reader.read("default", request, AT)
        order.append(namespace)

    async with asyncio.TaskGroup() as tasks:
        for number in range(60):
            tasks.create_task(read("hostile", number))
        await asyncio.sleep(0)
        tasks.create_task(read("healthy", 0))
    assert order.index("healthy") <= 3 and order.count("hostile") == 60
    fleet.reader.close()


async def test_what_waits_for_a_namespace_that_turns_out_to_be_slow_waits_in_its_own_lane() -> None:
    fleet = Fleet(timed_out)
    requests = (TemplateRequest(f"hostile/p{number}", "r1", 60, "Custom", CUSTOM) for number in range(40))
    results = await asyncio.gather(*(fleet.reader.read("default", request, AT) for request in requests))
    assert set(kinds(results)) == {FailureKind.TIMEOUT}
    assert fleet.exchanges == {"default": 1, "default slow": 39}
    fleet.reader.close()
