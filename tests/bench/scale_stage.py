"""The scale benchmark's stage: API server, Prometheus, synthetic exporter and the operator, all real processes."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from earlystop.api.status.compact import whole
from earlystop.controller.counts.secrets import NAMESPACE_VARIABLE
from tests.bench.scale_exporter import GUARDED
from tests.bench.scale_fleet import (
    ACCOUNT,
    SCRAPE_SECONDS,
    SYSTEM,
    Fleet,
    apply_fleet,
    revisions,
    seconds_between_looks,
)
from tests.bench.scale_sources import Request, Scrape, audited, scrape, value
from tests.cluster.access import Access
from tests.cluster.kit import Cluster
from tests.cluster.network import NODE_ADDRESS
from tests.cluster.pod_credentials import show_service_account
from tests.cluster.processes import Child, wait_until
from tests.cluster.prometheus import Prometheus

ROOT = Path(__file__).parents[2]
EXPORTER_PORT = 9200
REVISIONS = "revisions.json"
OPERATOR_URL = "http://127.0.0.1:18080"
OWN = "earlystop_operator_"
LOOKS = f"{OWN}looks_total"
PHASES = f"{OWN}policies"
IN_A_POD = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "PYTHONOPTIMIZE": "2",
    "PYTHONNODEBUGRANGES": "1",
    "FROZENLIST_NO_EXTENSIONS": "1",
}
"""What the chart's Deployment (the first two) and the image set that takes memory from a process."""


class LastLook(NamedTuple):
    """at: Unix time of a policy's last look that is stored. seconds: from each of its looks to the next."""

    at: float
    seconds: int


class ScaleStage:
    """The processes around the operator, and the operator itself, which can be started again."""

    def __init__(self, access: Access, audit_log: Path, prometheus: Prometheus, fleet: Fleet) -> None:
        self.fleet = fleet
        self.prometheus = prometheus
        self.operator: Child | None = None
        self._all_begun = False
        self._access = access
        self._audit_log = audit_log
        self._login = show_service_account(access, SYSTEM, ACCOUNT)

    @property
    def pid(self) -> int:
        """Process id of the operator that runs now."""
        assert self.operator is not None  # the benchmark starts it first
        return self.operator.pid

    def start_operator(self) -> float:
        """Start the operator; returns the moment at which it was started, by the monotonic clock."""
        begun = time.monotonic()
        environment = {**self._login, **IN_A_POD, NAMESPACE_VARIABLE: SYSTEM}
        options = ["--host=127.0.0.1", f"--port={OPERATOR_URL.rsplit(':', 1)[1]}"]
        self.operator = _python("operator", "earlystop.controller", options, self._access.directory, environment)
        return begun

    def kill_operator(self) -> None:
        """End the operator as a lost node would."""
        assert self.operator is not None  # the benchmark starts it first
        self.operator.stop(patience_seconds=0.0)

    def wait_observing(self, deadline_seconds: float) -> None:
        """Wait until every policy takes looks. Raises ClusterError, with the operator's log, at the deadline."""
        assert self.operator is not None  # the benchmark starts it first
        self.operator.wait_ready(self._all_observe, deadline_seconds)

    def seen(self, *names: str) -> Scrape:
        """The operator's own metrics but those of policies, empty while it does not answer. names: of the only ones
        that are asked for, none for all: who asks again and again must not have the page of a whole fleet made each
        time, which takes a third of a second of a core."""
        asked = urlencode([("name[]", name) for name in names])
        try:
            return scrape(f"{OPERATOR_URL}/metrics?{asked}", OWN)
        except OSError:
            return {}

    def last_looks(self) -> list[LastLook]:
        """Each policy's last look as it is stored. Raises AssertionError if one was decided, or taken back by its
        guard."""
        found = []
        for policy in self._policies():
            name, status = policy["metadata"]["name"], whole(policy.get("status", {}))
            is_guarded = name.startswith(GUARDED)
            wanted, phase = "Promoted" if is_guarded else "Observing", status.get("phase")
            assert phase == wanted, f"{name} must stay {wanted} for these figures, but it is {phase}"
            told = status["guard"] if is_guarded else status
            at = datetime.fromisoformat(told["lastLookAt"]).timestamp()
            found.append(LastLook(at, seconds_between_looks(name)))
        return found

    def guarded_bytes(self) -> list[int]:
        """How large the status of each policy is that is watched over, in JSON."""
        guarded = (each for each in self._policies() if each["metadata"]["name"].startswith(GUARDED))
        return [len(json.dumps(each["status"], separators=(",", ":"))) for each in guarded]

    def _policies(self) -> list[dict[str, Any]]:
        policies: list[dict[str, Any]] = self._access.get("esp", "--all-namespaces")["items"]
        return policies

    def requests(self) -> list[Request]:
        """What the operator has asked of the API server so far."""
        return audited(self._audit_log, f"system:serviceaccount:{SYSTEM}:{ACCOUNT}")

    def queries(self) -> float:
        """How many queries Prometheus has answered so far."""
        return answered(self.prometheus)

    def _all_observe(self) -> bool:
        if not self._all_begun:
            # Revisions are random: the servers hear of each from the requests of its campaign.
            begun = revisions(self._access)
            new = self._access.directory / f"{REVISIONS}.new"
            new.write_text(json.dumps(begun))
            new.replace(self._access.directory / REVISIONS)
            self._all_begun = len(begun) == self.fleet.total
        seen = self.seen(PHASES)
        undecided, promoted = (value(seen, PHASES, phase=phase) for phase in ("Observing", "Promoted"))
        if (undecided, promoted) != (self.fleet.policies, self.fleet.guarded):
            return False
        return all(_is_watched(each) for each in self._policies())


@contextmanager
def staged(fleet: Fleet, processes: int, *, with_pods: bool = False) -> Iterator[ScaleStage]:
    """A stage with everything but the operator running. with_pods: also what makes the targets' Pods, on a hollow node.
    Use in the main thread."""
    crds = (ROOT / "crds",)
    with Cluster(controllers=with_pods, nodes=with_pods, crds=crds, audit=True, prometheus=True) as cluster:
        access, prometheus = cluster.access, cluster.prometheus
        apply_fleet(access, fleet, prometheus.url)
        (access.directory / REVISIONS).write_text("{}")
        exporter = start_exporter(access.directory, processes)
        stage = ScaleStage(access, cluster.control_plane.audit_log, prometheus, fleet)
        try:
            # What scrapes the exporter works before the operator begins its campaigns.
            scrape_exporter(prometheus)
            yield stage
        finally:
            for child in (stage.operator, exporter):
                if child is not None:
                    child.stop(patience_seconds=2.0)


def start_exporter(directory: Path, processes: int) -> Child:
    """Start the exporter of all policies that REVISIONS in this directory names, of so many processes each."""
    options = [str(directory / REVISIONS), f"--host={NODE_ADDRESS}", f"--port={EXPORTER_PORT}"]
    return _python("exporter", "tests.bench.scale_exporter", [*options, f"--processes={processes}"], directory, {})


def scrape_exporter(prometheus: Prometheus) -> None:
    """Start Prometheus, and return once it has scraped the exporter twice."""
    prometheus.start({"bench": [f"{NODE_ADDRESS}:{EXPORTER_PORT}"]}, f"{SCRAPE_SECONDS}s", wait_up=True)
    wait_until(lambda: _scraped_twice(prometheus), 4.0 * SCRAPE_SECONDS, "Prometheus to scrape twice")


def answered(prometheus: Prometheus) -> float:
    """How many queries Prometheus has answered so far."""
    return value(scrape(f"{prometheus.url}/metrics"), "prometheus_http_requests_total", handler="/api/v1/query")


def _is_watched(policy: dict[str, Any]) -> bool:
    """Whether a policy was looked at: one to be guarded by its guard, whose first look is stored at once; later ones
    wait for eight looks."""
    if not policy["metadata"]["name"].startswith(GUARDED):
        return True
    return "lastLookAt" in whole(policy["status"]).get("guard", {})


def _scraped_twice(prometheus: Prometheus) -> bool:
    rows = prometheus.query('min(count_over_time(up{job="bench"}[5m]))')
    return bool(rows) and float(rows[0]["value"][1]) >= 2


def _python(name: str, module: str, options: list[str], directory: Path, environment: dict[str, str]) -> Child:
    paths = os.pathsep.join([str(ROOT / "operator"), str(ROOT)])
    command = [sys.executable, "-m", module, *options]
    return Child(name, command, directory, environment={"PYTHONPATH": paths, **environment})
