"""A MetricSource says of itself whether it answers: at once, truly, and without a write for every hiccup."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from earlystop.controller.cluster import SOURCES, ClusterError, Conflict, Manifest
from earlystop.controller.counts.part_reading import failure_of_source
from earlystop.controller.counts.source_status import (
    ANSWERED,
    ANYBODY,
    FAILED_SECONDS,
    SECONDS_BETWEEN_WRITES,
    SourceStatusWriter,
    source_spec,
)
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.source.clocks import late_by
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from tests.unit.controller.counts.metric_sources import CountingOperator, answer_well, bearer, eventually, opened
from tests.unit.metrics.source.faulty_server import serving

PENDING = {"type": "Reachable", "status": "Unknown", "reason": "Pending", "lastTransitionTime": "1970-01-01T00:00:00Z"}
OTHER = {"type": "Other", "status": "True", "reason": "Known", "lastTransitionTime": "2001-01-01T00:00:00Z"}
DOWN = MetricsFailure(FailureKind.UNREACHABLE, "it is down")
BUSY = MetricsFailure(FailureKind.THROTTLED, "it is busy")


class WatchedSource:
    """One MetricSource and the watch over it, at a clock that the test moves."""

    def __init__(self, operator: CountingOperator) -> None:
        self.operator = operator
        self.api = operator.api
        self.now = 1_700_000_000.0
        self.watch = SourceStatusWriter(self.api, operator.reader, lambda: self.now)
        self.write(url="http://prometheus:9090")

    def write(self, **spec: Any) -> None:
        """Create or edit the source as an admin does; the watch tells the operator."""
        path = SOURCES.path(None, "default")
        before = self.api.objects.get(path, {"metadata": {"generation": 0}, "status": {"conditions": [OTHER, PENDING]}})
        metadata = {"name": "default", "generation": before["metadata"]["generation"] + 1}
        manifest = {"metadata": metadata, "spec": spec, "status": before["status"]}
        self.tell(self.api.put(SOURCES, manifest))

    def tell(self, manifest: Manifest) -> None:
        """The watch tells the operator of the source as it is."""
        self.operator.reader.learn_source("default", source_spec(manifest))
        self.watch.note_source(manifest)

    async def end_exchange(self, failure: MetricsFailure | None, seconds: float = 0.0) -> None:
        """Time goes by, an exchange ends, and what is due is written."""
        self.now += seconds
        self.watch.note_exchange("default", self.operator.reader.sources["default"], failure)
        await self.watch.write_due()

    @property
    def condition(self) -> Manifest:
        conditions = self.api.at(SOURCES, None, "default")["status"]["conditions"]
        (found,) = [each for each in conditions if each["type"] == "Reachable"]
        return dict(found)

    @property
    def said(self) -> tuple[str, str]:
        return self.condition["status"], self.condition["reason"]

    @property
    def writes(self) -> int:
        return sum(1 for method, path in self.api.calls if (method, path.endswith("/status")) == ("PUT", True))


@asynccontextmanager
async def world() -> AsyncIterator[WatchedSource]:
    async with opened() as operator:
        yield WatchedSource(operator)


async def test_what_a_source_does_is_written_at_once_and_only_once() -> None:
    async with world() as it:
        for _ in range(5):
            await it.end_exchange(None, 15)
        assert it.condition == {
            "type": "Reachable",
            "status": "True",
            "observedGeneration": 1,
            "lastTransitionTime": "2023-11-14T22:13:35Z",
            "reason": "Answering",
            "message": f"{ANSWERED} {ANYBODY}",
        }
        assert it.writes == 1


async def test_a_source_without_a_namespace_label_says_who_can_forge_counts_until_it_names_one() -> None:
    async with world() as it:
        await it.end_exchange(None)
        assert "can export counts under any policy's name; write there the label" in it.condition["message"]
        it.write(url="http://prometheus:9090", namespaceLabel="namespace")
        await it.end_exchange(None, 15)
        assert it.condition["message"] == ANSWERED and it.writes == 2


async def test_a_clock_that_is_behind_the_sources_is_told_while_it_answers() -> None:
    async with world() as it:
        it.write(url="http://prometheus:9090", namespaceLabel="namespace")
        it.operator.reader._ahead["default"] = -301.0
        await it.end_exchange(None)
        assert it.said == ("True", "ClockBehind") and it.condition["message"] == f"{ANSWERED} {late_by(301)}"
        it.operator.reader._ahead["default"] = -1.0
        await it.end_exchange(None, 15)
        assert it.said == ("True", "Answering") and it.condition["message"] == ANSWERED and it.writes == 2
        it.operator.reader._ahead["default"] = -301.0
        await it.end_exchange(DOWN, 15)
        assert it.said == ("False", "Unreachable")


async def test_a_failure_is_written_with_its_kind_and_what_to_do() -> None:
    async with world() as it:
        await it.end_exchange(None)
        await it.end_exchange(DOWN, 15)
        await it.end_exchange(BUSY, 15)
        assert it.said == ("False", "Throttled")
        assert "raise the source's rate limit" in it.condition["message"]
        assert it.condition["lastTransitionTime"] == "2023-11-14T22:13:35Z", "it has been false since the first failure"
        assert it.writes == 3


async def test_a_failure_that_goes_on_is_written_once_whatever_its_words() -> None:
    async with world() as it:
        for number in range(10):
            await it.end_exchange(MetricsFailure(FailureKind.TIMEOUT, f"attempt {number}"), 15)
        assert it.writes == 1


async def test_a_flapping_source_is_written_at_most_once_in_ten_seconds_and_ends_up_true() -> None:
    async with world() as it:
        for number in range(300):
            await it.end_exchange(None if number % 2 else DOWN, 0.2)
        assert it.writes <= 60 / SECONDS_BETWEEN_WRITES + 1
        await it.end_exchange(None, SECONDS_BETWEEN_WRITES)
        assert it.said == ("True", "Answering")


async def test_a_hiccup_between_two_writes_is_no_write() -> None:
    async with world() as it:
        await it.end_exchange(None)
        await it.end_exchange(DOWN, 1)
        await it.end_exchange(None, 2)
        await it.end_exchange(None, SECONDS_BETWEEN_WRITES)
        assert it.writes == 1


async def test_an_edit_is_judged_anew_and_what_was_heard_of_the_old_spec_says_nothing() -> None:
    async with world() as it:
        old = it.operator.reader.sources["default"]
        await it.end_exchange(DOWN)
        it.write(url="http://prometheus:9091")
        it.now += SECONDS_BETWEEN_WRITES
        it.watch.note_exchange("default", old, BUSY)
        await it.watch.write_due()
        assert (it.said, it.condition["observedGeneration"]) == (("False", "Unreachable"), 1)
        await it.end_exchange(DOWN)
        assert (it.said, it.condition["observedGeneration"]) == (("False", "Unreachable"), 2)


async def test_an_edit_that_the_operator_has_not_been_told_of_is_not_written_over() -> None:
    async with world() as it:
        edited = it.api.at(SOURCES, None, "default")
        it.api.put(SOURCES, {**edited, "spec": {"url": "http://elsewhere"}})
        await it.end_exchange(None)
        assert it.writes == 0


async def test_a_conflict_is_tried_again_and_nothing_of_the_other_writer_is_lost() -> None:
    async with world() as it:
        it.api.fail("PUT", Conflict(409, "changed"))
        await it.end_exchange(None)
        assert it.said == ("Unknown", "Pending")
        await it.end_exchange(None, 1)
        assert it.said == ("True", "Answering")
        assert OTHER in it.api.at(SOURCES, None, "default")["status"]["conditions"]


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_an_api_that_fails_is_asked_again_later(method: str) -> None:
    async with world() as it:
        it.api.fail(method, ClusterError(403, "no"))
        await it.end_exchange(None)
        await it.end_exchange(None, 1)
        assert it.said == ("Unknown", "Pending")
        await it.end_exchange(None, SECONDS_BETWEEN_WRITES)
        assert it.said == ("True", "Answering")


async def test_a_restarted_operator_writes_nothing_that_is_said_already() -> None:
    async with world() as it:
        await it.end_exchange(None)
        it.watch = SourceStatusWriter(it.api, it.operator.reader, lambda: it.now)
        it.tell(it.api.at(SOURCES, None, "default"))
        await it.end_exchange(None, 60)
        assert it.writes == 1


async def test_a_condition_that_somebody_else_wrote_is_put_right() -> None:
    async with world() as it:
        await it.end_exchange(None)
        forged = it.api.at(SOURCES, None, "default")
        it.tell(it.api.put(SOURCES, {**forged, "status": {"conditions": [{**it.condition, "status": "False"}]}}))
        await it.end_exchange(None, SECONDS_BETWEEN_WRITES)
        assert it.said == ("True", "Answering")


async def test_of_two_releases_that_find_a_source_otherwise_one_writes_and_says_so_and_nothing_flaps() -> None:
    async with world() as it:
        signatures: list[str | None] = ["ops/earlystop", None]
        it.watch = SourceStatusWriter(it.api, it.operator.reader, lambda: it.now, lambda: signatures[0])
        other = SourceStatusWriter(it.api, it.operator.reader, lambda: it.now, lambda: signatures[1])
        spec = it.operator.reader.sources["default"]

        async def ten_minutes() -> None:
            for _ in range(60):
                it.now += 10
                for release, failure in ((it.watch, DOWN), (other, None)):
                    release.note_exchange("default", spec, failure)
                    await release.write_due()
                    for each in (it.watch, other):
                        each.note_source(it.api.at(SOURCES, None, "default"))

        await ten_minutes()
        assert it.writes == 1 and it.said == ("False", "Unreachable")
        assert "for the release of Lease ops/earlystop, the oldest in this cluster" in it.condition["message"]
        signatures[:] = [None, ""]  # the oldest one is gone, and the other is the only one
        await ten_minutes()
        assert it.writes == 2 and it.said == ("True", "Answering") and "Lease" not in it.condition["message"]


async def test_a_release_that_is_no_longer_alone_says_who_writes() -> None:
    async with world() as it:
        signatures = [""]
        it.watch = SourceStatusWriter(it.api, it.operator.reader, lambda: it.now, lambda: signatures[0])
        await it.end_exchange(None)
        signatures[0] = "ops/earlystop"
        for _ in range(5):
            await it.end_exchange(None, SECONDS_BETWEEN_WRITES)
        assert it.writes == 2 and "Lease ops/earlystop" in it.condition["message"]
        assert it.condition["lastTransitionTime"] == "2023-11-14T22:13:20Z"


async def test_the_longest_failure_leaves_room_for_who_says_it() -> None:
    async with world() as it:
        it.watch = SourceStatusWriter(it.api, it.operator.reader, lambda: it.now, lambda: f"{'n' * 63}/{'l' * 50}")
        await it.end_exchange(MetricsFailure(FailureKind.TIMEOUT, "x" * 5000))
        message = it.condition["message"]
        assert len(message) <= 2048 and message.endswith("say how others find it.")


async def test_a_source_that_is_gone_is_not_written() -> None:
    async with world() as it:
        del it.api.objects[SOURCES.path(None, "default")]
        await it.end_exchange(None)
        it.watch.forget("default")
        await it.watch.write_due()
        assert it.writes == 0


async def test_a_source_that_no_policy_reads_is_asked_and_recovers_by_itself() -> None:
    with serving(answer_well) as server:
        async with world() as it:
            it.write(url=server.url, auth=bearer())
            running = asyncio.create_task(it.watch.run())
            await eventually(lambda: it.said == ("False", "SecretNotFound"), "the first condition")
            assert "create it" in it.condition["message"]
            it.operator.secret("prometheus", token="abc")
            it.now += FAILED_SECONDS
            it.watch.note_source(it.api.at(SOURCES, None, "default"))  # any event makes it go round
            await eventually(lambda: it.said == ("True", "Answering"), "the second condition")
            running.cancel()
    assert [headers["Authorization"] for _, headers, _ in server.requests] == ["Bearer abc"]


async def test_a_source_that_policies_read_is_not_asked_besides() -> None:
    async with world() as it:
        await it.end_exchange(None)
        it.watch.ask_idle()
        assert it.watch._probes == {}


def test_bad_counts_of_single_policies_are_not_the_sources_failure() -> None:
    good = Reading(0, {}, None, 0)
    no_data = MetricsFailure(FailureKind.NO_DATA, "none")
    too_large = MetricsFailure(FailureKind.TOO_LARGE, "much")
    assert failure_of_source([]) is None
    assert failure_of_source([good, DOWN]) is None
    assert failure_of_source([no_data, too_large]) is None
    assert failure_of_source([no_data, DOWN]) is None
    assert failure_of_source([DOWN, BUSY]) is BUSY
