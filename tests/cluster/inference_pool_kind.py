"""The kind InferencePool by its own project's definition, in a cluster for as long as a test needs it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.access import Access
from tests.cluster.errors import ClusterError
from tests.cluster.processes import wait_until

MODULE = "sigs.k8s.io/gateway-api-inference-extension@v1.3.0"
CHECKSUM = "h1:Ng2Qs1Oum4WycuWyi3rOkAC7pZ2aDqgN2ku6Lr/mryQ="
"""What Go says of that release's files: no other ones are taken."""
NAME = "inferencepools.inference.networking.k8s.io"
DEFINITION = Path("config", "crd", "bases", "inference.networking.k8s.io_inferencepools.yaml")


@contextmanager
def inference_pools(access: Access) -> Iterator[None]:
    """The API server knows the kind inside. Raises ClusterError where the definition is not to be had."""
    access.install_crds(_definition())
    wait_until(lambda: _is_served(access), 60, "the kind to be served")
    yield
    access.kubectl("delete", "crd", NAME)


def _definition() -> Path:
    """The definition in Go's cache of modules, from where Go fetches it where it is not yet there."""
    asked = ["go", "mod", "download", "-json", MODULE]
    done = subprocess.run(asked, cwd=Path.home(), capture_output=True, text=True, timeout=300)
    found = json.loads(done.stdout or "{}")
    if found.get("Sum") != CHECKSUM:
        raise ClusterError(f"{MODULE} cannot be had as it was: {found.get('Error') or found.get('Sum') or done.stderr}")
    return Path(found["Dir"]) / DEFINITION


def _is_served(access: Access) -> bool:
    try:
        access.kubectl("get", NAME, "--all-namespaces")
    except ClusterError:
        return False
    return True
