"""Sockets that an injector listens on: one for each address of its host that the machine has."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest

from earlystop.injector.parent_link import Listeners, ParentLink

HERE, ELSEWHERE = (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "2001:db8::1")


def listeners(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[socket.AddressFamily, str]) -> Listeners:
    """Of a host whose name means these addresses."""
    found = [(family, socket.SOCK_STREAM, 6, "", (address, 0)) for family, address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    return ParentLink().listeners("engine", 0, 0)


def test_an_address_that_this_machine_does_not_have_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    found = listeners(monkeypatch, ELSEWHERE, HERE)
    with ExitStack() as stack:
        for of_a_port in found:
            assert [stack.enter_context(each).getsockname()[0] for each in of_a_port] == ["127.0.0.1"]


def test_a_host_none_of_whose_addresses_is_here_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match=r"assign requested address|not supported"):
        listeners(monkeypatch, ELSEWHERE)


def test_a_port_that_another_process_has_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OSError, match="already in use"):
            ParentLink().listeners("127.0.0.1", port, 0)
