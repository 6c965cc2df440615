"""A transport for requests whose whole exchange ends at a deadline, and whose connections go to a kept address.

A read timeout starts anew with every byte, so a peer that drips a byte a second holds a thread for hours. Here a
timer shuts the socket down, whether the head or the body drips. Connecting, the TLS handshake and sending need no
timer: Python bounds each of them as a whole by the socket's timeout.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NameResolutionError
from urllib3.response import HTTPResponse

from earlystop.metrics.source.address import PinnedAddress


class Watch:
    """The socket in use and whether its time is over."""

    def __init__(self) -> None:
        self.expired = False
        self._lock = threading.Lock()
        self._twin: socket.socket | None = None

    def follow(self, sock: socket.socket) -> None:
        """Watch this socket from now on, by a duplicate that stays valid whoever closes the original."""
        twin = socket.socket(fileno=os.dup(sock.fileno()))
        with self._lock:
            self._twin, old = twin, self._twin
            if self.expired:
                _shut(twin)
        if old is not None:
            old.close()

    def expire(self) -> None:
        """End every read and write on the socket."""
        with self._lock:
            self.expired = True
            if self._twin is not None:
                _shut(self._twin)

    def release(self) -> None:
        """Forget the socket, so that a deadline no longer ends it; its owner still has it open."""
        with self._lock:
            self._twin, old = None, self._twin
        if old is not None:
            old.close()


class DeadlineAdapter(HTTPAdapter):
    """Never retries, and connects to where `address` says. One exchange at a time: the caller holds a lock around
    `within`. opened: how many connections were tried."""

    def __init__(self, address: PinnedAddress) -> None:
        self.opened = 0
        self._address = address
        self._watch: Watch | None = None
        super().__init__(max_retries=0)

    @contextmanager
    def within(self, seconds: float) -> Iterator[Watch]:
        """Everything sent through this adapter inside the block ends after `seconds`; then `expired` is True."""
        watch = self._watch = Watch()
        timer = threading.Timer(seconds, watch.expire)
        timer.daemon = True
        timer.start()
        try:
            yield watch
        finally:
            timer.cancel()
            self._watch = None
            watch.release()

    def forget_connections(self) -> None:
        """Close every connection that is kept open: the next exchange opens one."""
        self.poolmanager.clear()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        """As in requests, with connections that go to the kept address and tell the watch in force of their socket."""
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        adapter = self

        class Connection(HTTPConnection):
            def connect(self) -> None:
                try:
                    super().connect()
                except BaseException:
                    adapter._address.forget()  # the TLS handshake too: the address may be somebody else's by now
                    raise

            def _new_conn(self) -> socket.socket:
                return adapter._connect(self, super()._new_conn)

            def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 overrides it
                adapter._follow(self.sock)  # here, since a connection kept alive was opened under an earlier watch
                return super().getresponse()

        class SecureConnection(Connection, HTTPSConnection):
            """The same; TLS checks the host's name, whatever address it was connected to."""

        class Pool(HTTPConnectionPool):
            ConnectionCls = Connection

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = SecureConnection

        self.poolmanager.pool_classes_by_scheme = {"http": Pool, "https": SecurePool}

    def _connect(self, connection: HTTPConnection, connect: Callable[[], socket.socket]) -> socket.socket:
        """A socket to the first address that answers, which is then kept. `connect` looks at the connection's host."""
        self.opened += 1
        name, port = connection._dns_host, connection.port
        try:
            choices = self._address.choices(name, port)
        except (OSError, UnicodeError) as error:
            raise NameResolutionError(connection.host, connection, socket.gaierror(str(error))) from None
        failure: HTTPError = NameResolutionError(connection.host, connection, socket.gaierror("no address"))
        for address in choices:
            connection._dns_host = address
            try:
                sock = connect()
            except HTTPError as error:
                failure = error
                if self._watch is not None and self._watch.expired:
                    break
                continue
            finally:
                connection._dns_host = name
            self._address.keep(address)
            return sock
        raise failure

    def _follow(self, sock: socket.socket) -> None:
        if self._watch is not None:
            self._watch.follow(sock)


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):  # the peer was faster
        sock.shutdown(socket.SHUT_RDWR)
