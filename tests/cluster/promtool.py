"""promtool, which tests alert rules, of the very Prometheus that the tests run: built once from the same modules.

It imports one module that nothing else does, so its checksum stands here and not in go.sum, whose change would have
every binary of the cluster built anew.
`python -m tests.cluster.promtool` builds it where it is missing, and prints its path.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.cluster.cache import CACHE, fetched
from tests.cluster.errors import ClusterError
from tests.cluster.go_build import LINKER_FLAGS, MODULE

VERSION = "3.7.3"
PACKAGE = "github.com/prometheus/prometheus/cmd/promtool"
_MORE_SUMS = """\
github.com/nsf/jsondiff v0.0.0-20230430225905-43f6cf3098c1 h1:dOYG7LS/WK00RWZc8XGgcUTlTxpp3mKhdR2Q9z9HbXM=
github.com/nsf/jsondiff v0.0.0-20230430225905-43f6cf3098c1/go.mod h1:mpRZBD8SJ55OIICQ3iWH0Yz3cjzA61JdqMLoWXeB2+8=
"""
_TARGET = CACHE / "bin" / f"promtool-{VERSION}" / "promtool"


@cache
def promtool() -> Path:
    """A promtool that can be executed. Raises ClusterError where it has to be built and cannot be."""
    return fetched(_TARGET, _build)


def _build(scratch: Path) -> Path:
    if shutil.which("go") is None:
        raise ClusterError(f"promtool is not in {_TARGET}, and cannot be built without Go; install Go 1.25 or later")
    module, made = scratch / "module", scratch / "promtool"
    module.mkdir()
    for name, more in (("go.mod", ""), ("go.sum", _MORE_SUMS)):
        (module / name).write_text((MODULE / name).read_text() + more)
    command = ["go", "build", "-trimpath", "-ldflags", LINKER_FLAGS, "-o", str(made), PACKAGE]
    environment = {"GOCACHE": str(CACHE / "go-build"), **os.environ, "CGO_ENABLED": "0"}
    done = subprocess.run(command, cwd=module, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise ClusterError(f"promtool cannot be built: {done.stderr.strip()[-2000:]}")
    return made


if __name__ == "__main__":
    print(promtool())
