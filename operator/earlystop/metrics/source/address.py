"""Which address a host name stands for: looked up once, kept, and never one that no metrics source can have.

Whoever controls a name's DNS record could let it point to a metrics server first and to something else later
(rebinding). The address that answered is therefore kept until a connection to it fails. Link-local addresses belong
to a cloud's metadata service, unspecified ones to the operator's own Pod: they are refused whatever name leads there.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence

from earlystop.metrics.source.failures import FailureKind, MetricsFailure

Resolve = Callable[[str, int], Sequence[str]]
"""All addresses of a host, given with the port. Raises OSError when there are none."""

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def resolve(host: str, port: int) -> Sequence[str]:
    """What the system's resolver says, in its order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class PinnedAddress:
    """The address of one metrics source. Used by one thread at a time, as the client's lock ensures."""

    def __init__(self, resolve: Resolve = resolve) -> None:
        self._resolve = resolve
        self._kept: str | None = None

    def choices(self, host: str, port: int) -> Sequence[str]:
        """The address that is kept; without one, all permitted addresses that the name has now.

        Raises OSError or UnicodeError when the name cannot be resolved, MetricsFailure (AddressRefused) when every
        address that it has is refused.
        """
        if self._kept is not None:
            return [self._kept]
        found = self._resolve(host.strip("[]"), port)
        permitted = [address for address in found if not is_refused(address)]
        if found and not permitted:
            what = f"the host {host} leads to {found[0]}, a link-local or unspecified address"
            raise MetricsFailure(FailureKind.ADDRESS_REFUSED, what)
        return permitted

    def keep(self, address: str) -> None:
        """From now on connect to this address only."""
        self._kept = address

    def forget(self) -> None:
        """A connection failed: the name is looked up again for the next one."""
        self._kept = None


def is_refused(address: str) -> bool:
    """Whether an address is link-local or unspecified, also when an IPv6 address only wraps such an IPv4 one.

    Raises ValueError for text that is no address.
    """
    found = ipaddress.ip_address(address)
    wrapped: ipaddress.IPv4Address | None = None
    if isinstance(found, ipaddress.IPv6Address):
        wrapped = found.ipv4_mapped or found.sixtofour
        if found in _NAT64:
            wrapped = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
    return any(each.is_link_local or each.is_unspecified for each in (found, wrapped) if each is not None)
