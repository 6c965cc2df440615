"""Prometheus 2.42, the oldest that counts are tested with: in PATH, in the cache, or out of Debian 12's package.

apt fetches the package, with state of its own in the cache, and verifies it; dpkg unpacks it. Nothing is installed, so
nobody need be root, and the machine's own lists of packages need not be there.
`python -m tests.cluster.older_prometheus` fetches it and prints its path.
"""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.cluster.cache import CACHE, fetched
from tests.cluster.errors import ClusterError

VERSION = "2.42"
_TARGET = CACHE / "bin" / f"debian-{VERSION}" / "prometheus"
_HOW_OTHERWISE = (
    "run `make older-prometheus` once, outside of any private network, on a machine whose apt knows Debian 12, "
    f"or put a Prometheus {VERSION} into PATH as `prometheus`: its release runs on any Linux"
)


@cache
def older_prometheus() -> Path:
    """A Prometheus 2.42 that can be executed. Raises ClusterError where there is none and none can be fetched."""
    installed = shutil.which("prometheus")
    if installed is not None and is_version(Path(installed), VERSION):
        return Path(installed)
    return fetched(_TARGET, fetch)


def is_version(prometheus: Path, version: str) -> bool:
    """Whether this executable is of that version, or of one that it begins."""
    done = subprocess.run([prometheus, "--version"], capture_output=True, text=True)
    return f"prometheus, version {version}." in done.stdout + done.stderr


def fetch(scratch: Path) -> Path:
    """The executable out of the package, unpacked below an empty directory. Raises ClusterError."""
    missing = [name for name in ("apt-get", "dpkg-deb") if shutil.which(name) is None]
    if missing:
        raise ClusterError(f"the test cluster's Prometheus {VERSION} is missing, as is {missing[0]}; {_HOW_OTHERWISE}")
    for folder in ("state/lists/partial", "cache/archives/partial", "unpacked"):
        (scratch / folder).mkdir(parents=True)
    settings = {
        "Dir::State": scratch / "state",
        "Dir::State::status": "/dev/null",
        "Dir::Cache": scratch / "cache",
        "APT::Update::Error-Mode": "any",
        "APT::Sandbox::User": "",  # root's scratch is closed to the user that apt would become
    }
    apt = ["apt-get", "--quiet", *(f"--option={name}={value}" for name, value in settings.items())]
    _run([*apt, "update"], scratch)
    _run([*apt, "download", f"prometheus={VERSION}.*"], scratch)
    (package,) = scratch.glob("prometheus_*.deb")
    _run(["dpkg-deb", "--extract", str(package), str(scratch / "unpacked")], scratch)
    unpacked = scratch / "unpacked/usr/bin/prometheus"
    if not is_version(unpacked, VERSION):
        raise ClusterError(f"the Prometheus of the package {package.name} does not run here; {_HOW_OTHERWISE}")
    return unpacked


def _run(command: list[str], directory: Path) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-10:])
        raise ClusterError(f"`{' '.join(command)}` failed; {_HOW_OTHERWISE}\n{tail}")


if __name__ == "__main__":
    print(older_prometheus())
