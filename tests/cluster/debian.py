"""Programs that Debian's packages bring, installed where they are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

from tests.cluster.cache import CACHE, locked
from tests.cluster.errors import ClusterError


def install(packages: Sequence[str]) -> None:
    """Have apt install these packages. Raises ClusterError, which names them, where there is no apt or it fails."""
    if shutil.which("apt-get") is None:
        raise ClusterError(f"this machine has no apt-get to install {', '.join(packages)} with")
    with locked(CACHE / ".apt"):
        for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
            environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            done = subprocess.run(["apt-get", "-qq", *command], env=environment, capture_output=True, text=True)
            if done.returncode != 0:
                tail = "\n".join((done.stdout + done.stderr).splitlines()[-5:])
                raise ClusterError(f"apt-get cannot install {', '.join(packages)}: {tail}")
