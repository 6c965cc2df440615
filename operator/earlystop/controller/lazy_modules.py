"""Libraries' modules that are loaded when something of them is first used, and never where nothing is.

`kubernetes` loads its whole synchronous client with every part of it: a second client, with clients for OAuth and for
websockets, of which the operator uses nothing. `requests` loads a library that guesses the encoding of a text, and the
operator, which takes answers as bytes, needs no more of that than its version number.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import PackageNotFoundError, version
from importlib.util import LazyLoader
from types import ModuleType
from typing import Any

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

ENCODINGS = "charset_normalizer"
"""The library that guesses encodings; its tables of many languages take 3 MiB."""


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


class _VersionAlone(ModuleType):
    """Stands for a library whose version is known. The library is loaded when anything else is asked of it."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


def load_when_more_than_its_version_is_asked(name: str) -> None:
    """From now on, load the library of this name when something of it is first used, its version excepted. One that is
    loaded stays so; for one that is not installed nothing changes."""
    if name in sys.modules:
        return
    spec = PathFinder.find_spec(name)
    try:
        known = version(name)
    except PackageNotFoundError:
        return
    if spec is None:
        return
    module = _VersionAlone(name)
    # An import asks each module for its path, too.
    module.__dict__.update(__version__=known, __spec__=spec, __path__=spec.submodule_search_locations)
    sys.modules[name] = module
