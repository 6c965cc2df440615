"""A real Gateway API data plane: Traefik against the test cluster's API server."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from earlystop.controller.cluster import GATEWAYS
from tests.cluster.access import Access
from tests.cluster.binaries import gateway_binary
from tests.cluster.go_build import MODULE
from tests.cluster.network import NODE_ADDRESS
from tests.cluster.processes import COLLECT_SELDOM, Child
from tests.cluster.started import Started

GATEWAY_CLASS = "traefik"
GATEWAY = "gateway"
GATEWAY_API = MODULE / "gateway-api"
"""The CRDs that Traefik watches; it starts no Gateway when one of them is missing."""
_CONTROLLER = "traefik.io/gateway-controller"
_API = "gateway.networking.k8s.io/v1"
_START_SECONDS = 60.0


class Gateway(Started):
    """Use as a context manager, from the main thread; the Gateway API's CRDs must be installed.

    Makes a GatewayClass, `traefik` by default, and Gateway `gateway` in `namespace`, open to routes of all namespaces.
    alone: look at no other namespace and take the class away again, on a cluster that belongs to someone.
    throttle: how long Traefik collects changes before it acts, as "100ms"; its own default is 2 s.
    """

    def __init__(
        self,
        access: Access,
        *,
        namespace: str = "default",
        address: str = NODE_ADDRESS,
        port: int = 8000,
        throttle: str | None = None,
        class_name: str = GATEWAY_CLASS,
        alone: bool = False,
    ) -> None:
        self._executable: Path | None = None
        self.namespace = namespace
        self._class_name = class_name
        self._alone = alone
        self._access = access
        self._address = address
        self._port = port
        self._throttle = throttle
        self._directory = Path(tempfile.mkdtemp(prefix="gateway-", dir=access.directory))
        self._traefik: Child | None = None

    @property
    def pid(self) -> int | None:
        """Process id of Traefik; None before its start."""
        return None if self._traefik is None else self._traefik.pid

    @property
    def url(self) -> str:
        """Where clients send their requests."""
        return f"http://{self._address}:{self._port}"

    def _start(self) -> None:
        self._access.apply(self._class_object(), self._gateway_object())
        self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._alone:
            self._access.kubectl("delete", f"gatewayclass/{self._class_name}", "--ignore-not-found", "--wait=false")
        shutil.rmtree(self._directory, ignore_errors=True)

    def start(self) -> None:
        """Start Traefik and wait until the Gateway is programmed and its port answers."""
        # Without KUBECONFIG Traefik would need its token and authority as separate flags and files.
        environment = {"KUBECONFIG": str(self._access.kubeconfig), **COLLECT_SELDOM}
        self._traefik = Child("traefik", self._command(), self._directory, environment=environment)
        self._traefik.wait_ready(self._is_ready, _START_SECONDS)

    def stop(self) -> None:
        """Stop Traefik; the objects stay. Idempotent."""
        if self._traefik is not None:
            self._traefik.stop(patience_seconds=2.0)

    @contextmanager
    def replaced_by(self, executable: Path) -> Iterator[Self]:
        """Another Traefik in the place of this one while the block runs, as after a change of its version."""
        self.stop()
        self._executable = executable
        try:
            self.start()
            yield self
        finally:
            self.stop()
            self._executable = None
            self.start()

    def _is_ready(self) -> bool:
        try:
            socket.create_connection((self._address, self._port), timeout=1).close()
        except OSError:
            return False
        gateway = self._access.read(GATEWAYS, self.namespace, GATEWAY)
        generation = gateway["metadata"]["generation"]
        conditions = {
            each["type"]: each["status"]
            for each in gateway.get("status", {}).get("conditions", [])
            if each.get("observedGeneration") == generation
        }
        return conditions.get("Accepted") == "True" and conditions.get("Programmed") == "True"

    def _command(self) -> list[str | Path]:
        alone = [f"--providers.kubernetesgateway.namespaces={self.namespace}"] if self._alone else []
        throttle = [] if self._throttle is None else [f"--providers.providersthrottleduration={self._throttle}"]
        return [
            self._executable or gateway_binary(),
            f"--entrypoints.web.address={self._address}:{self._port}",
            "--providers.kubernetesgateway=true",
            f"--providers.kubernetesgateway.statusaddress.ip={self._address}",
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
            "--log.level=INFO",
            *throttle,
            *alone,
        ]

    def _class_object(self) -> dict[str, object]:
        return {
            "apiVersion": _API,
            "kind": "GatewayClass",
            "metadata": {"name": self._class_name},
            "spec": {"controllerName": _CONTROLLER},
        }

    def _gateway_object(self) -> dict[str, object]:
        # Traefik maps a listener to the entrypoint with the same port.
        listener = {
            "name": "web",
            "protocol": "HTTP",
            "port": self._port,
            "allowedRoutes": {"namespaces": {"from": "All"}},
        }
        return {
            "apiVersion": _API,
            "kind": "Gateway",
            "metadata": {"name": GATEWAY, "namespace": self.namespace},
            "spec": {"gatewayClassName": self._class_name, "listeners": [listener]},
        }
