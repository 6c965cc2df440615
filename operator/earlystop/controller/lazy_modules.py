"""Libraries' modules that are loaded when something of them is first used, and never where nothing is.

`kubernetes` loads its whole synchronous client with every part of it: a second client, with clients for OAuth and for
websockets, of which the operator uses nothing. `requests` loads a library that guesses the encoding of a text, and the
operator, which takes answers as bytes, needs no more of that than its version number. `kopf` and `kubernetes` load what
reads YAML, which in a Pod has none to read: its service account's credentials are plain texts. `kubernetes` loads what
reads dates in any form, for models that the operator does not use. `kopf` loads what compares objects for patches, and
writes none. `pydantic` looks for plugins among all packages that are installed, with what reads their archives: the
operator has none.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from pathlib import Path
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

YAML = "yaml"
"""What reads YAML: 1.4 MiB with its tables."""

PATCHES = "jsonpatch"
"""What tells how objects differ: 0.3 MiB with what compares texts."""

DATES, READ_DATE = "dateutil.parser", "parse"
"""What reads dates in any form, and its function that `kubernetes` imports: 0.8 MiB with its time zones."""

PLUGINS = "pydantic.plugin._loader"
"""What looks for plugins, for which it reads a file of each package that is installed."""

ENCODINGS = "charset_normalizer"
"""The library that guesses encodings; its tables of many languages take 3 MiB."""


class _FoundLazily:
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


class _StandIn(ModuleType):
    """Stands for a library, which is loaded when anything is asked of it but what the stand-in says itself."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_loaded(self.__name__), name)


def _loaded(name: str) -> ModuleType:
    """The library itself, if a stand-in has stood for it so far."""
    if isinstance(sys.modules.get(name), _StandIn):
        del sys.modules[name]
    return import_module(name)


def load_when_asked(name: str, **known: object) -> None:
    """From now on, load the library of this name when something of it is first used, however many modules import it
    before. One that is loaded stays so; for one that is not installed nothing changes. known: what is said of it
    without that."""
    spec = None if name in sys.modules else _spec_of(name)
    if spec is None:
        return
    module = _StandIn(name)
    # An import asks each module for its path, too.
    module.__dict__.update(known, __spec__=spec, __path__=spec.submodule_search_locations)
    sys.modules[name] = module


def load_when_called(name: str, function: str) -> None:
    """As `load_when_asked`; this function of it may be imported before, and loads it when it is called."""

    def call(*arguments: Any, **options: Any) -> Any:
        return getattr(_loaded(name), function)(*arguments, **options)

    load_when_asked(name, **{function: call})


def _spec_of(name: str) -> ModuleSpec | None:
    """Where a module is found, below packages that are loaded for that; None where there is none."""
    above, _, _ = name.rpartition(".")
    try:
        return PathFinder.find_spec(name, import_module(above).__path__ if above else None)
    except ImportError:
        return None


def load_when_more_than_its_version_is_asked(name: str) -> None:
    """As `load_when_asked`; its version is known."""
    spec = _spec_of(name)
    if spec is not None and spec.origin is not None:
        # The library that reads such names takes half a MiB, and nothing else of the operator asks it.
        found = sorted(Path(spec.origin).parents[1].glob(f"{name}-*.dist-info"))
        if len(found) == 1:
            load_when_asked(name, __version__=found[0].stem.removeprefix(f"{name}-"))
