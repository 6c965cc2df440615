"""A question answering service with the operator before it: server, load and operator as real processes."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

from earlystop.controller.cluster import NAMESPACES, SOURCES
from earlystop.demo import manifests
from tests.cluster.access import Access
from tests.cluster.control_plane import ControlPlane
from tests.cluster.gateway import GATEWAY, Gateway
from tests.cluster.installed import INSTALL, OPERATOR_NAMESPACE, install_without_operator
from tests.cluster.network import POD_ADDRESS
from tests.cluster.packaging import named
from tests.cluster.processes import Child, wait_until
from tests.cluster.prometheus import Prometheus
from tests.cluster.started import Started
from tests.e2e.stage_objects import StageObjects

ROOT = Path(__file__).parents[2]
BUILTIN = "builtin"
NEVER = "0.000001"
"""The smallest risk that a policy may allow, for the decision that a test does not mean."""
# Open requests of a load. On a machine that is too busy for its rate it asks less; more of them would only wait longer.
CONCURRENCY = 16
# The gateway of the tests takes changes of the cluster's objects at most every two seconds, as it does by default.
SECONDS_TO_FOLLOW = 3.0
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Without the environment's proxy, which does not know the private network."""


class Stage(StageObjects, Started):
    """Use as a context manager, from the main thread, on a cluster with a gateway and a Prometheus not yet started.

    data: recordings that the server answers from and the load asks, or "builtin". The operator runs with the rights
    of its own service account, as `manifests/install.yaml` grants them.
    """

    def __init__(
        self,
        access: Access,
        gateway: Gateway,
        prometheus: Prometheus,
        *,
        data: str = BUILTIN,
        server_address: str = POD_ADDRESS,
        server_port: int = 8080,
        hollow: bool = True,
        namespace: str | None = None,
    ) -> None:
        self.access = access
        self.gateway = gateway
        self.prometheus = prometheus
        self.namespace = namespace or f"qa-{uuid.uuid4().hex[:6]}"
        self._make_namespace = namespace is None
        self._installed = False
        self.source = f"prometheus-{self.namespace}"
        self.host = f"{self.namespace}.example.com"
        self.data = data
        self.server_address = server_address
        self.server_port = server_port
        self.metrics_port = server_port  # an injector has another for its counts
        self.hollow = hollow
        self.health_url = "http://127.0.0.1:18080" if hollow else f"http://127.0.0.1:{_free_port()}"
        self.operator: Child | None = None
        self.server: Child | None = None
        self.load: Child | None = None
        self.rivals: list[Child] = []
        self._loads = 0
        self.directory = Path(tempfile.mkdtemp(prefix="stage-", dir=access.directory))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in (self.load, *self.rivals, self.operator, self.server):
            if child is not None:
                child.stop(patience_seconds=5.0)
        self.prometheus.stop(abruptly=True)
        self.access.delete(NAMESPACES, None, self.namespace)
        self.access.delete(SOURCES, None, self.source)
        if not self.hollow:
            self._uninstall()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _uninstall(self) -> None:
        """On someone's own cluster what was not there before goes again. The CRDs stay, or every policy would go."""
        if self._installed:
            kinds = "clusterroles,clusterrolebindings,validatingadmissionpolicies,validatingadmissionpolicybindings"
            roles = ("delete", kinds, "--selector=app.kubernetes.io/name=earlystop")
            self.access.kubectl(*roles, "--ignore-not-found", "--wait=false")
            self.access.kubectl("delete", f"namespace/{OPERATOR_NAMESPACE}", "--ignore-not-found", "--wait=false")

    def _start(self) -> None:
        # Prometheus takes 5 s until it scrapes its first target, in which all else is made ready.
        self.prometheus.start({"qa": [f"{self.server_address}:{self.metrics_port}"]}, "1s", wait_up=False)
        self._installed = self.access.find(NAMESPACES, None, OPERATOR_NAMESPACE) is None
        # The operator of this stage is a local process with the same account; the Deployment would be a second.
        install_without_operator(self.access)
        if self._make_namespace:
            self.access.create_namespace(self.namespace)
        self.access.apply(
            *manifests.service(self.namespace, self.server_port, replicas=1 if self.hollow else 0),
            *([] if self.hollow else manifests.endpoints(self.namespace, self.server_address, self.server_port)),
            manifests.route(self.namespace, self.host, GATEWAY, self.gateway.namespace),
            manifests.source(self.source, self.prometheus.url),
        )
        self.start_server()
        self.prometheus.wait_up()
        wait_until(self._answers, 60.0, f"{self.host} to answer through the gateway")

    def start_server(self, *options: str) -> None:
        """Start the server, again after it was stopped or killed. options: more of the server's."""
        self.server = self.python(
            "server",
            "earlystop.demo.server",
            f"--host={self.server_address}",
            f"--port={self.server_port}",
            f"--data={self.data}",
            "--drain-seconds=2",
            "--user-header=x-user",
            "--names-variants",
            *options,
        )
        url = f"http://{self.server_address}:{self.server_port}/metrics"
        self.server.wait_ready(lambda: status_of(url) == 200, 30.0)

    def start_operator(self, *, kubeconfig: Path | None = None, wait: bool = True) -> Child:
        """Start the operator with its service account's rights, or as another kubeconfig says."""
        self.operator = self._start_operator("operator", self.health_url, kubeconfig)
        if wait:
            self.operator.wait_ready(lambda: status_of(f"{self.health_url}/readyz") == 200, 30.0)
        return self.operator

    def start_rival(self) -> Child:
        """Start one more operator beside the first, as ready as that one."""
        url = f"http://127.0.0.1:{_free_port()}"
        rival = self._start_operator(f"rival-{len(self.rivals) + 1}", url, None)
        self.rivals.append(rival)
        rival.wait_ready(lambda: status_of(f"{url}/readyz") == 200, 30.0)
        return rival

    def _start_operator(self, name: str, health_url: str, kubeconfig: Path | None) -> Child:
        own = kubeconfig or self.access.service_account_kubeconfig(OPERATOR_NAMESPACE, "earlystop")
        options = ("--host=127.0.0.1", f"--port={health_url.rsplit(':', 1)[-1]}", _injector_option())
        return self.python(name, "earlystop.controller", *options, environment={"KUBECONFIG": str(own)})

    def start_load(self, rate: float = 400, seed: int = 1, *options: str) -> Child:
        """Start asking questions through the gateway; returns when the first has come to the server. options: more of
        the load generator's."""
        before = self._questions()
        self._loads += 1
        self.load = self.python(
            f"load-{self._loads}",
            "earlystop.demo.load",
            f"--url={self.gateway.url}",
            f"--host-header={self.host}",
            f"--rate={rate}",
            f"--seed={seed}",
            f"--data={self.data}",
            f"--concurrency={CONCURRENCY}",
            *options,
        )
        self.load.wait_ready(lambda: self._questions() > before, 30.0)
        return self.load

    def stop_load(self) -> dict[str, Any]:
        """Stop asking, and wait for the answers that are still open. Returns the load's own summary."""
        assert self.load is not None, "start_load() first"
        self.load.stop(patience_seconds=40.0)
        summary: dict[str, Any] = json.loads(self.load.tail(1))
        return summary

    @contextmanager
    def load_paused(self) -> Iterator[None]:
        """The load sends nothing while the block runs, be it for some seconds, and loses no request."""
        if self.load is None or not self.load.alive:
            yield
            return
        with self.load.suspended():
            yield

    def pids(self) -> list[int]:
        """Process ids of all that is on the way from an object's change to a client's answer: of this process, the
        control plane, the gateway, the operator and the server."""
        children = [child.pid for child in (self.operator, self.server) if child is not None]
        plane = self.access.pids if isinstance(self.access, ControlPlane) else ()
        gateway = [] if self.gateway.pid is None else [self.gateway.pid]
        return [os.getpid(), *plane, *gateway, *children]

    def _questions(self) -> float:
        """Questions that the server has begun to answer, whoever asked."""
        with direct.open(f"http://{self.server_address}:{self.metrics_port}/metrics", timeout=5) as response:
            lines = response.read().decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("earlystop_requests_started_total"))

    def wait_answering(self) -> None:
        """Wait until the gateway has answered without a gap for longer than it takes to follow a change."""
        since: list[float] = []

        def is_steady() -> bool:
            if not self._answers():
                since.clear()
                return False
            since.append(time.monotonic())
            return since[-1] - since[0] > SECONDS_TO_FOLLOW

        wait_until(is_steady, 60.0, f"{self.host} to answer steadily through the gateway")

    def _answers(self) -> bool:
        return status_of(f"{self.gateway.url}/v1/models", self.host) == 200

    def total(self, query: str) -> float:
        """The sum of what a query of Prometheus finds, 0 where it finds nothing."""
        found: list[dict[str, Any]] = self.prometheus.query(f"sum({query})")
        return float(found[0]["value"][1]) if found else 0.0

    def python(self, name: str, module: str, *options: str, environment: dict[str, str] | None = None) -> Child:
        """Start a module of this project as a process that the caller stops."""
        paths = os.pathsep.join([str(ROOT / "operator"), str(ROOT)])
        return Child(
            name,
            [sys.executable, "-m", module, *options],
            self.directory,
            environment={"PYTHONPATH": paths, **(environment or {})},
        )


@cache
def _injector_option() -> str:
    """The operator's option that the install manifest gives it, since admission takes injectors of that image only."""
    deployment = named(INSTALL.read_text(), "Deployment", "earlystop")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return next(str(each) for each in container["args"] if each.startswith("--injector-image="))


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def status_of(url: str, host: str | None = None) -> int:
    """HTTP status of a GET, 0 without an answer."""
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    try:
        with direct.open(request, timeout=2) as response:
            return int(response.status)
    except OSError:
        return 0
