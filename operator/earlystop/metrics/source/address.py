"""Which address a host name stands for: looked up once, kept, and never one that no metrics source can have.

Whoever controls a name's DNS record could let it point to a metrics server first and to something else later
(rebinding). The address that answered is therefore kept until a connection to it fails. Those of a cloud's metadata
service and of the operator's own Pod are refused whatever name leads there (`api/addresses.py`).
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence

from earlystop.api.addresses import is_refused
from earlystop.metrics.source.failures import FailureKind, MetricsFailure

Resolve = Callable[[str, int], Sequence[str]]
"""All addresses of a host, given with the port. Raises OSError when there are none."""


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
            what = f"the host {host} leads to {found[0]}, an address of a cloud's metadata service or of no server"
            raise MetricsFailure(FailureKind.ADDRESS_REFUSED, what)
        return permitted

    def keep(self, address: str) -> None:
        """From now on connect to this address only."""
        self._kept = address

    def forget(self) -> None:
        """A connection failed: the name is looked up again for the next one."""
        self._kept = None
