"""Whether this machine can run real Pods: `python -m tests.pods.why_not` prints why not, and fails then.

What is missing of Debian's packages is installed first.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.cluster import debian, images
from tests.cluster.errors import ClusterError

# What shows that a package is there, and the package.
NEEDED = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "conntrack": "conntrack",
    "iptables": "iptables",
    "unshare": "util-linux",
    "/usr/lib/cni/ptp": "containernetworking-plugins",
}


def why_not() -> str | None:
    """Why no real Pod can run on this machine, if so."""
    if (reason := images.why_not()) is not None:
        return reason
    missing = {package for program, package in NEEDED.items() if not _is_there(program)}
    if missing:
        try:
            debian.install(sorted(missing))
        except ClusterError as error:
            return str(error)
    return None


def _is_there(program: str) -> bool:
    return Path(program).exists() if program.startswith("/") else shutil.which(program) is not None


if __name__ == "__main__":
    found = why_not()
    if found is not None:
        print(found)
        sys.exit(1)
