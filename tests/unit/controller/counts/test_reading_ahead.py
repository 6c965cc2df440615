"""Policies that are behind share a query for all of their moments; a source that answers none is asked as before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from earlystop.api.source import SourceSpec
from earlystop.controller.counts import reading_ahead
from earlystop.controller.counts.count_batcher import CountBatcher, Lane
from earlystop.controller.counts.reading_ahead import (
    AWAY_SECONDS,
    MOST_GATHERING_SECONDS,
    ONE_BY_ONE_SECONDS,
    Readings,
)
from earlystop.metrics.convention.query import NEWEST_SAMPLE, READING
from earlystop.metrics.convention.reader import CountRequest
from earlystop.metrics.convention.several_moments import MAX_POLICIES_A_QUERY
from earlystop.metrics.convention.user_groups import UserQuestion
from earlystop.metrics.liveness import LivenessHints
from earlystop.metrics.source.answer import Sample
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from tests.unit.metrics.convention.moments import AtMoments
from tests.unit.metrics.convention.samples import row

AT = 1_700_000_000
GRID = range(AT, AT + 61, 15)
BASELINE = LivenessHints("qa", ("baseline",))


class Servers:
    """A source in which each policy has a live counter. silent_at: a moment at which its newest sample is old."""

    silent_at: int | None = None

    def instant_vector(self, query: str, at: float) -> list[Sample]:
        newest = at - 600 if at == self.silent_at else at
        policies = [f"llm/{number}" for number in range(60)]
        fresh = {"revision": "r1", "variant": "baseline", READING: NEWEST_SAMPLE}
        return [
            *(row(at, policy=policy) for policy in policies),
            *(Sample({**fresh, "policy": policy}, newest) for policy in policies),
        ]


class Client(AtMoments):
    """What a batcher asks: it answers, or fails as it is told, from a query on."""

    failing: Exception | None = None
    failing_from = 1

    def vectors(self, query: str, moments: range) -> Any:
        found = super().vectors(query, moments)
        if self.failing is not None and len(self.asked) >= self.failing_from:
            raise self.failing
        return found

    def release_answer(self) -> None:
        """Nothing is held."""


class Reader(CountBatcher):
    """A batcher whose source is in memory."""

    def __init__(self, **spec: Any) -> None:
        self.now = float(AT)
        super().__init__(clock=lambda: self.now)
        self.learn_source("default", SourceSpec.model_validate({"url": "http://prometheus:9090", **spec}))
        self.servers = Servers()
        self.client = Client(self.servers)

    async def _exchange(self, lane: Lane, spec: SourceSpec, question: Callable[[Any], Any]) -> Any:
        return question(self.client)

    async def ahead(self, policy: str, moments: range = GRID, **more: Any) -> Readings:
        asked = CountRequest(policy, "r1", 60, **{"liveness": BASELINE, **more})
        return await self.read_ahead("default", asked, moments)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_ahead, "GATHER_SECONDS", 0.0)


async def test_policies_of_one_grid_share_a_query_and_those_of_another_have_their_own() -> None:
    reader = Reader()
    asked = [GRID, GRID[1:], range(AT + 1, AT + 32, 15), range(AT, AT + 61, 30)]
    found = await asyncio.gather(*(reader.ahead(f"llm/{number}", each) for number, each in enumerate(asked)))
    assert [list(each) for each in found] == [list(each) for each in asked]
    assert sorted(str(moments) for _, moments in reader.client.asked) == sorted(map(str, [GRID, asked[2], asked[3]]))


async def test_a_moment_at_which_counters_seem_silent_is_left_to_its_own_look() -> None:
    reader = Reader()
    reader.servers.silent_at = GRID[2]
    assert list(await reader.ahead("llm/1")) == [at for at in GRID if at != GRID[2]]


async def test_a_variant_that_should_have_requests_and_has_no_series_is_left_to_single_looks() -> None:
    assert await Reader().ahead("llm/1", liveness=LivenessHints("qa", ("baseline", "candidate"))) == {}


@pytest.mark.parametrize(
    ("failing", "seconds"),
    [
        (MetricsFailure(FailureKind.REJECTED, "no such path"), ONE_BY_ONE_SECONDS),
        (MetricsFailure(FailureKind.UNREACHABLE, "away"), AWAY_SECONDS),
        (RuntimeError("a fault of the operator's own"), ONE_BY_ONE_SECONDS),
    ],
)
async def test_a_source_that_fails_is_asked_for_single_moments_for_a_while(failing: Exception, seconds: float) -> None:
    reader = Reader()
    reader.client.failing = failing
    assert await reader.ahead("llm/1") == {}
    reader.client.failing = None
    reader.now += seconds - 1
    assert await reader.ahead("llm/1") == {}
    assert len(reader.client.asked) == 1
    reader.now += 1
    assert list(await reader.ahead("llm/1")) == list(GRID)


async def test_a_source_that_is_slow_is_asked_for_single_moments_until_they_have_shown_whose_series_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading_ahead, "SLOW_SECONDS", -1.0)
    reader = Reader()
    assert list(await reader.ahead("llm/1")) == list(GRID), "what it said in the end is used"
    assert await reader.ahead("llm/1") == {}
    reader.now += AWAY_SECONDS
    assert list(await reader.ahead("llm/1")) == list(GRID)


async def test_what_a_range_cannot_say_is_asked_for_one_look_at_a_time() -> None:
    of_users, victoria = Reader(), Reader(flavour="VictoriaMetrics")
    assert await of_users.ahead("llm/1", users=UserQuestion(60, 0)) == {}
    assert await victoria.ahead("llm/1") == {}
    assert not of_users.client.asked and not victoria.client.asked


async def joined_one_after_the_other(reader: Reader, most: int, seconds: float = 0.0) -> int:
    """How many policies join in turn, each so many seconds after the one before, until the first has its readings."""
    asked = [asyncio.create_task(reader.ahead("llm/0"))]
    while not asked[0].done():
        if len(asked) < most:
            asked.append(asyncio.create_task(reader.ahead(f"llm/{len(asked)}")))
        reader.now += seconds
        await asyncio.sleep(0)
    await asyncio.gather(*asked)
    return len(asked)


async def test_a_batch_is_asked_for_once_nobody_joins_it_any_more() -> None:
    reader = Reader()
    assert await joined_one_after_the_other(reader, most=9) == 9
    assert len(reader.client.asked) == 1


async def test_a_batch_that_goes_on_growing_is_asked_for_in_the_end() -> None:
    reader = Reader()
    joined = await joined_one_after_the_other(reader, most=1000, seconds=0.1)
    assert MOST_GATHERING_SECONDS <= joined * 0.1 <= 2 * MOST_GATHERING_SECONDS


async def test_what_a_source_has_said_before_it_fails_is_used_and_nothing_more_is_asked_of_it() -> None:
    reader = Reader()
    reader.client.failing, reader.client.failing_from = MetricsFailure(FailureKind.TOO_LARGE, "of one tenant"), 2
    found = await asyncio.gather(*(reader.ahead(f"llm/{number}") for number in range(60)))
    assert [bool(each) for each in found].count(True) == MAX_POLICIES_A_QUERY
    assert len(reader.client.asked) == 2


async def test_a_source_that_is_slow_is_asked_no_further_query_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_ahead, "SLOW_SECONDS", -1.0)
    reader = Reader()
    await asyncio.gather(*(reader.ahead(f"llm/{number}") for number in range(60)))
    assert len(reader.client.asked) == 1, "single looks wait for one slow query, and not for those of a whole fleet"


async def test_single_looks_wait_for_one_query_of_a_fleet_that_is_behind_and_not_for_all() -> None:
    reader = Reader()
    turns = reader._turns["default", False]
    asked_before = 0

    async def look() -> None:
        nonlocal asked_before
        async with turns.of():
            asked_before = len(reader.client.asked)

    async with turns.of():
        fleet = [asyncio.create_task(reader.ahead(f"llm/{number}")) for number in range(60)]
        for _ in range(10):
            await asyncio.sleep(0)
        single = asyncio.create_task(look())
        await asyncio.sleep(0)
    await asyncio.gather(single, *fleet)
    assert asked_before == 1 and len(reader.client.asked) == 3


async def test_a_clock_that_was_ahead_for_a_moment_keeps_no_source_from_being_asked_for_long() -> None:
    reader = Reader()
    reader.now += 1e9
    reader.client.failing = MetricsFailure(FailureKind.REJECTED, "no such path")
    await reader.ahead("llm/1")
    reader.client.failing = None
    reader.now = float(AT)
    assert list(await reader.ahead("llm/1")) == list(GRID)


async def test_of_a_source_that_is_gone_meanwhile_nothing_is_asked_and_no_connection_stays() -> None:
    reader = CountBatcher(clock=lambda: float(AT))
    reader.learn_source("default", SourceSpec.model_validate({"url": "http://prometheus:9090"}))
    asked = CountRequest("llm/1", "r1", 60, liveness=BASELINE)
    reading = asyncio.create_task(reader.read_ahead("default", asked, GRID))
    await asyncio.sleep(0)
    reader.learn_source("default", None)
    assert await reading == {}
    assert not reader._threads and not reader._connections._open
    reader.close()


async def test_who_asks_a_source_that_was_edited_gets_no_answer_of_before() -> None:
    reader = Reader()
    before = asyncio.create_task(reader.ahead("llm/0"))
    await asyncio.sleep(0)
    edited = {"url": "http://prometheus:9090", "namespaceLabel": "namespace"}
    reader.learn_source("default", SourceSpec.model_validate(edited))
    assert await reader.ahead("llm/1") == {}
    assert list(await before) == list(GRID), "of one look it is what a single one would have had"
