"""The command lines of the control plane's servers: pure functions of the directory that holds their files."""

from __future__ import annotations

from pathlib import Path

from tests.cluster.binaries import binary
from tests.cluster.network import NODE_ADDRESS

Command = list[str | Path]

NODE = "hollow-1"
URL = f"https://{NODE_ADDRESS}:6443"
ETCD = "http://127.0.0.1:2379"
_ETCD_PEER = "http://127.0.0.1:2380"

# Names within the directory, which is also the working directory of every server.
KUBECONFIG = "admin.kubeconfig"
TOKENS = "tokens.csv"
SIGNING_KEY = "service-accounts.key"
AUTHORITY = "certificates/apiserver.crt"  # made by the API server at its first start, with its own authority in it
AUDIT_POLICY = "audit-policy.json"
AUDIT_LOG = "audit.log"


def etcd() -> Command:
    """The store, which may lose its last writes in a power cut: its data lie in memory anyway."""
    return [
        binary("etcd"),
        "--data-dir=etcd",
        f"--listen-client-urls={ETCD}",
        f"--advertise-client-urls={ETCD}",
        f"--listen-peer-urls={_ETCD_PEER}",
        f"--initial-advertise-peer-urls={_ETCD_PEER}",
        f"--initial-cluster=default={_ETCD_PEER}",
        "--unsafe-no-fsync",
    ]


def api_server(*, audit: bool) -> Command:
    """The API server; with `audit` under AUDIT_POLICY into AUDIT_LOG."""
    auditing = [f"--audit-policy-file={AUDIT_POLICY}", f"--audit-log-path={AUDIT_LOG}"] if audit else []
    return [
        binary("kube-apiserver"),
        f"--etcd-servers={ETCD}",
        f"--bind-address={NODE_ADDRESS}",
        f"--advertise-address={NODE_ADDRESS}",
        "--secure-port=6443",
        f"--cert-dir={Path(AUTHORITY).parent}",
        "--authorization-mode=RBAC",
        f"--token-auth-file={TOKENS}",
        f"--service-account-issuer={URL}",
        f"--service-account-key-file={SIGNING_KEY}",
        f"--service-account-signing-key-file={SIGNING_KEY}",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--kubelet-preferred-address-types=InternalIP",
        *auditing,
    ]


def controllers() -> Command:
    """All controllers of Kubernetes, each with the rights of its own account."""
    return [
        binary("kube-controller-manager"),
        f"--kubeconfig={KUBECONFIG}",
        f"--root-ca-file={AUTHORITY}",
        "--cert-dir=kube-controller-manager",
        "--use-service-account-credentials",
        # At the default of 20 requests a second, making an account for each controller takes 5 s.
        "--kube-api-qps=1000",
        "--kube-api-burst=1000",
        f"--service-account-private-key-file={SIGNING_KEY}",
        "--leader-elect=false",
        # After an outage of the API server on a busy machine the node may be late; its Pods go on serving meanwhile.
        "--node-monitor-grace-period=10m",
    ]


def scheduler() -> Command:
    """Binds Pods to the one node."""
    return [
        binary("kube-scheduler"),
        f"--kubeconfig={KUBECONFIG}",
        "--cert-dir=kube-scheduler",
        "--leader-elect=false",
    ]


def node() -> Command:
    """A real kubelet over a fake container runtime, with room for the Pods of a benchmark."""
    return [
        binary("kubemark"),
        "--morph=kubelet",
        f"--name={NODE}",
        "--max-pods=1000",
        f"--kubeconfig={KUBECONFIG}",
        "--use-host-image-service=false",
        "--cert-dir=kubemark",
    ]
