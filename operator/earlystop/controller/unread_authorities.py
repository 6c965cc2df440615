"""aiohttp is loaded without the authorities that the system trusts.

It reads them twice meanwhile, for two contexts of its own: 2 MiB, and more of a start's time than most modules take.
By these contexts nothing here begins a connection: requests to the API server, probes and webhooks have contexts that
they make themselves. A connection that was begun without one would find no authority, and fail.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

AUTHORITIES_FILE = "SSL_CERT_FILE"
"""By which OpenSSL, and so Python, is told what file holds the system's authorities."""

CONNECTOR = "aiohttp.connector"
"""The module that makes the two contexts."""


def load_without_authorities(name: str = CONNECTOR) -> None:
    """From now on, load this module without the authorities of the system. One that is loaded stays as it is. Whoever
    asks for them later is given them as ever."""
    sys.meta_path.insert(0, _FoundWithoutAuthorities(name))


class _FoundWithoutAuthorities(MetaPathFinder):
    """Finds a module as Python itself does, and has it loaded without authorities."""

    def __init__(self, name: str) -> None:
        self._name = name

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _LoadsWithoutAuthorities(fullname, spec.loader.path)
        return spec


class _LoadsWithoutAuthorities(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        with _without_authorities():
            super().exec_module(module)


@contextmanager
def _without_authorities() -> Iterator[None]:
    """Within, the file of the system's authorities is an empty one. For imports at the start of a process, before
    there are threads and children."""
    before = os.environ.get(AUTHORITIES_FILE)
    os.environ[AUTHORITIES_FILE] = os.devnull
    try:
        yield
    finally:
        if before is None:
            del os.environ[AUTHORITIES_FILE]
        else:
            os.environ[AUTHORITIES_FILE] = before
