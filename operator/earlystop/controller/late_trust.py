"""The certificates that the system trusts are read when a TLS connection by them is begun, and never where none is.

aiohttp reads them twice while it is imported: a file of some 140 authorities, which takes more of a command's CPU than
its answer, and MiB of memory. The API server has an authority of its own, which the kubeconfig or the Pod names.
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

CONNECTOR = "aiohttp.connector"
READ_BY = ("load_default_certs", "set_default_verify_paths")
"""Methods of a context that read them."""


class LateTrust(ssl.SSLContext):
    """A context that reads what the system trusts before the first connection by it."""

    _is_read = False

    def wrap_bio(self, *given: Any, **named: Any) -> ssl.SSLObject:
        """Begin a connection, as asyncio does."""
        self._read()
        return super().wrap_bio(*given, **named)

    def wrap_socket(self, *given: Any, **named: Any) -> ssl.SSLSocket:
        """Begin a connection by a socket."""
        self._read()
        return super().wrap_socket(*given, **named)

    def _read(self) -> None:
        if not self._is_read:
            self._is_read = True
            self.load_default_certs()


class _Late(Loader):
    """Loads a module as its own loader does, but for the certificates that contexts of its own would read."""

    def __init__(self, own: Loader) -> None:
        self._own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        with _nothing_read():
            self._own.exec_module(module)
        for each in vars(module).values():
            if type(each) is ssl.SSLContext:
                each.__class__ = LateTrust


@contextmanager
def _nothing_read() -> Iterator[None]:
    """No context reads what the system trusts within. For imports at the start of a process, before there are threads
    that connect."""
    before = {name: vars(ssl.SSLContext).get(name) for name in READ_BY}
    for name in READ_BY:
        setattr(ssl.SSLContext, name, lambda *_: None)
    try:
        yield
    finally:
        for name, own in before.items():
            if own is None:
                delattr(ssl.SSLContext, name)
            else:
                setattr(ssl.SSLContext, name, own)


class _FindsConnector(MetaPathFinder):
    """Finds the module with aiohttp's contexts as Python itself does."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != CONNECTOR:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Late(spec.loader)
        return spec


def trust_late() -> None:
    """From now on, aiohttp's own contexts read what the system trusts at their first connection. Where aiohttp is
    loaded, nothing changes."""
    sys.meta_path.insert(0, _FindsConnector())
