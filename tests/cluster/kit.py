"""The whole test cluster as one context manager."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from tests.cluster.access import Access
from tests.cluster.binaries import binary
from tests.cluster.control_plane import ControlPlane
from tests.cluster.errors import ClusterError
from tests.cluster.gateway import GATEWAY_API, Gateway
from tests.cluster.network import NODE_ADDRESS
from tests.cluster.prometheus import Prometheus

Part = TypeVar("Part")


class Cluster:
    """Control plane, Gateway API CRDs and, as asked for, Traefik and Prometheus. Use from the main thread.

    controllers, nodes, crds, audit: see ControlPlane. gateway: run Traefik (`throttle` as in Gateway).
    prometheus: make one ready to be started. kubeconfig: use the API server that this value of KUBECONFIG names
    instead of starting one; that cluster must reach this machine, and this machine its Pods, where a test
    needs it.
    """

    def __init__(
        self,
        *,
        controllers: bool = True,
        nodes: bool = True,
        crds: Sequence[Path] = (),
        audit: bool | str = False,
        gateway: bool = False,
        prometheus: bool = False,
        throttle: str | None = None,
        kubeconfig: str | None = None,
    ) -> None:
        self._controllers = controllers
        self._nodes = nodes
        self._crds = (GATEWAY_API, *crds)
        self._audit = audit
        self._with_gateway = gateway
        self._with_prometheus = prometheus
        self._throttle = throttle
        self._kubeconfig = kubeconfig
        self._stack = ExitStack()
        self._access: Access | None = None
        self._gateway: Gateway | None = None
        self._prometheus: Prometheus | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            access = self._access = self._enter_access(stack)
            address = own_address()
            if self._with_gateway:
                self._gateway = stack.enter_context(Gateway(access, address=address, throttle=self._throttle))
            if self._with_prometheus:
                self._prometheus = stack.enter_context(Prometheus(access.directory, address=address))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def access(self) -> Access:
        """The admin's way in: `kubeconfig`, `url`, `kubectl`, `apply`, `get`, `service_account_kubeconfig`."""
        return _present(self._access, "entered: `with Cluster() as cluster:`")

    @property
    def control_plane(self) -> ControlPlane:
        """The kit's own control plane, which can be stopped. Raises ClusterError with an API server of KUBECONFIG."""
        own = self.access if isinstance(self.access, ControlPlane) else None
        return _present(own, "its own control plane: unset KUBECONFIG for tests that stop the API server")

    @property
    def gateway(self) -> Gateway:
        """Traefik. Raises ClusterError without `gateway=True`."""
        return _present(self._gateway, "a gateway: Cluster(gateway=True)")

    @property
    def prometheus(self) -> Prometheus:
        """Prometheus, not yet started. Raises ClusterError without `prometheus=True`."""
        return _present(self._prometheus, "a Prometheus: Cluster(prometheus=True)")

    def shell_command(self, *path: Path, kubeconfig: Path | None = None) -> str:
        """A command for another terminal: a shell in this network with kubectl, helm and `path` in PATH.

        kubeconfig: the one in that shell; without it, this cluster's. It works as long as this process lives.
        """
        directories = [*path, *dict.fromkeys(binary(name).parent for name in ("kubectl", "helm"))]
        search = ":".join(shlex.quote(str(each)) for each in directories)
        config = shlex.quote(str(kubeconfig or self.access.kubeconfig))
        settings = f'env KUBECONFIG={config} PATH={search}:"$PATH" bash'
        if self._kubeconfig is not None:
            return settings
        # A user namespace of one id was made by `unshare -r` or by this kit, and has to be entered as well.
        alone = Path("/proc/self/uid_map").read_text().split()[2:] == ["1"]
        user = "--user --preserve-credentials " if alone else ""
        return f"nsenter --target {os.getpid()} {user}--net --mount {settings}"

    def _enter_access(self, stack: ExitStack) -> Access:
        if self._kubeconfig is None:
            own = ControlPlane(controllers=self._controllers, nodes=self._nodes, crds=self._crds, audit=self._audit)
            return stack.enter_context(own)
        directory = Path(tempfile.mkdtemp(prefix="earlystop-cluster-"))
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        access = Access.from_current_context(self._kubeconfig, directory)
        access.install_crds(*self._crds)
        return access


def use_or_start(
    *,
    controllers: bool = True,
    nodes: bool = True,
    crds: Sequence[Path] = (),
    audit: bool | str = False,
    gateway: bool = False,
    prometheus: bool = False,
    throttle: str | None = None,
) -> Cluster:
    """A Cluster on the API server of KUBECONFIG, if that is set, else one with a control plane of its own."""
    return Cluster(
        controllers=controllers,
        nodes=nodes,
        crds=crds,
        audit=audit,
        gateway=gateway,
        prometheus=prometheus,
        throttle=throttle,
        kubeconfig=os.environ.get("KUBECONFIG") or None,
    )


def own_address() -> str:
    """Where the kit's servers listen: the private network's address, or loopback outside of it."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((NODE_ADDRESS, 0))
        except OSError:
            return "127.0.0.1"
    return NODE_ADDRESS


def _present(part: Part | None, what: str) -> Part:
    if part is None:
        raise ClusterError(f"this cluster has not {what}")
    return part
