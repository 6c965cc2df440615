"""A directory as the kubelet mounts a ConfigMap: every key is a link into `..data`, which is a link as well."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def mount(directory: Path, data: Mapping[str, str]) -> Path:
    """The mount point, with these keys."""
    version = directory / "..2026_11_23_00_00_00.1234567890"
    version.mkdir(parents=True)
    for key, text in data.items():
        (version / key).write_text(text)
        (directory / key).symlink_to(Path("..data") / key)
    (directory / "..data").symlink_to(version.name)
    return directory
