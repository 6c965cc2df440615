"""Where the test cluster keeps what takes long to make, shared by all checkouts and processes of a user."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

CACHE = Path(os.environ.get("EARLYSTOP_CACHE") or Path.home() / ".cache" / "earlystop")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Alone, among all processes that take this file, while the block runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)  # the kernel releases it when the process dies
        yield


def fetched(target: Path, fetch: Callable[[Path], Path]) -> Path:
    """`target`, which `fetch` makes within an empty directory where it is not there yet: whole or not at all, and once
    however many ask. Raises what `fetch` raises."""
    with locked(target.parent / ".lock"):
        if not target.exists():
            with TemporaryDirectory(prefix=".fetch-", dir=target.parent) as scratch:
                fetch(Path(scratch)).rename(target)
    return target
