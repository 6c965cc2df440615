"""Objects of manifests, each file read once by a process: many stages apply the same."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from earlystop.cli.files.yaml_values import SAFE_LOADER


@cache
def written_in(path: Path) -> tuple[dict[str, Any], ...]:
    """The objects of a file, or of all `.yaml` and `.json` files of a directory by their names. Nobody changes them."""
    files = sorted(each for each in path.iterdir() if each.suffix in (".yaml", ".json")) if path.is_dir() else [path]
    found = (each for file in files for each in yaml.load_all(file.read_text(), Loader=SAFE_LOADER))
    return tuple(each for each in found if each is not None)
