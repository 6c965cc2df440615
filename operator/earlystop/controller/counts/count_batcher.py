"""Reading counts for many policies at once: requests for the same source and moment share one query."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from math import ceil
from typing import Any

from earlystop.api.source import SourceSpec
from earlystop.controller.counts.connections import Connections
from earlystop.metrics.convention.reader import is_stale
from earlystop.metrics.convention.unseen import Unseen, UnseenQuestion, read_unseen
from earlystop.metrics.count_ledger import AnyReading, AnyRequest
from earlystop.metrics.scrape_interval import ScrapeIntervals
from earlystop.metrics.silence import measured, without_mere_silence
from earlystop.metrics.source.client import ExactPrometheus
from earlystop.metrics.source.failures import OF_ONE_POLICY, FailureKind, MetricsFailure

GATHER_SECONDS = 0.05
PROBE_QUERY = "vector(1)"
# What a source says, or how its handshake ends, when the Secrets that it is shown have been replaced.
REFUSING = frozenset({FailureKind.UNAUTHORIZED, FailureKind.TLS_FAILED})

log = logging.getLogger(__name__)

Result = AnyReading | MetricsFailure
Answers = dict[str, Result]
Report = Callable[[str, SourceSpec, MetricsFailure | None], None]
"""It is called after every exchange with the source's name, the spec that was used, and the failure of the source, None
when the source answered."""


@dataclass(slots=True)
class _Batch:
    spec: SourceSpec
    requests: dict[str, AnyRequest] = field(default_factory=dict)
    results: asyncio.Future[Answers] | None = None


class CountBatcher:
    """Reads counts from the cluster's metric sources, each in a thread of its own, since the client library is
    synchronous: sources that hang, however many, hold up no other. One exchange at a time with a source."""

    def __init__(self, connections: Connections | None = None) -> None:
        self.sources: dict[str, SourceSpec] = {}
        self.report: Report = _report_nothing
        self._connections = connections or Connections()
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._batches: dict[tuple[str, int], _Batch] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._threads: dict[str, ThreadPoolExecutor] = {}
        self._intervals: dict[str, ScrapeIntervals] = {}

    def learn_source(self, name: str, spec: SourceSpec | None) -> None:
        """Take over a MetricSource as it is now; None: it is gone."""
        if spec is not None:
            self.sources[name] = spec
        elif self.sources.pop(name, None) is not None:
            self._start(self._leave(name))

    def known(self) -> Mapping[str, SourceSpec]:
        """The sources by name."""
        return self.sources

    async def read(self, source: str, request: AnyRequest, at: int) -> Result:
        """The counts of one policy at Unix second `at`, or why there are none. Stale counts are a failure."""
        spec = self.sources.get(source)
        if spec is None:
            return MetricsFailure(FailureKind.UNREACHABLE, f"MetricSource {source} is gone")
        request = _widened(request, spec.scrape_interval_seconds, self._intervals_of(source, spec))
        if request.SHARES_QUERIES:
            result = await self._read_together(source, spec, request, at)
        else:
            question = partial(self._read, source, [request], at, spec)
            result = (await self._ask(source, spec, [request.policy], question))[request.policy]
        interval = self._intervals_of(source, spec).interval(request.policy)
        if not isinstance(result, MetricsFailure) and is_stale(result, interval):
            return MetricsFailure(FailureKind.STALE, f"the newest sample of {request.policy} is too old")
        return result

    async def read_unseen(self, source: str, question: UnseenQuestion, at: int) -> Unseen | MetricsFailure:
        """How many requests of a policy's target came past its overlay, up to Unix second `at`."""
        spec = self.sources.get(source)
        if spec is None:
            return MetricsFailure(FailureKind.UNREACHABLE, f"MetricSource {source} is gone")
        found: list[Unseen] = []
        answers = await self._ask(source, spec, [question.policy], partial(_read_unseen, question, at, found))
        failure = answers.get(question.policy)
        return failure if isinstance(failure, MetricsFailure) else found[0]

    async def _read_together(self, source: str, spec: SourceSpec, request: AnyRequest, at: int) -> Result:
        batch = self._batches.get((source, at))
        if batch is None:
            batch = self._batches[source, at] = _Batch(spec, results=asyncio.get_running_loop().create_future())
            self._start(self._flush(source))
        batch.requests[request.policy] = request
        assert batch.results is not None  # set where the batch is made
        return (await asyncio.shield(batch.results))[request.policy]

    async def probe(self, source: str, at: int) -> None:
        """Ask a source something that it can always answer, so that what it says is reported."""
        spec = self.sources.get(source)
        if spec is not None:
            await self._ask(source, spec, [source], partial(_probe, source, at))

    async def _flush(self, source: str) -> None:
        """Read one batch in the source's turn, that of the oldest moment: after a restart, policies that are behind
        catch up with others, and share their queries from there on. A batch takes requests until its turn comes."""
        await asyncio.sleep(GATHER_SECONDS)
        async with self._turns[source]:
            at = min(moment for name, moment in self._batches if name == source)
            batch = self._batches.pop((source, at))
            assert batch.results is not None  # set where the batch is made
            question = partial(self._read, source, list(batch.requests.values()), at, batch.spec)
            batch.results.set_result(await self._ask_now(source, batch.spec, list(batch.requests), question))

    async def _ask(
        self, source: str, spec: SourceSpec, policies: Collection[str], question: Callable[[ExactPrometheus], Answers]
    ) -> Answers:
        """What the source answers, in its turn."""
        async with self._turns[source]:
            return await self._ask_now(source, spec, policies, question)

    async def _ask_now(
        self, source: str, spec: SourceSpec, policies: Collection[str], question: Callable[[ExactPrometheus], Answers]
    ) -> Answers:
        """What the source answers. Raises nothing: without an answer, every policy has the failure."""
        try:
            answers = await self._exchange(source, spec, question)
            if _is_refused(answers) and await self._connections.renewed(source, spec):
                answers = await self._exchange(source, spec, question)
        except MetricsFailure as failure:
            answers = dict.fromkeys(policies, failure.with_traceback(None))
        except Exception as error:
            # A bug must hold the rollouts that it concerns, not end the operator's loop.
            log.exception("reading counts of %d policies failed", len(policies))
            what = f"the answer could not be used ({type(error).__name__})"
            answers = dict.fromkeys(policies, MetricsFailure(FailureKind.MALFORMED, what))
        self.report(source, spec, failure_of_source(answers.values()))
        return answers

    async def _exchange(self, source: str, spec: SourceSpec, question: Callable[[ExactPrometheus], Answers]) -> Answers:
        client = await self._connections.client(source, spec)
        if source not in self._threads:
            self._threads[source] = ThreadPoolExecutor(1, thread_name_prefix=f"metrics-{source}")
        return await asyncio.get_running_loop().run_in_executor(self._threads[source], question, client)

    def _read(
        self, source: str, requests: Sequence[AnyRequest], at: int, spec: SourceSpec, client: ExactPrometheus
    ) -> Answers:
        """Reads requests of one kind, each kind by its own queries. It runs in the source's thread."""
        intervals = self._intervals_of(source, spec)
        try:
            first: Any = requests[0]
            answers = dict(first.read_all(client, requests, at, spec))
            intervals = self._intervals[source] = measured(client, requests, answers, at, spec, intervals)
            return without_mere_silence(client, requests, answers, at, spec, intervals.interval)
        finally:
            client.release_answer()

    def _intervals_of(self, source: str, spec: SourceSpec) -> ScrapeIntervals:
        declared = float(spec.scrape_interval_seconds)
        return self._intervals.get(source, ScrapeIntervals(declared)).with_declared(declared)

    def differing_interval(self, source: str, policy: str) -> tuple[float, float] | None:
        """Seconds between scrapes of a policy's targets as measured and as declared, when they are not the same."""
        spec = self.sources.get(source)
        found = None if spec is None else self._intervals_of(source, spec).difference(policy)
        return None if spec is None or found is None else (found, float(spec.scrape_interval_seconds))

    async def _leave(self, source: str) -> None:
        async with self._turns[source]:
            if source not in self.sources:
                await self._connections.drop(source)
                self._intervals.pop(source, None)
                _end([self._threads.pop(source)] if source in self._threads else [])

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def close(self) -> None:
        """End the threads without waiting for answers, and remove every file with a certificate."""
        _end(self._threads.values())
        self._connections.close()


def _end(threads: Iterable[ThreadPoolExecutor]) -> None:
    for each in threads:
        each.shutdown(wait=False, cancel_futures=True)


def failure_of_source(results: Collection[Result]) -> MetricsFailure | None:
    """Why a source gave nothing that could be used; None when it answered, be it with bad counts of single policies."""
    failures = [result for result in results if isinstance(result, MetricsFailure) and result.kind not in OF_ONE_POLICY]
    return failures[-1] if failures and len(failures) == len(results) else None


def _is_refused(answers: Answers) -> bool:
    return any(isinstance(each, MetricsFailure) and each.kind in REFUSING for each in answers.values())


def _widened(request: AnyRequest, declared: float, intervals: ScrapeIntervals) -> AnyRequest:
    """The request over a window that reckons with the measured interval, as `window_since` does with the declared."""
    more = ceil(2 * (intervals.interval(request.policy) - declared))
    return replace(request, window_seconds=request.window_seconds + more) if more else request


def _read_unseen(question: UnseenQuestion, at: int, found: list[Unseen], client: ExactPrometheus) -> Answers:
    answer = read_unseen(client, question, at)
    if isinstance(answer, MetricsFailure):
        return {question.policy: answer}
    found.append(answer)
    return {}


def _probe(source: str, at: int, client: ExactPrometheus) -> Answers:
    try:
        client.instant_vector(PROBE_QUERY, float(at))
    except MetricsFailure as failure:
        return {source: failure.with_traceback(None)}
    return {}


def _report_nothing(source: str, spec: SourceSpec, failure: MetricsFailure | None) -> None:
    """The report of a batcher whose owner keeps no status of sources."""
