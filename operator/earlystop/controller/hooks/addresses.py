"""Which addresses a webhook may be sent to, checked on the very address that a connection is made to: no redirect, name
or change of a name leads into the cluster's own network."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from earlystop.api.addresses import Address, Network, addresses_within, is_refused

_SPECIAL = tuple(map(ipaddress.ip_network, ("192.88.99.0/24", "100:0:0:1::/64", "3fff::/20", "5f00::/16")))
"""Of special purpose by IANA's registries, which older interpreters take for public: relays of 6to4 (RFC 7526),
documentation (RFC 9637) and segment routing within a provider's network (RFC 9602)."""


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
    is_site_local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    is_special = any(address in network for network in _SPECIAL)
    return address.is_global and not (address.is_multicast or is_site_local or is_special)


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
