"""A port of this machine at which every connection is refused, and which nobody else can take meanwhile."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def closed_port() -> Iterator[int]:
    """The port, closed while the block runs: a port that was only free a moment ago may be another process's now."""
    with bound_socket() as held:
        yield port_of(held)


def bound_socket() -> socket.socket:
    """A socket that has a port and does not listen at it. The caller closes it, or has a server listen with it."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    return held


def port_of(held: socket.socket) -> int:
    """The port of a socket."""
    return int(held.getsockname()[1])
