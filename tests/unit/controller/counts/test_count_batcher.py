"""Which requests share a query, and in which order a source that is behind is asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from email.utils import formatdate

import pytest

from earlystop.api.source import SourceSpec
from earlystop.controller.counts.count_batcher import CountBatcher, Lane
from earlystop.controller.counts.part_reading import Answers, Result
from earlystop.metrics.convention.reader import CountRequest
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.source.client import ExactPrometheus
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from tests.unit.controller.counts.metric_sources import eventually
from tests.unit.metrics.source.faulty_server import Handler, serving, vector

AT = 1_700_000_000


class Slow(CountBatcher):
    """Answers one exchange at a time, and only when the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.learn_source("default", SourceSpec.model_validate({"url": "http://prometheus:9090"}))
        self.asked: list[list[str]] = []
        self.allowed = asyncio.Semaphore(0)

    async def _ask_now(
        self, lane: Lane, spec: SourceSpec, policies: Collection[str], question: Callable[[ExactPrometheus], Answers]
    ) -> Answers:
        self.asked.append(sorted(policies))
        await self.allowed.acquire()
        return {policy: Reading(AT, {}, float(AT), 0) for policy in policies}

    async def until_asked(self, times: int) -> None:
        await eventually(lambda: len(self.asked) == times, f"query {times}")


def looks(reader: CountBatcher, policy: str, at: int) -> asyncio.Task[Result]:
    return asyncio.create_task(reader.read("default", CountRequest(policy, "r1", 60), at))


async def test_counts_that_a_source_cannot_have_yet_by_its_own_clock_are_no_fault_of_targets() -> None:
    def answer(handler: Handler) -> None:
        handler.date_time_string = lambda timestamp=None: formatdate(time.time() - 300, usegmt=True)  # type: ignore[method-assign]
        handler.reply(200, vector(at=float(AT)))

    with serving(answer) as server:
        reader = CountBatcher()
        reader.learn_source("default", SourceSpec.model_validate({"url": server.url}))
        found = await reader.read("default", CountRequest("llm/first", "r1", 60), AT)
        reader.close()
    assert isinstance(found, MetricsFailure) and found.kind is FailureKind.CLOCKS_DIFFER, found


async def test_a_probe_of_an_idle_source_shows_how_far_the_clock_is_behind() -> None:
    def answer(handler: Handler) -> None:
        handler.date_time_string = lambda timestamp=None: formatdate(time.time() + 300, usegmt=True)  # type: ignore[method-assign]
        handler.reply(200, vector(at=float(AT)))

    with serving(answer) as server:
        reader = CountBatcher()
        reader.learn_source("default", SourceSpec.model_validate({"url": server.url}))
        assert reader.seconds_behind("default") is None
        await reader.probe("default", AT)
        reader.close()
    assert reader.seconds_behind("default") == pytest.approx(300, abs=5)


async def test_policies_that_are_behind_catch_up_with_each_other_and_then_share_their_queries() -> None:
    reader = Slow()
    tasks = [looks(reader, "first", AT)]
    await reader.until_asked(1)
    tasks += [looks(reader, "ahead", AT + 30), looks(reader, "behind", AT + 15)]
    await asyncio.sleep(0)  # both have begun, the one that is ahead first
    reader.allowed.release()
    await reader.until_asked(2)
    tasks.append(looks(reader, "first", AT + 30))
    reader.allowed.release()
    await reader.until_asked(3)
    assert reader.asked == [["first"], ["behind"], ["ahead", "first"]]
    reader.allowed.release()
    await asyncio.gather(*tasks)
    reader.close()
