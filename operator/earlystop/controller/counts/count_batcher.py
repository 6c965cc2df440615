"""Reading counts for many policies at once: requests for the same source and moment share one query."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from math import ceil
from typing import Any, Protocol, TypeVar

from earlystop.api.source import SourceSpec
from earlystop.controller.counts.connections import Connections
from earlystop.controller.counts.part_reading import Answers, Result, failed_namespaces, failure_of_source, read_parts
from earlystop.controller.counts.probing import probe, probe_now
from earlystop.controller.counts.reading_ahead import ReadingAhead, Readings
from earlystop.controller.counts.separation import COSTLY, EXACT, Part, Separation
from earlystop.controller.fairness.turns import COMMON, FairTurns, for_all
from earlystop.metrics.convention.query import namespace_of
from earlystop.metrics.convention.reader import MAX_POLICIES_A_QUERY, CountRequest
from earlystop.metrics.convention.several_moments import LooksAhead
from earlystop.metrics.count_ledger import AnyRequest
from earlystop.metrics.scrape_interval import ScrapeIntervals
from earlystop.metrics.silence import measured, with_silence_explained
from earlystop.metrics.source.client import ExactPrometheus
from earlystop.metrics.source.clocks import seconds_behind, with_clocks_named
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.staleness import is_stale

GATHER_SECONDS = 0.05
# What a source says, or how its handshake ends, when the Secrets that it is shown have been replaced.
REFUSING = frozenset({FailureKind.UNAUTHORIZED, FailureKind.TLS_FAILED})

T = TypeVar("T")


class AboutOnePolicy(Protocol):
    """A question that is about one policy, named namespace/name."""

    @property
    def policy(self) -> str:
        """The policy's name."""


Q = TypeVar("Q", bound=AboutOnePolicy)
R = TypeVar("R", bound=AnyRequest)

log = logging.getLogger(__name__)

Lane = tuple[str, bool]
"""A source's name, and whether it is the lane of its slow namespaces."""
Queue = tuple[Lane, str]
"""A lane, and the namespace whose policies share queries there: each slow one's own, COMMON in the other lane."""
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
    synchronous: sources that hang, however many, hold up no other. One exchange at a time with a source, and one more
    for namespaces whose series make queries slow, see `separation`. Namespaces that wait for a source take turns.

    sources: the MetricSources by name, as they are now. clock: Unix seconds."""

    def __init__(self, connections: Connections | None = None, clock: Callable[[], float] = time.time) -> None:
        self.sources: dict[str, SourceSpec] = {}
        self.report: Report = _report_nothing
        self._connections = connections or Connections()
        self._clock = clock
        self._turns: defaultdict[Lane, FairTurns] = defaultdict(partial(FairTurns, 1))
        self._batches: dict[tuple[Queue, int], _Batch] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._threads: dict[Lane, ThreadPoolExecutor] = {}
        self._separations: defaultdict[str, Separation] = defaultdict(Separation)
        self._intervals: dict[str, ScrapeIntervals] = {}
        self._ahead: dict[str, float | None] = {}
        self._of_several = ReadingAhead(
            lambda source: self._turns[source, False],
            lambda source, spec, question: self._exchange((source, False), spec, question),
            lambda source, spec, policy: self._intervals_of(source, spec).interval(policy),
            self._start,
            clock,
        )

    def learn_source(self, name: str, spec: SourceSpec | None) -> None:
        """Take over a MetricSource as it is now; None: it is gone."""
        if spec is not None:
            self.sources[name] = spec
        elif self.sources.pop(name, None) is not None:
            self._start(self._leave(name))

    async def read(self, source: str, request: AnyRequest, at: int) -> Result:
        """The counts of one policy at Unix second `at`, or why there are none. Stale counts are a failure."""
        spec = self.sources.get(source)
        if spec is None:
            return MetricsFailure(FailureKind.UNREACHABLE, f"MetricSource {source} is gone")
        request = _widened(request, spec.scrape_interval_seconds, self._intervals_of(source, spec))
        if request.SHARES_QUERIES:
            result = await self._read_together(self._lane(source, request.policy), spec, request, at)
        else:
            question = partial(self._read, (source, False), [request], at, spec)
            result = (await self._ask(source, spec, request.policy, question))[request.policy]
        interval = self._intervals_of(source, spec).interval(request.policy)
        if not isinstance(result, MetricsFailure) and is_stale(result, interval):
            result = MetricsFailure(FailureKind.STALE, f"the newest sample of {request.policy} is too old")
        return with_clocks_named(result, self._ahead.get(source)) if isinstance(result, MetricsFailure) else result

    async def read_ahead(self, source: str, request: CountRequest, moments: range) -> Readings:
        """Counts of one policy at several Unix seconds, as far as nothing speaks against them; see `ReadingAhead`."""
        spec = self.sources.get(source)
        if spec is None or self._lane(source, request.policy)[1]:
            return {}
        request = _widened(request, spec.scrape_interval_seconds, self._intervals_of(source, spec))
        return await self._of_several.read(source, spec, LooksAhead(request, moments))

    async def answer(
        self, source: str, question: Q, at: int, read: Callable[[ExactPrometheus, Q, int], T | MetricsFailure]
    ) -> T | MetricsFailure:
        """What a source says to a question about one policy at Unix second `at`, or why it says nothing. read: puts the
        question to a source."""
        return await self.read_of_one(source, question.policy, lambda client: read(client, question, at))

    async def read_of_one(
        self, source: str, policy: str, read: Callable[[ExactPrometheus], T | MetricsFailure]
    ) -> T | MetricsFailure:
        """Asks a source about one policy alone, by the function `read`, in a turn of the policy's namespace.
        Returns what that finds, or why it finds nothing."""
        spec = self.sources.get(source)
        if spec is None:
            return MetricsFailure(FailureKind.UNREACHABLE, f"MetricSource {source} is gone")
        found: list[T] = []
        answers = await self._ask(source, spec, policy, partial(_note_answer, policy, read, found))
        failure = answers.get(policy)
        return failure if isinstance(failure, MetricsFailure) else found[0]

    def _lane(self, source: str, policy: str) -> Lane:
        return source, self._separations[source].is_slow(namespace_of(policy), self._clock())

    async def _read_together(self, lane: Lane, spec: SourceSpec, request: AnyRequest, at: int) -> Result:
        queue: Queue = (lane, namespace_of(request.policy) if lane[1] else COMMON)
        batch = self._batches.get((queue, at))
        if batch is None:
            batch = self._batches[queue, at] = _Batch(spec, results=asyncio.get_running_loop().create_future())
            self._start(self._flush(queue))
        batch.requests[request.policy] = request
        assert batch.results is not None  # set where the batch is made
        return (await asyncio.shield(batch.results))[request.policy]

    async def probe(self, source: str, at: int) -> None:
        """Ask a source something that it can always answer, so that what it says is reported."""
        spec = self.sources.get(source)
        if spec is not None:
            async with self._turns[source, False].of():
                await self._ask_now((source, False), spec, [source], partial(probe, source, at))

    async def _flush(self, queue: Queue) -> None:
        """Read one batch in the source's turn, that of the oldest moment: after a restart, policies that are behind
        catch up with others, and share their queries from there on. A batch takes requests until its turn comes."""
        await asyncio.sleep(GATHER_SECONDS)
        lane, namespace = queue
        async with self._turns[lane].of(namespace):
            at = min(moment for each, moment in self._batches if each == queue)
            batch = self._batches.pop((queue, at))
            assert batch.results is not None  # set where the batch is made
            question = partial(self._read, lane, list(batch.requests.values()), at, batch.spec)
            batch.results.set_result(await self._ask_now(lane, batch.spec, list(batch.requests), question))

    async def _ask(
        self, source: str, spec: SourceSpec, policy: str, question: Callable[[ExactPrometheus], Answers]
    ) -> Answers:
        """What the source answers about one policy, in a turn of its namespace. A namespace may turn out to be slow
        while its policies wait; then they wait in that lane."""
        while True:
            lane = self._lane(source, policy)
            async with self._turns[lane].of():
                if lane == self._lane(source, policy):
                    return await self._ask_now(lane, spec, [policy], question)

    async def _ask_now(
        self, lane: Lane, spec: SourceSpec, policies: Collection[str], question: Callable[[ExactPrometheus], Answers]
    ) -> Answers:
        """What the source answers to one question, about all policies that it names. Raises nothing: without an answer,
        every policy has the failure."""
        source, is_slow = lane
        try:
            answers = await self._exchange(lane, spec, question)
            if failed_namespaces(answers, REFUSING) and await self._connections.renewed(_connection_of(lane), spec):
                answers = await self._exchange(lane, spec, question)
        except MetricsFailure as failure:
            answers = dict.fromkeys(policies, failure.with_traceback(None))
        except Exception as error:
            # A bug must hold the rollouts that it concerns, not end the operator's loop.
            log.exception("reading counts of %d policies failed", len(policies))
            answers = dict.fromkeys(policies, _unusable(error))
        of_source = failure_of_source(answers.values())
        if not is_slow or of_source is None:  # what slow namespaces alone meet says nothing of the source
            self.report(source, spec, of_source)
        return answers

    async def _exchange(self, lane: Lane, spec: SourceSpec, question: Callable[[ExactPrometheus], T]) -> T:
        if lane[0] not in self.sources:  # since this was asked: its connections and threads have ended
            raise MetricsFailure(FailureKind.UNREACHABLE, f"MetricSource {lane[0]} is gone")
        with for_all():
            client = await self._connections.client(_connection_of(lane), spec)
        if lane not in self._threads:
            self._threads[lane] = ThreadPoolExecutor(1, thread_name_prefix=f"metrics-{_connection_of(lane)}")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads[lane], question, client)
        finally:
            self._ahead[lane[0]] = client.seconds_ahead

    def _read(
        self, lane: Lane, requests: Sequence[AnyRequest], at: int, spec: SourceSpec, client: ExactPrometheus
    ) -> Answers:
        """Reads requests of one kind, in the parts that are asked apart. It runs in the lane's thread."""
        source, is_slow = lane
        by_namespace: defaultdict[str, list[AnyRequest]] = defaultdict(list)
        for each in requests:
            by_namespace[namespace_of(each.policy)].append(each)

        def of(namespaces: frozenset[str]) -> list[AnyRequest]:
            return [each for namespace in sorted(namespaces) for each in by_namespace[namespace]]

        def read(namespaces: frozenset[str]) -> tuple[Answers, Part]:
            return self._read_part(source, of(namespaces), at, spec, client)

        if is_slow:
            return read(frozenset(by_namespace))[0]
        separation = self._separations[source]
        answers, judged = read_parts(
            separation.parts(by_namespace, self._clock()),
            read,
            partial(probe_now, at, client),
            lambda namespaces, failure: {each.policy: failure for each in of(namespaces)},
        )
        self._separations[source] = separation.after(judged, self._clock())
        return answers

    def _read_part(
        self, source: str, requests: Sequence[AnyRequest], at: int, spec: SourceSpec, client: ExactPrometheus
    ) -> tuple[Answers, Part]:
        """What the source answers to requests that are asked together, and how that went."""
        namespaces = frozenset(namespace_of(each.policy) for each in requests)
        began = time.monotonic()
        try:
            answers = self._read_together_now(source, requests, at, spec, client)
        except Exception as error:
            # What some series provoke must hold only the policies whose series they are, once these are asked apart.
            log.exception("reading counts of %d policies failed", len(requests))
            unusable = _unusable(error)
            return {each.policy: unusable for each in requests}, Part(namespaces, 0.0, namespaces)
        seconds = (time.monotonic() - began) / ceil(len(requests) / MAX_POLICIES_A_QUERY)
        return answers, Part(namespaces, seconds, failed_namespaces(answers, COSTLY), failed_namespaces(answers, EXACT))

    def _read_together_now(
        self, source: str, requests: Sequence[AnyRequest], at: int, spec: SourceSpec, client: ExactPrometheus
    ) -> Answers:
        """Reads requests of one kind, each kind by its own queries."""
        intervals = self._intervals_of(source, spec)
        try:
            first: Any = requests[0]
            answers = dict(first.read_all(client, requests, at, spec))
            intervals = self._intervals[source] = measured(client, requests, answers, at, spec, intervals)
            return with_silence_explained(client, requests, answers, at, spec, intervals.interval)
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

    def seconds_behind(self, source: str) -> float | None:
        """By how many seconds the operator's clock was behind a source's at its last answer; None where they agree or
        nobody knows."""
        return seconds_behind(self._ahead.get(source))

    async def _leave(self, source: str) -> None:
        for lane in ((source, False), (source, True)):
            async with self._turns[lane].of(COMMON):
                if source not in self.sources:
                    await self._connections.drop(_connection_of(lane))
                    self._intervals.pop(source, None)
                    self._ahead.pop(source, None)
                    self._separations.pop(source, None)
                    _end([self._threads.pop(lane)] if lane in self._threads else [])

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


def _connection_of(lane: Lane) -> str:
    """The name of a lane's own connection: a client answers one question at a time. No source's name has a blank."""
    source, is_slow = lane
    return f"{source} slow" if is_slow else source


def _unusable(error: Exception) -> MetricsFailure:
    return MetricsFailure(FailureKind.MALFORMED, f"the answer could not be used ({type(error).__name__})")


def _widened(request: R, declared: float, intervals: ScrapeIntervals) -> R:
    """The request over a window that reckons with the measured interval, as `window_since` does with the declared."""
    more = ceil(2 * (intervals.interval(request.policy) - declared))
    return replace(request, window_seconds=request.window_seconds + more) if more else request


def _note_answer(
    policy: str, read: Callable[[ExactPrometheus], T | MetricsFailure], found: list[T], client: ExactPrometheus
) -> Answers:
    answer = read(client)
    if isinstance(answer, MetricsFailure):
        return {policy: answer}
    found.append(answer)
    return {}


def _report_nothing(source: str, spec: SourceSpec, failure: MetricsFailure | None) -> None:
    """The report of a batcher whose owner keeps no status of sources."""
