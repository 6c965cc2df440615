"""Which addresses a webhook may be sent to, checked on the very address that a connection is made to: no redirect, name
or change of a name leads into the cluster's own network."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from earlystop.api.addresses import Address, Network, addresses_within, is_refused

GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
"""What is assigned of IPv6 to be reached from everywhere (RFC 4291). The rest, if it leads anywhere, leads to an
overlay such as 200::/7, or into a domain of its own as 5f00::/16 does (RFC 9602); but for what only wraps an IPv4
address."""
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
NOT_PUBLIC: tuple[Network, ...] = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.0.0.0/24",  # RFC 6890: protocols of their own, and dummies
            "192.88.99.0/24",  # RFC 7526: relays of 6to4, given up
            "2001::/23",  # RFC 2928: protocols of their own
            "3fff::/20",  # RFC 9637: documentation
        ),
    )
)
"""What IANA's registries of special addresses call not reachable from everywhere, and the standard library of some
versions of Python does not."""


class AddressRefused(OSError):
    """A receiver's name resolves to an address that no webhook is sent to."""


def api_server_networks(environment: Mapping[str, str]) -> tuple[Network, ...]:
    """Where the API server is, by the environment of a Pod; none where that is no address."""
    try:
        return (ipaddress.ip_network(environment.get("KUBERNETES_SERVICE_HOST", "")),)
    except ValueError:
        return ()


def is_receiver(host: str, allowed: Sequence[Network], refused: Sequence[Network]) -> bool:
    """Whether a webhook may be sent to this address: a public one, or one that the admin has allowed.

    allowed: networks of the HookTarget. refused: the cluster's own networks, also where they are public. Raises
    ValueError for text that is no address.
    """
    if is_refused(host):
        return False
    within = addresses_within(host)
    if any(within[0] in network for network in allowed):
        return True
    return all(_is_public(each) and not any(each in network for network in refused) for each in within)


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address not in GLOBAL_UNICAST and address not in NAT64:
        return False
    is_special = any(address in network for network in NOT_PUBLIC)
    return address.is_global and not address.is_multicast and not is_special


def socket_factory(
    allowed: Sequence[Network], refused: Sequence[Network]
) -> Callable[[tuple[Any, ...]], socket.socket]:
    """What makes the sockets of connections to a receiver, and none to another address."""

    def socket_to(address: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, (host, *_) = address
        if not is_receiver(host, allowed, refused):
            raise AddressRefused("not a public address")
        return socket.socket(family=family, type=kind, proto=protocol)

    return socket_to
