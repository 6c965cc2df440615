"""Libraries' modules that are loaded when something of them is first used, and never where nothing is.

`kubernetes` loads its whole synchronous client with every part of it: a second client, with clients for OAuth and for
websockets, of which the operator uses nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType

UNUSED_PARTS = (
    "kubernetes.config",
    "kubernetes.dynamic",
    "kubernetes.informer",
    "kubernetes.leaderelection",
    "kubernetes.stream",
    "kubernetes.utils",
    "kubernetes.watch",
    "kubernetes.aio.dynamic",
    "kubernetes.aio.leaderelection",
    "kubernetes.aio.stream",
    "kubernetes.aio.watch",
)
"""Parts of `kubernetes` that it loads with itself and the operator does not use: 5 MiB with what they load in turn."""


class _FoundLazily(MetaPathFinder):
    """Finds modules of these names as Python itself does; each is loaded when an attribute of it is first asked for."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._names:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec


def load_at_first_use(names: Iterable[str]) -> None:
    """From now on, load modules of these names when something of them is first used. Those that are loaded stay so;
    a name that is no module's changes nothing."""
    sys.meta_path.insert(0, _FoundLazily(names))
