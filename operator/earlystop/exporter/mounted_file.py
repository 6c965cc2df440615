"""A file of a mounted ConfigMap: whether it has changed, what it holds, and why it cannot be read.

The kubelet never changes such a file. It writes a new directory, lets the symbolic link `..data` beside the file point
to it, and the file is a link into `..data`. A plain file that somebody overwrites is read with the same care.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

# A file may be changed again within the same tick of the file system's clock, so one so young is read again.
YOUNG_SECONDS = 2.0
Signature = tuple[int, int, int, int]


class Missing(StrEnum):
    """Why a mounted file cannot be read."""

    MISSING = "missing"
    """Nobody knows whether it is meant to be gone."""
    REMOVED = "removed"
    """The directory is a whole ConfigMap as the kubelet mounts it, and the key is not in it."""
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A file's bytes. signature: the same for as long as the file does not change; None where that is not certain,
    since it is young or was being written."""

    data: bytes
    signature: Signature | None


def signature_of(path: Path) -> Signature | None:
    """What changes with the file; None where there is none."""
    try:
        return _signature(path.stat())
    except OSError:
        return None


def read_snapshot(path: Path, most_bytes: int, now: float) -> Snapshot | Missing:
    """The file as it is. most_bytes: no more than one byte beyond that is read. now: Unix seconds."""
    try:
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            data = file.read(most_bytes + 1)
            after = os.fstat(file.fileno())
    except FileNotFoundError:
        return Missing.REMOVED if _is_removed(path) else Missing.MISSING
    except OSError:
        return Missing.UNREADABLE
    is_settled = _signature(before) == _signature(after) and now - after.st_mtime >= YOUNG_SECONDS
    return Snapshot(data, _signature(after) if is_settled else None)


def _signature(found: os.stat_result) -> Signature:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _is_removed(path: Path) -> bool:
    """Whether the key is missing in a ConfigMap that is there as a whole."""
    data = path.parent / "..data"
    try:
        return data.is_symlink() and data.resolve(strict=True).is_dir() and not (data / path.name).exists()
    except OSError:
        return False
