"""A real Prometheus in the private network, fast enough for tests and able to suffer an outage."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.cluster.binaries import binary
from tests.cluster.network import NODE_ADDRESS
from tests.cluster.older_prometheus import older_prometheus
from tests.cluster.processes import COLLECT_SELDOM, Child, wait_until

Targets = Mapping[str, Sequence[str]]
"""Job name to its targets, each `host:port`."""
Labels = Mapping[str, Mapping[str, str]]
"""Job name to the labels that all its targets get, as `namespace`."""
_START_SECONDS = 30.0
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Prometheus:
    """Use as a context manager, from the main thread, and `start` it within.

    directory: where its data and log may lie, as enter_private_network() gives; they go with the context.
    older: run 2.42 instead of the 3.x that go.mod names. log_queries: keep a line of JSON in `query_log` for each
    query.
    """

    def __init__(
        self,
        directory: Path,
        *,
        address: str = NODE_ADDRESS,
        port: int = 9090,
        older: bool = False,
        log_queries: bool = False,
    ) -> None:
        self.url = f"http://{address}:{port}"
        self._listen = (address, port)
        self._parent = directory
        self._older = older
        self._log_queries = log_queries
        self._directory: Path | None = None
        self._child: Child | None = None
        self._changed_at = 0.0

    def __enter__(self) -> Self:
        self._directory = Path(tempfile.mkdtemp(prefix="prometheus-", dir=self._parent))
        self.set_targets({})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(abruptly=True)
        shutil.rmtree(self._home, ignore_errors=True)

    def start(
        self,
        targets: Targets | None = None,
        scrape_interval: str | None = None,
        *,
        labels: Labels | None = None,
        relabelling: Sequence[Mapping[str, str]] = (),
        wait_up: bool = True,
    ) -> None:
        """Start, or start again on the same data: what is not given stays as it was (interval 1s at first).

        relabelling: metric_relabel_configs of every job, written with the scrape interval only. With `wait_up` it
        returns when every target was scraped once. Raises ClusterError at the deadline.
        """
        self._changed_at = time.time()
        if targets is not None:
            self.set_targets(targets, labels=labels)
        if scrape_interval is not None or not self._configuration.exists():
            self._configuration.write_text(json.dumps(self._settings(scrape_interval or "1s", relabelling), indent=1))
        self._child = Child("prometheus", self._command(), self._home, environment=COLLECT_SELDOM)
        self._child.wait_ready(self._is_ready, _START_SECONDS)
        if wait_up:
            self.wait_up()

    def stop(self, *, abruptly: bool = False) -> None:
        """Stop it; its data stay. Idempotent."""
        if self._child is not None:
            self._child.stop(patience_seconds=0.0 if abruptly else 10.0)

    def forget(self) -> None:
        """Remove all data while it is stopped, as where its volume is gone."""
        shutil.rmtree(self._home / "data", ignore_errors=True)

    def set_targets(self, targets: Targets, *, labels: Labels | None = None) -> None:
        """Replace all targets, also while it runs: it takes changes (and the first ones) up every 5 s."""
        groups = [
            {"targets": list(addresses), "labels": {"job": job, **(labels or {}).get(job, {})}}
            for job, addresses in targets.items()
        ]
        self._changed_at = time.time()
        fresh = self._home / "targets.json.new"
        fresh.write_text(json.dumps(groups))
        fresh.rename(self._home / "targets.json")

    def wait_up(self, deadline_seconds: float = 30.0) -> None:
        """Wait until exactly the targets that were set are known, and each was scraped with success since they were set
        and since the start."""
        wanted = self._targets()

        def all_up() -> bool:
            active = self._api("targets", state="active")["activeTargets"]
            known = sorted(target["labels"]["instance"] for target in active)
            return known == wanted and all(target["health"] == "up" for target in active)

        wait_until(all_up, deadline_seconds, f"Prometheus to scrape {', '.join(wanted)}")
        self.wait_scraped(self._changed_at, deadline_seconds=deadline_seconds)

    def wait_scraped(
        self, since: float | None = None, *, with_success: bool = True, deadline_seconds: float = 30.0
    ) -> None:
        """Wait until a scrape of each target that began after Unix time `since` (default: now) can be read, and so all
        that the target had counted by then. A target is told to be up a moment before its samples are there.
        with_success: as to be expected; else a scrape may also have failed, as of a target that has ended."""
        moment, wanted = time.time() if since is None else since, self._targets()

        def all_are() -> bool:
            rows = self.query("up[1m]")
            fitting = {"1"} if with_success else {"0", "1"}
            scraped = [
                row["metric"]["instance"]
                for row in rows
                if any(float(at) >= moment and value in fitting for at, value in row["values"])
            ]
            return all(scraped.count(address) >= wanted.count(address) for address in set(wanted))

        wait_until(all_are, deadline_seconds, f"a scrape of {', '.join(wanted)} that can be read")

    def _targets(self) -> list[str]:
        groups = json.loads((self._home / "targets.json").read_text())
        return sorted(address for group in groups for address in group["targets"])

    def query(self, expression: str, *, at: float | None = None) -> list[dict[str, Any]]:
        """The result of an instant query at Unix time `at` (default: now)."""
        time = {} if at is None else {"time": f"{at:.3f}"}
        result: list[dict[str, Any]] = self._api("query", query=expression, **time)["result"]
        return result

    @property
    def version(self) -> str:
        """As the running process tells it, such as "3.7.3"."""
        return str(self._api("status/buildinfo")["version"])

    @property
    def query_log(self) -> Path:
        """What it was asked and when, with `log_queries`."""
        return self._home / "queries.log"

    @property
    def _home(self) -> Path:
        if self._directory is None:
            raise RuntimeError("use Prometheus as a context manager: `with Prometheus(...) as prometheus:`")
        return self._directory

    @property
    def _configuration(self) -> Path:
        return self._home / "prometheus.yml"

    def _api(self, path: str, **parameters: str) -> Any:
        address = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with _direct.open(address, timeout=10) as response:
            return json.load(response)["data"]

    def _is_ready(self) -> bool:
        try:
            socket.create_connection(self._listen, timeout=1).close()
            with _direct.open(f"{self.url}/-/ready", timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def _settings(self, interval: str, relabelling: Sequence[Mapping[str, str]] = ()) -> dict[str, Any]:
        # A target's own `job` label wins over the job's name, so one job serves all.
        found = [{"files": [str(self._home / "targets.json")]}]
        job = {"job_name": "tests", "file_sd_configs": found, "metric_relabel_configs": list(relabelling)}
        whole = {"scrape_interval": interval, "scrape_timeout": interval}
        if self._log_queries:
            whole["query_log_file"] = str(self.query_log)
        return {"global": whole, "scrape_configs": [job]}

    def _command(self) -> list[str | Path]:
        address, port = self._listen
        return [
            older_prometheus() if self._older else binary("prometheus"),
            f"--config.file={self._configuration}",
            f"--storage.tsdb.path={self._home / 'data'}",
            f"--web.listen-address={address}:{port}",
        ]
