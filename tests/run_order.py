"""The order of test files: first those without a cluster, then those with one, the longest first.

`--dist loadfile --no-loadscope-reorder` hands whole files to the workers in this order, so no worker begins a long file
when the others are done. No test depends on it.
"""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

WITH_A_CLUSTER = ("tests/cluster", "tests/faults", "tests/e2e")
SECONDS: dict[str, int] = {}
"""How long a file takes on two cores, measured with `--durations=0`; of a file with a cluster that is not named, less
than 10 s. Only their order matters."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts files; the tests of a file, and files of equal rank, stay in the order in which they were collected."""
    items.sort(key=lambda item: rank(item.nodeid.split("::")[0]))


def rank(file: str) -> tuple[bool, int]:
    """Sort key of a file, named from the checkout's root with slashes."""
    return str(PurePosixPath(file).parent) in WITH_A_CLUSTER, -SECONDS.get(file, 0)
