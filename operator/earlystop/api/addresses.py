"""Addresses that the operator never connects to, whatever URL, name or object leads there: a cloud's metadata service
gives credentials to whoever can reach it, and the operator's Pod can.
"""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

METADATA_NETWORKS: tuple[Network, ...] = tuple(
    map(
        ipaddress.ip_network,
        (
            "169.254.0.0/16",  # link-local: the metadata service of nearly every cloud, and of containers in some
            "fe80::/10",
            "fd00:ec2::/32",  # AWS over IPv6: metadata (::254), Pod identity (::23)
            "fd20:ce::/32",  # Google Cloud over IPv6
            "fd00:42::42/128",  # Scaleway over IPv6
            "fd00:c1::a9fe:a9fe/128",  # Oracle Cloud over IPv6
            "fd00:a9fe:a9fe::/48",  # Akamai over IPv6
            "fd00:100::100:200/128",  # Alibaba Cloud over IPv6
            "100.100.100.200/32",  # Alibaba Cloud
            "100.96.0.96/32",  # Volcano Engine, BytePlus
            "100.80.80.80/32",  # UCloud, SurferCloud
            "168.63.129.16/32",  # Azure: the host's agent
            "192.0.0.192/32",  # Oracle Cloud
        ),
    )
)
"""Where clouds serve the metadata and credentials of a machine."""

UNUSABLE_NETWORKS: tuple[Network, ...] = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8",  # 0.0.0.0 is the operator's own Pod
            "::/128",
            "64:ff9b:1::/48",  # local NAT64 (RFC 8215): nobody can say which IPv4 address it wraps
        ),
    )
)
"""Where no server can be, or none that could be told from a metadata service."""

_IPV4_IN_LAST_BITS = (
    ipaddress.IPv6Network("::/96"),  # IPv4-compatible, RFC 4291
    ipaddress.IPv6Network("::ffff:0:0/96"),  # IPv4-mapped, RFC 4291
    ipaddress.IPv6Network("::ffff:0:0:0/96"),  # IPv4-translated, RFC 2765
    ipaddress.IPv6Network("64:ff9b::/96"),  # NAT64, RFC 6052
)
_ISATAP = 0x5EFE  # RFC 5214: the identifier of the interface is 0:5efe or 200:5efe, then an IPv4 address


def is_refused(address: str) -> bool:
    """Whether the operator never connects to this address, also when an IPv6 address only wraps such an IPv4 one.

    address: text of an IPv4 or IPv6 address, with or without a zone. Raises ValueError for text that is no address.
    """
    refused = (*METADATA_NETWORKS, *UNUSABLE_NETWORKS)
    return any(each in network for each in addresses_within(address) for network in refused)


def addresses_within(address: str) -> tuple[Address, ...]:
    """The address itself, and every IPv4 address that a router or an operating system may take out of it.

    Raises ValueError for text that is no address.
    """
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv4Address):
        return (found,)
    bare = ipaddress.IPv6Address(int(found))  # without the zone, which no network holds
    wrapped = [bare.sixtofour, *(bare.teredo or ())]
    loopback_or_none = int(bare) <= 1
    if not loopback_or_none and (_is_isatap(bare) or any(bare in network for network in _IPV4_IN_LAST_BITS)):
        wrapped.append(ipaddress.IPv4Address(int(bare) & 0xFFFFFFFF))
    return (bare, *(each for each in wrapped if each is not None))


def _is_isatap(address: ipaddress.IPv6Address) -> bool:
    return (int(address) >> 32) & 0xFFFF == _ISATAP and (int(address) >> 48) & 0xFDFF == 0
