"""No webhook goes to an address that is not public, in whatever form it is written, unless the admin allows it."""

from __future__ import annotations

import ipaddress

import pytest

from earlystop.controller.hooks.addresses import api_server_networks, is_receiver
from tests.unit.every_row import every_row

INTO_THE_CLUSTER = [
    "10.96.0.1",
    "172.16.5.4",
    "192.168.1.1",
    "100.64.0.10",
    "127.0.0.1",
    "0.0.0.0",
    "169.254.169.254",
    "169.254.1.1",
    "224.0.0.251",
    "255.255.255.255",
    "198.18.0.5",
    "::1",
    "::",
    "fe80::1",
    "fec0::1",
    "fd00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:10.0.0.1",
    "::ffff:0:10.0.0.1",
    "::10.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::5",
    "2002:a00:1::1",
    "2001:0:a00:1::1",
    "2001:db8::5efe:10.0.0.1",
    "192.88.99.1",
    "64:ff9b::192.88.99.1",
    "3fff::1",
    "5f00::1",
    "100:0:0:1::1",
]


@every_row("address", INTO_THE_CLUSTER)
def test_an_address_that_is_not_public_takes_no_webhook(address: str) -> None:
    assert not is_receiver(address, (), ())


ASSIGNED_TO_NOBODY = (
    *("192.0.0.8", "192.88.99.1", "64:ff9b::192.0.0.8", "2002:c000:8::"),
    *("3fff::1", "2001:1ff::1", "5f00::1", "200::1", "1::1", "4000::1", "8000::1", "f000::1"),
)
"""Of overlays, of segment routing and of documentation: a network of its own may well lead them somewhere."""


@pytest.mark.parametrize("address", ASSIGNED_TO_NOBODY)
def test_an_address_that_no_registry_calls_global_takes_none_whatever_the_standard_library_knows(address: str) -> None:
    assert not is_receiver(address, (), ())
    assert is_receiver(address, (ipaddress.ip_network(address),), ()), "the admin may allow it"


@pytest.mark.parametrize("address", ["1.1.1.1", "64:ff9b::101:101", "203.0.114.7", "2606:4700:4700::1111"])
def test_a_public_address_does_unless_it_is_of_the_cluster(address: str) -> None:
    assert is_receiver(address, (), ())
    assert not is_receiver(address, (), (ipaddress.ip_network(address),))


def test_what_the_admin_allows_is_allowed_and_nothing_beside_it() -> None:
    allowed = (ipaddress.ip_network("10.20.0.0/16"), ipaddress.ip_network("fd12::/64"))
    assert is_receiver("10.20.3.4", allowed, ()) and is_receiver("fd12::5", allowed, ())
    assert not is_receiver("10.21.0.1", allowed, ()) and not is_receiver("fd12:0:0:1::5", allowed, ())
    assert not is_receiver("::ffff:10.20.3.4", allowed, ())


def test_the_metadata_service_of_a_cloud_takes_none_even_where_all_is_allowed() -> None:
    everything = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
    for address in ("169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "100.100.100.200"):
        assert not is_receiver(address, everything, ())


def test_the_api_server_is_refused_by_the_address_that_the_pod_has_for_it() -> None:
    assert api_server_networks({"KUBERNETES_SERVICE_HOST": "203.0.114.7"}) == (ipaddress.ip_network("203.0.114.7"),)
    assert api_server_networks({"KUBERNETES_SERVICE_HOST": "api.example"}) == api_server_networks({}) == ()
