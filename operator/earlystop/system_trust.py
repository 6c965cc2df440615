"""aiohttp is imported without the certificates that the system trusts, which it would read twice."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

TRUSTED_BY = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables by which OpenSSL finds what the system trusts, each time that it is read."""


@contextmanager
def without_system_trust() -> Iterator[None]:
    """aiohttp, or what stands on it, is imported within. It reads the certificates that the system trusts twice while
    it is imported, for contexts of its own by which nothing here connects: a tenth of a command's CPU, and 2 MiB of the
    operator. Requests to the API server, probes and webhooks have contexts that are made for them later, and read the
    certificates for that.

    A connection by aiohttp's own contexts would trust nobody. No other thread may run yet, since OpenSSL is told by its
    variables that there are none. Where aiohttp is imported already, nothing is done.
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
