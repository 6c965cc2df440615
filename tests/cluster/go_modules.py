"""Files of others' as they publish them in a Go module: fetched by Go's own client, pinned by checksum, and never
copied into this project.

`make others-kinds` fetches them beforehand: the network of a test's cluster leads to nowhere else.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.cluster.errors import ClusterError


@dataclass(frozen=True, slots=True)
class PinnedModule:
    """A module at a version. checksum: as go.sum writes it."""

    path: str
    version: str
    checksum: str


AGENTGATEWAY = PinnedModule(
    "github.com/agentgateway/agentgateway", "v1.3.1", "h1:yogoKFzt+PSCKQavyFv1jS5jKO8ewNtG4OW7ERHvnOQ="
)
INFERENCE_POOLS = PinnedModule(
    "sigs.k8s.io/gateway-api-inference-extension", "v1.3.0", "h1:Ng2Qs1Oum4WycuWyi3rOkAC7pZ2aDqgN2ku6Lr/mryQ="
)
ENVOY_AI_GATEWAY = PinnedModule(
    "github.com/envoyproxy/ai-gateway", "v1.0.0", "h1:cTdSnQmtQQ2Ea5T/LLK50pIthG2SJAOxU9XPXZbtDkU="
)
ENVOY_GATEWAY = PinnedModule(
    "github.com/envoyproxy/gateway", "v1.7.0", "h1:noVz4fADhljSKpQFaspb25+C3kC8bBBisQZle9W0ei4="
)
EVERY = (AGENTGATEWAY, INFERENCE_POOLS, ENVOY_AI_GATEWAY, ENVOY_GATEWAY)


@cache
def file_of(module: PinnedModule, name: str) -> str:
    """The text of a file in a module. name: its path there. Raises ClusterError where it cannot be had as pinned."""
    found = directory_of(module) / name
    try:
        return found.read_text()
    except OSError as error:
        raise ClusterError(f"{module.path} {module.version} has no {name}: {error.strerror}") from None


@cache
def directory_of(module: PinnedModule) -> Path:
    """Where Go keeps the module, which it fetches where it has none. Raises ClusterError where it cannot be had as
    pinned."""
    if shutil.which("go") is None:
        raise ClusterError(f"{module.path} cannot be fetched without Go; install Go 1.25 or later")
    command = ["go", "mod", "download", "-json", f"{module.path}@{module.version}"]
    # Beside no go.mod, or the module would have to be one of its requirements.
    done = subprocess.run(command, cwd="/", capture_output=True, text=True)
    told = json.loads(done.stdout or "{}")
    if done.returncode != 0 or "Dir" not in told:
        raise ClusterError(f"{module.path} cannot be fetched: {told.get('Error') or done.stderr.strip()[-2000:]}")
    if told["Sum"] != module.checksum:
        raise ClusterError(
            f"{module.path} {module.version} has checksum {told['Sum']}, and {module.checksum} is pinned"
        )
    return Path(told["Dir"])


if __name__ == "__main__":
    for each in EVERY:
        directory_of(each)
