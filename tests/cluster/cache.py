"""Where the test cluster keeps what takes long to make, shared by all checkouts and processes of a user."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CACHE = Path(os.environ.get("EARLYSTOP_CACHE") or Path.home() / ".cache" / "earlystop")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Alone, among all processes that take this file, while the block runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)  # the kernel releases it when the process dies
        yield
