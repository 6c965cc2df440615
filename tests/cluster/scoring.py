"""kube-score, which judges manifests by what Kubernetes' operators agree on, built from a module of its own.

Its dependencies are older than those of the servers, so it has a go.mod of its own beside this file.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from tests.cluster.cache import CACHE, fetched
from tests.cluster.errors import ClusterError

_MODULE = Path(__file__).parent / "manifest_check"
_PACKAGE = "github.com/zegl/kube-score/cmd/kube-score"
_PASSED = 10


class Finding(NamedTuple):
    """What kube-score holds against an object: its kind, the check's identifier, and one sentence."""

    kind: str
    check: str
    says: str


def findings(manifest: str) -> list[Finding]:
    """Everything that kube-score holds against the objects of a YAML text, in their order."""
    command = [str(_binary()), "score", "--output-format=json", "-"]
    done = subprocess.run(command, input=manifest, capture_output=True, text=True)
    try:
        scored: list[dict[str, Any]] = json.loads(done.stdout)
    except ValueError:
        raise ClusterError(f"kube-score says nothing of the manifest: {done.stderr.strip()}") from None
    return [
        Finding(each["type_meta"]["kind"], check["check"]["id"], (comment or {"summary": ""})["summary"])
        for each in scored
        for check in each["checks"]
        if not check["skipped"] and check["grade"] < _PASSED
        for comment in check["comments"] or [None]
    ]


def _binary() -> Path:
    key = hashlib.sha256((_MODULE / "go.sum").read_bytes()).hexdigest()[:12]
    return fetched(CACHE / "bin" / f"kube-score-{key}" / "kube-score", _build)


def _build(scratch: Path) -> Path:
    target = scratch / "kube-score"
    command = ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", str(target), _PACKAGE]
    try:
        done = subprocess.run(command, cwd=_MODULE, capture_output=True, text=True)
    except FileNotFoundError:
        raise ClusterError("kube-score cannot be built: there is no `go` in PATH. Install Go 1.25 or later.") from None
    if done.returncode != 0:
        raise ClusterError(f"kube-score cannot be built: {done.stderr.strip()[-1000:]}")
    return target


if __name__ == "__main__":
    _binary()
