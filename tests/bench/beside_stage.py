"""The stage of another controller: the same API server, hollow node, Prometheus and exporter as this operator has."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.beside_peers import Peer, every_object, name_of
from tests.bench.beside_queries import QueryLog, gaps, quantile
from tests.bench.beside_table import Figures
from tests.bench.scale import DOWN_SECONDS
from tests.bench.scale_fleet import ACCOUNT, LOOK_SECONDS, SYSTEM, namespace_of, prepare
from tests.bench.scale_sources import audited, cpu_seconds, memory_mib, reads_between, watch, writes_between
from tests.bench.scale_stage import REVISIONS, answered, scrape_exporter, start_exporter
from tests.cluster.access import Access
from tests.cluster.errors import ClusterError
from tests.cluster.kit import Cluster
from tests.cluster.processes import Child
from tests.cluster.prometheus import Prometheus

READY_SECONDS, ANALYSED_SECONDS, RESTART_SECONDS = 400.0, 300.0, 200.0
_REVISION = "bench"
"""The exporter labels its counts with a revision, for which no other controller asks."""


class PeerStage:
    """The processes around another controller, and the controller itself, which can be started again."""

    def __init__(self, peer: Peer, number: int, access: Access, audit_log: Path, prometheus: Prometheus) -> None:
        self.peer = peer
        self.number = number
        self.queries = QueryLog(prometheus.query_log)
        self._access = access
        self._audit_log = audit_log
        self._prometheus = prometheus
        self._kubeconfig = access.service_account_kubeconfig(SYSTEM, ACCOUNT)
        self._child: Child | None = None

    @property
    def pid(self) -> int:
        """Process id of the controller that runs now."""
        assert self._child is not None  # the benchmark starts it first
        return self._child.pid

    def start(self) -> None:
        """Start the controller."""
        command: list[str | Path] = [self.peer.program(), *self.peer.options(self._kubeconfig, self._prometheus.url)]
        self._child = Child(self.peer.name.split()[0].lower(), command, self._access.directory)

    def stop(self) -> None:
        """End the controller as a lost node would. Idempotent."""
        if self._child is not None:
            self._child.stop(patience_seconds=0.0)

    def begin_analyses(self) -> None:
        """Let every object have a first version, then a second one, which is looked at twice."""
        self._wait(self._all_ready, READY_SECONDS, "all objects to have a first version")
        for number in range(self.number):
            self.peer.change(self._access, number)
        begun = time.time()
        self._wait(lambda: self._looks_of_each(begun) >= 2, ANALYSED_SECONDS, "all objects to be looked at twice")
        self.assert_analysed()

    def measure(self, seconds: float) -> Figures:
        """What the controller takes while every object is analysed, and for a start after a kill."""
        asked = answered(self._prometheus)
        costs = watch(self.pid, seconds)
        asked = answered(self._prometheus) - asked
        self.assert_analysed()
        requests = audited(self._audit_log, f"system:serviceaccount:{SYSTEM}:{ACCOUNT}")
        looks = self.queries.since(costs.begin, costs.end)
        late = [max(0.0, each - LOOK_SECONDS) for each in gaps(looks)]
        restart_seconds, restart_cpu = self._restart()
        return Figures(
            name=self.peer.title,
            seconds=costs.seconds,
            looks=len(looks),
            looks_due=self.number / LOOK_SECONDS * costs.seconds,
            cores=costs.cores,
            resident_mib=costs.resident_mib,
            peak_mib=max(costs.peak_mib, memory_mib(self.pid)),
            reads=reads_between(requests, costs.begin, costs.end) / costs.seconds,
            writes=len(writes_between(requests, costs.begin, costs.end)) / costs.seconds,
            queries=asked / costs.seconds,
            late_median=quantile(late, 0.5),
            late_99=quantile(late, 0.99),
            restart_seconds=restart_seconds,
            restart_cpu=restart_cpu,
            others_cores=costs.others_cores,
        )

    def assert_analysed(self) -> None:
        """Raises AssertionError where not every object is in an analysis that has not ended."""
        running = sum(map(self.peer.is_analysed, self._access.items(self.peer.analyses)))
        assert running == self.number, f"{running} of {self.number} objects are in analysis"

    def _restart(self) -> tuple[float, float]:
        """Kill it, and start it when a look is due for every object: seconds until each was looked at, CPU seconds."""
        self.stop()
        time.sleep(DOWN_SECONDS)
        begun, clock = time.time(), time.monotonic()
        self.start()
        self._wait(lambda: self._looks_of_each(begun) >= 1, RESTART_SECONDS, "all objects to be looked at", 0.25)
        return time.monotonic() - clock, cpu_seconds(self.pid)

    def _all_ready(self) -> bool:
        return sum(map(self.peer.is_ready, self._access.items(self.peer.begun))) == self.number

    def _looks_of_each(self, begin: float) -> int:
        """How often that object was looked at since a Unix time which was looked at least."""
        counts = {f"{namespace_of(each)}/{name_of(each)}": 0 for each in range(self.number)}
        for query in self.queries.since(begin):
            counts[query.name] += 1
        return min(counts.values())

    def _wait(self, check: Callable[[], bool], deadline: float, what: str, pause: float = 1.0) -> None:
        """Ask seldom: to list all objects takes the processor from who is measured."""
        begun = time.monotonic()
        assert self._child is not None  # the benchmark starts it first
        while not check():
            if time.monotonic() - begun > deadline or not self._child.alive:
                raise ClusterError(f"{self.peer.name}: waited for {what}; its log ends:\n{self._child.tail()}")
            time.sleep(pause)


@contextmanager
def peer_staged(peer: Peer, number: int, processes: int) -> Iterator[PeerStage]:
    """A stage with everything but the controller running, whose objects are there. Use in the main thread."""
    with Cluster(crds=peer.kinds(), audit=True) as cluster:
        access = cluster.access
        prepare(access)
        names = {f"{namespace_of(each)}/{name_of(each)}": _REVISION for each in range(number)}
        (access.directory / REVISIONS).write_text(json.dumps(names))
        exporter = start_exporter(access.directory, processes)
        with Prometheus(access.directory, log_queries=True) as prometheus:
            access.apply(*peer.shared(prometheus.url), *every_object(peer, number))
            stage = PeerStage(peer, number, access, cluster.control_plane.audit_log, prometheus)
            try:
                scrape_exporter(prometheus)
                yield stage
            finally:
                stage.stop()
                exporter.stop(patience_seconds=2.0)
