"""A command is a process of half a second: what serves one that lasts for days would take a good part of its time."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from earlystop.own_variables import set_own_variable

NET_OBJECTS = 250_000
"""By how many the objects grow until cycles are searched for. The modules of no command have as many, and a command
that follows a rollout for days holds on to some tens of MiB at most that nothing refers to."""
PLUGINS = "PYDANTIC_DISABLE_PLUGINS"
ALL_PLUGINS = "__all__"
TRUSTED_BY = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables by which OpenSSL finds what the system trusts, each time that it is read."""


@contextmanager
def short_process() -> Iterator[None]:
    """The command runs within. To be entered before any module with a kind is imported.

    Python would search all objects for cycles again and again while modules are imported, where there are none to be
    found, and twice more at its end, when all of its memory is given back anyway: a quarter of a command's CPU.
    Pydantic would read what every installed distribution offers, to find plugins that none of ours is.
    """
    gc.set_threshold(NET_OBJECTS, *gc.get_threshold()[1:])
    set_own_variable(PLUGINS, ALL_PLUGINS)
    try:
        yield
    finally:
        gc.freeze()  # no search passes through what is there now


@contextmanager
def without_system_trust() -> Iterator[None]:
    """The client library is imported within. aiohttp, on which it stands, reads the certificates that the system trusts
    twice while it is imported, for contexts of its own by which no command connects: a tenth of a command's CPU. The
    client library makes a context from the kubeconfig, and reads them for that where it names no authority.

    A connection by aiohttp's own contexts would trust nobody. No other thread may run yet, since OpenSSL is told by its
    variables that there are none.
    """
    if "aiohttp" in sys.modules:
        yield
        return
    before = {name: os.environ.get(name) for name in TRUSTED_BY}
    os.environ.update(dict.fromkeys(TRUSTED_BY, os.devnull))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
