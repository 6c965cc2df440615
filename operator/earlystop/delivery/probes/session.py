"""The connections that probes are sent by. An address comes from a Gateway's status, which others than the operator's
administrator may write, so the operator connects to none that leads to itself or to a cloud's metadata service.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from functools import lru_cache
from pathlib import Path
from typing import Any

import aiohttp

from earlystop.api.addresses import addresses_within, is_refused


class AddressRefused(OSError):
    """The address is one that the operator does not connect to."""


def probe_session() -> aiohttp.ClientSession:
    """A session for probes of all policies. No cookie of one server is shown to another, no proxy of the environment
    is used, and no request waits for another's connection: whoever sends probes bounds their number.

    Each probe has a connection of its own. One that stays open leads to the same process of the gateway for ever: to
    one that is being replaced and hears of no change any more, or to a sound one beside one that fails users. And of
    several that a gateway closed at once, the probes of one variant could meet most, which would look like its fault.
    """
    connector = aiohttp.TCPConnector(limit=0, socket_factory=_socket_to, force_close=True)
    return aiohttp.ClientSession(trust_env=False, cookie_jar=aiohttp.DummyCookieJar(), connector=connector)


def _socket_to(address: tuple[Any, ...]) -> socket.socket:
    """A socket for a connection to this address, as `getaddrinfo` gives it. Raises AddressRefused."""
    family, kind, protocol, _, (host, *_) = address
    if is_refused(host) or any(_is_local(each) for each in addresses_within(host)):
        raise AddressRefused(
            "The Gateway's address leads to the operator itself, to its node, or to a cloud's metadata service, which "
            "is not asked."
        )
    return socket.socket(family=family, type=kind, proto=protocol)


def _is_local(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return address.is_loopback or address.is_multicast


def tls_context(trust: str) -> ssl.SSLContext:
    """How certificates are checked, by the trust that a policy states: "System", or any where nothing is asked of them.
    Authorities are read anew once their file has changed, as where one that is mounted is renewed."""
    return _tls_context(trust, _authorities_written_at() if trust == "System" else 0)


def _authorities_written_at() -> int:
    """When the file of the system's authorities was written, in nanoseconds; 0 where there is none."""
    file = ssl.get_default_verify_paths().cafile
    try:
        return Path(file).stat().st_mtime_ns if file else 0
    except OSError:
        return 0


@lru_cache(maxsize=4)
def _tls_context(trust: str, _: int) -> ssl.SSLContext:
    """Read from disk once for each state of it, since that takes as long as a hundred probes."""
    context = ssl.create_default_context()
    if trust != "System":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
