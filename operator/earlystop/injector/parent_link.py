"""A worker's link to its parent: listening sockets that stay, and how often a worker was started again."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Sequence
from typing import NamedTuple

from earlystop.injector.parent import LINK, MAX_SOCKETS

BACKLOG = 1024
"""Connections that may wait while another worker starts; the kernel may allow fewer (net.core.somaxconn)."""
_NOT_HERE = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


class Listeners(NamedTuple):
    """Sockets that are bound: for the engine's API, and for the injector's own pages."""

    requests: Sequence[socket.socket]
    pages: Sequence[socket.socket]


class ParentLink:
    """Without an argument: of a process that nobody starts again."""

    def __init__(self, link: socket.socket | None = None) -> None:
        self._link = link
        self._kept: Listeners | None = None
        self.restarts = 0
        if link is not None:
            told, descriptors, _, _ = socket.recv_fds(link, 64, MAX_SOCKETS)
            restarts, *count = told.split()
            self.restarts = int(restarts)
            if count:
                found, for_requests = [socket.socket(fileno=each) for each in descriptors], int(count[0])
                self._kept = Listeners(found[:for_requests], found[for_requests:])

    @classmethod
    def of_this_process(cls) -> ParentLink:
        """The link by which a parent has started this process, if one has."""
        told = os.environ.pop(LINK, "")
        return cls(socket.socket(fileno=int(told)) if told else None)

    def listeners(self, host: str, port: int, admin_port: int) -> Listeners:
        """The sockets that the parent holds, or new ones. Raises OSError when an address cannot be bound."""
        return self._kept or Listeners(_bound(host, port), _bound(host, admin_port))

    def serving(self, listeners: Listeners) -> None:
        """Tells the parent, while this process listens on these sockets, that it does."""
        if self._link is not None:
            descriptors = [each.fileno() for each in (*listeners.requests, *listeners.pages)]
            socket.send_fds(self._link, [b"%d" % len(listeners.requests)], descriptors)

    def end_with_parent(self) -> None:
        """From now on this process ends at once when its parent has ended, as by SIGKILL, in which nobody would ask it
        to end any more. To be called in the event loop."""
        if self._link is not None:
            asyncio.get_running_loop().add_reader(self._link, os._exit, 1)


def _bound(host: str, port: int) -> list[socket.socket]:
    """A socket for each address of a host that this machine has, listening, so that connections wait until they are
    accepted. Raises OSError where it has none, or where one cannot be bound."""
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    addresses = dict.fromkeys((family, address) for family, _, _, _, address in found)
    bound: list[socket.socket] = []
    missing = OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    for family, address in addresses:
        try:
            bound.append(socket.create_server(address, family=family, backlog=BACKLOG))
        except OSError as error:
            if error.errno not in _NOT_HERE:
                raise
            missing = error  # as of a name with an IPv6 address, where the kernel has no IPv6
    if not bound:
        raise missing
    return bound
