"""A node on which Pods really run: containerd, kubelet and kube-proxy beside a control plane of the kit.

Containers outlive whoever started them, so containerd runs in a process namespace of its own: it ends with the test's
process, however that ends, and all containers with it. What it keeps lies in the private scratch directory, which goes
with the process too.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from pyroute2 import IPRoute  # type: ignore[import-untyped]

from tests.cluster import commands
from tests.cluster.binaries import binary
from tests.cluster.cache import CACHE
from tests.cluster.control_plane import NODES, ControlPlane
from tests.cluster.errors import ClusterError
from tests.cluster.network import NODE_ADDRESS, share_mounts, show_empty
from tests.cluster.processes import Child
from tests.cluster.started import Started
from tests.pods import node_settings

NODE = "real-1"
_CGROUPS = Path("/sys/fs/cgroup")
SERVICE_NETWORK = "10.0.0.0/24"
_START_SECONDS = 60.0
# In a process namespace of its own, and with mounts that are shared where those around it are.
_ALONE = ("unshare", "--mount", "--propagation=unchanged", "--pid", "--fork", "--kill-child", "--mount-proc")
# Folders outside of their own that these servers write into, whatever their settings say.
_WRITTEN = ("/run/netns", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers")


class Node(Started):
    """Use as a context manager, from the main thread, within a control plane without hollow nodes.

    images: archives as `pod_images.archives` makes them, which Pods with imagePullPolicy Never may name.
    """

    def __init__(self, control_plane: ControlPlane, images: Sequence[Path]) -> None:
        self._plane = control_plane
        self._images = tuple(images)
        self._directory = control_plane.directory / NODE
        self._children: list[Child] = []

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in reversed(self._children):
            child.stop(0.0)
        _remove_empty_cgroups()

    def _start(self) -> None:
        self._directory.mkdir()
        self._write_settings()
        _remove_empty_cgroups()
        _prepare_network()
        # What containerd mounts and what kubelet mounts for it must be seen by both.
        share_mounts(CACHE / "run")
        for folder in _WRITTEN:
            show_empty(Path(folder))
        self._children += [Child("kube-scheduler", commands.scheduler(), self._plane.directory)]
        containerd = self._run("containerd", [*_ALONE, "containerd", "--config=containerd.toml", "--log-level=warn"])
        containerd.wait_ready(lambda: self._ctr("version").returncode == 0, _START_SECONDS)
        for archive in self._images:
            self._import(archive)
        self._run("kube-proxy", [binary("kube-proxy"), "--config=kube-proxy.json", f"--hostname-override={NODE}"])
        kubelet = self._run("kubelet", self._kubelet())
        kubelet.wait_ready(self._is_ready, _START_SECONDS)

    def _write_settings(self) -> None:
        files = {
            "containerd.toml": node_settings.containerd(self._directory),
            "cni/pods.conflist": node_settings.pod_network(self._directory),
            "kubelet.json": json.dumps(node_settings.kubelet(self._directory)),
            "kube-proxy.json": json.dumps(node_settings.kube_proxy(self._plane.kubeconfig)),
        }
        for name, text in files.items():
            path = self._directory / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)

    def _kubelet(self) -> list[str | Path]:
        return [
            binary("kubelet"),
            "--config=kubelet.json",
            f"--kubeconfig={self._plane.kubeconfig}",
            f"--hostname-override={NODE}",
            f"--node-ip={NODE_ADDRESS}",
            f"--root-dir={self._directory / 'kubelet'}",
            f"--cert-dir={self._directory / 'kubelet-certificates'}",
        ]

    def _run(self, name: str, command: list[str | Path]) -> Child:
        child = Child(name, command, self._directory)
        self._children.append(child)
        return child

    def _ctr(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["ctr", f"--address={node_settings.socket(self._directory)}", "--namespace=k8s.io", *arguments]
        return subprocess.run(command, capture_output=True, text=True)

    def _import(self, archive: Path) -> None:
        done = self._ctr("images", "import", str(archive))
        if done.returncode != 0:
            raise ClusterError(f"containerd does not take {archive}: {done.stderr.strip()}")

    def _is_ready(self) -> bool:
        node = self._plane.find(NODES, None, NODE)
        if node is None:
            return False
        conditions = {each["type"]: each["status"] for each in node["status"].get("conditions", [])}
        return conditions.get("Ready") == "True" and not node["spec"].get("taints")


def _remove_empty_cgroups() -> None:
    """Remove what is left in the kernel of Pods that have ended, also of a run that was killed. What has processes
    stays: they may be another run's."""
    for top in (*_CGROUPS.glob("kubepods"), *_CGROUPS.glob("*/kubepods")):
        for folder, _, _ in os.walk(top, topdown=False):
            with suppress(OSError):
                Path(folder).rmdir()


def _prepare_network() -> None:
    """Let this network lead packets on, and lead those to Services through the rules of kube-proxy."""
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    with IPRoute() as route:
        loopback = route.link_lookup(ifname="lo")[0]
        route.route("replace", dst=SERVICE_NETWORK, oif=loopback, prefsrc=NODE_ADDRESS)
