"""The configuration files of a real node's servers: pure functions of where its files lie."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

POD_NETWORK = "10.245.0.0/24"
"""Addresses of real Pods; those of hollow nodes and of the kit's servers lie in other networks."""
PAUSE_IMAGE = "localhost/earlystop-pause:tests"
_PLUGINS = "/usr/lib/cni"
_SMALL = "1Mi"  # a node of a test evicts nobody before it is really full


def containerd(directory: Path) -> str:
    """The container runtime's file (TOML): all that it keeps lies in `directory`."""
    return f"""
version = 2
root = "{directory}/containerd"
state = "{directory}/containerd-state"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt"]

[grpc]
address = "{socket(directory)}"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE_IMAGE}"
# Without CAP_SYS_RESOURCE nobody may lower the score by which the kernel picks whom to kill.
restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{_PLUGINS}"
conf_dir = "{directory}/cni"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
"""


def socket(directory: Path) -> Path:
    """Where containerd listens."""
    return directory / "containerd.sock"


def pod_network(directory: Path) -> str:
    """The list of network plugins (JSON). A pair of devices for each Pod, so that all packets pass the node's own rules
    for Services; on a bridge, answers between two Pods would not."""
    ranges = [[{"subnet": POD_NETWORK}]]
    addresses = {
        "type": "host-local",
        "ranges": ranges,
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": f"{directory}/ipam",
    }
    plugins = [{"type": "ptp", "ipam": addresses}]
    return json.dumps({"cniVersion": "0.4.0", "name": "pods", "plugins": plugins}, indent=1)


def kubelet(directory: Path) -> dict[str, Any]:
    """KubeletConfiguration."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "containerRuntimeEndpoint": f"unix://{socket(directory)}",
        "podLogsDir": f"{directory}/pod-logs",
        "enforceNodeAllocatable": [],
        "failSwapOn": False,
        "failCgroupV1": False,
        "localStorageCapacityIsolation": False,
        "makeIPTablesUtilChains": False,
        "evictionHard": {"memory.available": _SMALL, "nodefs.available": _SMALL, "imagefs.available": _SMALL},
        # Changes of objects that Pods mount, and of Pods themselves, are seen at once.
        "configMapAndSecretChangeDetectionStrategy": "Watch",
        "syncFrequency": "5s",
        "serializeImagePulls": False,
    }


def kube_proxy(kubeconfig: Path) -> dict[str, Any]:
    """KubeProxyConfiguration."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "mode": "iptables",
        "clusterCIDR": POD_NETWORK,
        "conntrack": {"maxPerCore": 0, "min": None},
        "iptables": {"minSyncPeriod": "0s", "syncPeriod": "30s"},
    }
