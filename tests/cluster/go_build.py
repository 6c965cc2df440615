"""One `go build` with one line of progress: what is compiled, how long it has taken and about how long it will take."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.cluster.cache import CACHE
from tests.cluster.progress import minutes, run_with_progress

MODULE = Path(__file__).parent
"""The folder of the go.mod that pins every package."""
_VERSION = "k8s.io/component-base/version"
# Without these the API server reports v0.0.0, and clients that look at its version refuse it.
LINKER_FLAGS = f"-s -w -X {_VERSION}.gitVersion=v1.34.4 -X {_VERSION}.gitMajor=1 -X {_VERSION}.gitMinor=34"
FLAGS = ("-trimpath", "-ldflags", LINKER_FLAGS)
CLUSTER = "the test cluster"
_ENOUGH_TO_ESTIMATE = 20
"""Packages that must be compiled before the rest is estimated from them."""


def compile_packages(
    packages: Sequence[str],
    directory: Path,
    *,
    module: Path = MODULE,
    flags: Sequence[str] = FLAGS,
    what: str = CLUSTER,
) -> None:
    """Puts the executables of these main packages into `directory`, each under its `executable_name`.

    module: the folder whose go.mod pins what they import. what: is being built, in words.
    Raises ClusterError with the end of Go's output when it fails.
    """
    begun = time.monotonic()
    listing = directory / "stale.log"
    # Go also fetches the modules for this, and says with -e what it can about packages that cannot be built.
    stale_only = "{{if .Stale}}{{.ImportPath}}{{end}}"
    ask = ["go", "list", "-e", "-deps", *flags, "-f", stale_only, *packages]
    _run(ask, listing, module, lambda: f"fetching the sources of {what}, {minutes(time.monotonic() - begun)}")
    stale = set(listing.read_text(errors="replace").split())
    begun, log = time.monotonic(), directory / "build.log"

    def progress() -> str:
        done = len(stale.intersection(log.read_text(errors="replace").splitlines()))
        return progress_line(done, len(stale), time.monotonic() - begun, what)

    _run(["go", "build", "-v", *flags, "-o", f"{directory}{os.sep}", *packages], log, module, progress)


def executable_name(package: str) -> str:
    """How `go build` calls the executable of a main package: the last part of its path that is no version."""
    return next(part for part in reversed(package.split("/")) if not re.fullmatch(r"v[0-9]+", part))


def progress_line(done: int, total: int, elapsed_seconds: float, what: str = CLUSTER) -> str:
    """The one line that a person reads meanwhile; the rest is estimated by the packages compiled so far."""
    begin = f"building {what}: {done} of {total} packages, {minutes(elapsed_seconds)}"
    if done >= total:
        return f"{begin}, linking"
    if done < _ENOUGH_TO_ESTIMATE:
        return begin
    return f"{begin}, about {minutes(elapsed_seconds * (total - done) / done)} left"


def _run(command: Sequence[str], log: Path, module: Path, progress: Callable[[], str]) -> None:
    # A cache beside the binaries: it outlives an interrupted build and `go clean -cache`.
    environment = {"GOCACHE": str(CACHE / "go-build"), **os.environ, "CGO_ENABLED": "0"}
    run_with_progress(command, log, progress, directory=module, environment=environment)
