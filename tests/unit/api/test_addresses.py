"""The operator never connects to a cloud's metadata service, in whatever form its address is written."""

from __future__ import annotations

import ipaddress

import pytest

from earlystop.api.addresses import METADATA_NETWORKS, is_refused

IPV4 = [network[0] for network in METADATA_NETWORKS if isinstance(network, ipaddress.IPv4Network)]


def wrappings(address: ipaddress.IPv4Address) -> list[str]:
    """Every form of an IPv6 address that leads to an IPv4 one."""
    bits, high, low = int(address), int(address) >> 16, int(address) & 0xFFFF
    return [
        f"::ffff:{address}",
        f"::ffff:0:{address}",
        f"::{address}",
        f"64:ff9b::{address}",
        f"64:ff9b:1::{address}",
        f"64:ff9b:1:{high:x}:{low >> 8:x}:{(low & 0xFF) << 8:x}::",
        f"2002:{high:x}:{low:x}::1",
        f"2001:db8::5efe:{address}",
        f"2001:db8::200:5efe:{address}",
        str(ipaddress.IPv6Address((0x20010000 << 96) | (bits << 64))),
        str(ipaddress.IPv6Address((0x20010000 << 96) | (bits ^ 0xFFFFFFFF))),
    ]


@pytest.mark.parametrize(
    "address",
    [
        *("169.254.169.254", "169.254.170.23", "169.254.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
        *("100.96.0.96", "100.80.80.80", "::ffff:100.96.0.96"),
        *("fe80::1", "fe80::1%eth0", "febf::1", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42"),
        *("fd00:c1::a9fe:a9fe", "fd00:a9fe:a9fe::1", "fd00:100::100:200"),
        *("0.0.0.0", "0.0.0.1", "::", "::%eth0", "::ffff:0.0.0.0", "fd00:ec2::254%eth0"),
    ],
)
def test_addresses_of_metadata_services_and_of_no_server_are_refused(address: str) -> None:
    assert is_refused(address)


@pytest.mark.parametrize("address", IPV4, ids=str)
def test_an_ipv6_address_that_wraps_a_refused_one_is_refused_too(address: ipaddress.IPv4Address) -> None:
    assert [each for each in wrappings(address) if not is_refused(each)] == []


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.96.0.1", "192.168.1.1", "8.8.8.8", "100.100.100.201", "168.63.129.17", "192.0.0.193"),
        *("100.64.0.1", "100.96.0.97", "100.80.80.81"),
        *("fd00::1", "fd00:ec3::254", "2001:db8::1", "::1", "64:ff9b::808:808", "::ffff:10.0.0.1", "2002:808:808::1"),
    ],
)
def test_addresses_that_a_server_may_have_are_not_refused(address: str) -> None:
    assert not is_refused(address)


@pytest.mark.parametrize("text", ["", "prometheus.example", "169.254.169.254.1", "2852039166", "0xa9fea9fe"])
def test_text_that_is_no_address_is_an_error_and_no_permission(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        is_refused(text)
