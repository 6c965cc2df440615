"""Reading counts for many policies at once: requests for the same source and moment share one query."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from earlystop.api.source import SourceSpec
from earlystop.metrics.client import ExactPrometheus
from earlystop.metrics.failures import FailureKind, MetricsFailure
from earlystop.metrics.reader import CountRequest, Reading, is_stale, read_counts

GATHER_SECONDS = 0.05
THREADS = 4

log = logging.getLogger(__name__)

Result = Reading | MetricsFailure


@dataclass(slots=True)
class _Batch:
    requests: dict[str, CountRequest] = field(default_factory=dict)
    results: asyncio.Future[dict[str, Result]] | None = None


class CountReader:
    """Reads counts from the cluster's metric sources, in threads, since the client library is synchronous."""

    def __init__(self) -> None:
        self.sources: dict[str, SourceSpec] = {}
        self._clients: dict[str, ExactPrometheus] = {}
        self._batches: dict[tuple[str, int], _Batch] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="metrics")

    def learn_source(self, name: str, spec: SourceSpec | None) -> None:
        """Take over a MetricSource as it is now; None: it is gone."""
        self._clients.pop(name, None)
        if spec is None:
            self.sources.pop(name, None)
        else:
            self.sources[name] = spec

    def known(self) -> Mapping[str, SourceSpec]:
        """The sources by name."""
        return self.sources

    async def read(self, source: str, request: CountRequest, at: int) -> Result:
        """The counts of one policy at Unix second `at`, or why there are none. Stale counts are a failure."""
        spec = self.sources.get(source)
        if spec is None:
            return MetricsFailure(FailureKind.UNREACHABLE, f"MetricSource {source} is gone")
        batch = self._batches.get((source, at))
        if batch is None:
            batch = self._batches[source, at] = _Batch(results=asyncio.get_running_loop().create_future())
            task = asyncio.create_task(self._flush(source, spec, at))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        batch.requests[request.policy] = request
        assert batch.results is not None  # set where the batch is made
        result = (await asyncio.shield(batch.results))[request.policy]
        if isinstance(result, Reading) and is_stale(result, spec.scrape_interval_seconds):
            return MetricsFailure(FailureKind.STALE, f"the newest sample of {request.policy} is too old")
        return result

    async def _flush(self, source: str, spec: SourceSpec, at: int) -> None:
        await asyncio.sleep(GATHER_SECONDS)
        batch = self._batches.pop((source, at))
        assert batch.results is not None  # set where the batch is made
        requests = list(batch.requests.values())
        loop = asyncio.get_running_loop()
        try:
            client = self._clients.get(source)
            if client is None:
                client = self._clients[source] = self._connect(spec)
            results = await loop.run_in_executor(self._threads, self._read, client, spec, requests, at)
        except Exception as error:
            # A bug must hold the rollouts that it concerns, not end the operator's loop.
            log.exception("reading counts of %d policies failed", len(requests))
            failure = MetricsFailure(FailureKind.MALFORMED, f"the answer could not be used ({type(error).__name__})")
            results = {request.policy: failure for request in requests}
        batch.results.set_result(results)

    @staticmethod
    def _read(client: ExactPrometheus, spec: SourceSpec, requests: list[CountRequest], at: int) -> dict[str, Result]:
        return dict(read_counts(client, requests, at, namespace_label=spec.namespace_label))

    @staticmethod
    def _connect(spec: SourceSpec) -> ExactPrometheus:
        return ExactPrometheus(
            spec.url,
            connect_seconds=min(3.0, spec.timeout_seconds),
            read_seconds=spec.timeout_seconds,
            total_seconds=spec.timeout_seconds,
        )

    def close(self) -> None:
        """End the threads without waiting for answers."""
        self._threads.shutdown(wait=False, cancel_futures=True)
