"""Where a stage stands: on the kit's own cluster, or with all but the API server on this machine."""

from __future__ import annotations

import shutil
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.cluster.access import Access
from tests.cluster.errors import ClusterError
from tests.cluster.gateway import Gateway
from tests.cluster.kit import Cluster
from tests.cluster.network import POD_ADDRESS
from tests.cluster.plugin import write_plugin
from tests.cluster.prometheus import Prometheus
from tests.e2e.stage import Stage

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Scene:
    """A cluster with a gateway and a Prometheus. server_address: where the server listens and the gateway finds it.
    hollow: Pods get that address by themselves, else the stage writes EndpointSlices. namespace: the only one that
    may be used, where the cluster belongs to someone."""

    cluster: Cluster
    gateway: Gateway
    prometheus: Prometheus
    server_address: str
    hollow: bool
    namespace: str | None = None

    def stage(self, *, data: str) -> Stage:
        """A service on this scene."""
        return Stage(
            self.cluster.access,
            self.gateway,
            self.prometheus,
            data=data,
            server_address=self.server_address,
            server_port=8080 if self.hollow else free_port(self.server_address),
            hollow=self.hollow,
            namespace=self.namespace,
        )

    def shell_command(self, stage: Stage) -> str:
        """A command that opens a shell with kubectl and `kubectl earlystop` on this scene's cluster, where the stage's
        namespace need not be named."""
        config = stage.directory / "shell.kubeconfig"
        shutil.copyfile(self.cluster.access.kubeconfig, config)
        choose = ("config", "set-context", "--current", f"--namespace={stage.namespace}")
        self.cluster.access.kubectl(f"--kubeconfig={config}", *choose)
        return self.cluster.shell_command(write_plugin(stage.directory), kubeconfig=config)


@contextmanager
def scene(kubeconfig: str | None) -> Iterator[Scene]:
    """The kit's own cluster, or the one that KUBECONFIG's value names."""
    if not kubeconfig:
        with Cluster(crds=(ROOT / "crds",), gateway=True, prometheus=True) as cluster:
            yield Scene(cluster, cluster.gateway, cluster.prometheus, POD_ADDRESS, hollow=True)
        return
    with Cluster(crds=(ROOT / "crds",), kubeconfig=kubeconfig) as cluster:
        _refuse_second_operator(cluster.access)
        address = address_towards(cluster.access.url)
        namespace = f"earlystop-demo-{uuid.uuid4().hex[:6]}"
        cluster.access.create_namespace(namespace)
        with (
            Gateway(
                cluster.access,
                namespace=namespace,
                address=address,
                port=free_port(address),
                class_name=namespace,
                alone=True,
            ) as gateway,
            Prometheus(cluster.access.directory, address=address, port=free_port(address)) as prometheus,
        ):
            yield Scene(cluster, gateway, prometheus, address, hollow=False, namespace=namespace)


def address_towards(url: str) -> str:
    """This machine's address as the API server would see it. Raises ClusterError when only loopback is left."""
    parts = urlsplit(url)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((parts.hostname or "", parts.port or 443))
        address = str(probe.getsockname()[0])
    if not address.startswith("127."):
        return address
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            raise ClusterError("this machine has no address but loopback, which EndpointSlices refuse") from None
        return str(probe.getsockname()[0])


def free_port(address: str) -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def _refuse_second_operator(access: Access) -> None:
    found = access.get("deployments", "--all-namespaces", "--selector=app.kubernetes.io/name=earlystop")["items"]
    running = [item["metadata"]["namespace"] for item in found if item["spec"].get("replicas", 1) > 0]
    if running:
        raise ClusterError(
            f"An early-stop operator runs there already, in namespace {running[0]}. The demo brings its own: name "
            "another cluster, or scale that one to 0 first."
        )
