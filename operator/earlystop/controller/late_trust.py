"""The authorities that a system trusts are read when a connection first needs them.

aiohttp makes two TLS contexts when it is loaded, each with all of the system's authorities: 2 MiB and a twentieth of a
second, for connections that most operators never open. The API server and metrics sources are trusted by authorities
of their own.
"""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

MAKES_CONTEXTS = "aiohttp.connector"
WHERE_AUTHORITIES_ARE = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables of the environment by which OpenSSL finds a system's authorities."""


class TrustsAtFirstUse(ssl.SSLContext):
    """A context that trusts nobody until its first connection, and then the system's authorities."""

    _trusts: bool = False

    def wrap_bio(self, *arguments: Any, **named: Any) -> ssl.SSLObject:
        """As of any context: what asyncio connects by."""
        self._trust()
        return super().wrap_bio(*arguments, **named)

    def wrap_socket(self, *arguments: Any, **named: Any) -> ssl.SSLSocket:
        """As of any context."""
        self._trust()
        return super().wrap_socket(*arguments, **named)

    def _trust(self) -> None:
        if not self._trusts:
            self._trusts = True
            self.load_default_certs()


class _LoadedWithoutAuthorities(Loader):
    """Loads a module as another loader does, and has its contexts trust the system's authorities at first use."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        with _no_authorities():
            self._loader.exec_module(module)
        for each in vars(module).values():
            if type(each) is ssl.SSLContext:
                each.__class__ = TrustsAtFirstUse


class _FoundWithoutAuthorities(MetaPathFinder):
    """Finds one module as Python itself does, for `_LoadedWithoutAuthorities`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname == self._name else None
        if spec is not None and spec.loader is not None:
            spec.loader = _LoadedWithoutAuthorities(spec.loader)
        return spec


def trust_at_first_use(name: str = MAKES_CONTEXTS) -> None:
    """From now on, load the module of this name without authorities in its TLS contexts: each reads them when it first
    makes a connection. A module that is loaded stays as it is."""
    sys.meta_path.insert(0, _FoundWithoutAuthorities(name))


@contextmanager
def _no_authorities() -> Iterator[None]:
    """Contexts that are made within trust nobody."""
    before = {name: os.environ.get(name) for name in WHERE_AUTHORITIES_ARE}
    os.environ.update(dict.fromkeys(WHERE_AUTHORITIES_ARE, os.devnull))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
