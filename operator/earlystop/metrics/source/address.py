"""Which address a host name stands for: looked up once, kept, and never one that no metrics source can have.

Whoever controls a name's DNS record could let it point to a metrics server first and to something else later
(rebinding). The address that answered is therefore kept until a connection to it fails. Of a name in the cluster, whose
DNS is the cluster's own, it is kept no longer than the name has it: a Pod that moved may have left its address to
another one that answers as well. Addresses of a cloud's metadata service and of the operator's own Pod are refused
whatever name leads there (`api/addresses.py`).
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence

from earlystop.api.addresses import is_refused
from earlystop.metrics.source.failures import FailureKind, MetricsFailure

Resolve = Callable[[str, int], Sequence[str]]
"""All addresses of a host, given with the port. Raises OSError when there are none."""
SECONDS_KEPT_UNASKED = 60.0
"""For how long a name in the cluster is not asked again whether it still has the address."""


def resolve(host: str, port: int) -> Sequence[str]:
    """What the system's resolver says, in its order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_in_cluster(host: str) -> bool:
    """Whether a name is one that the cluster's own DNS alone can have."""
    labels = host.rstrip(".").split(".")
    return len(labels) == 1 or ("svc" in labels[2:] and (labels[-1] == "svc" or labels[-2:] == ["cluster", "local"]))


class PinnedAddress:
    """The address of one metrics source. Used by one thread at a time, as the client's lock ensures."""

    def __init__(self, resolve: Resolve = resolve, clock: Callable[[], float] = time.monotonic) -> None:
        """clock: seconds, which never go back."""
        self._resolve, self._clock = resolve, clock
        self._kept: str | None = None
        self._asked_at = 0.0

    def choices(self, host: str, port: int) -> Sequence[str]:
        """The address that is kept; without one, all permitted addresses that the name has now.

        Raises OSError or UnicodeError when the name cannot be resolved and no address is kept, MetricsFailure
        (AddressRefused) when every address that it has is refused.
        """
        is_recent = not is_in_cluster(host) or self._clock() < self._asked_at + SECONDS_KEPT_UNASKED
        if self._kept is not None and is_recent:
            return [self._kept]
        self._asked_at = self._clock()  # also where nobody answers: each connection would wait for that
        try:
            found = self._resolve(host.strip("[]"), port)
        except (OSError, UnicodeError):
            if self._kept is None:
                raise
            return [self._kept]  # who cannot be asked has not said that it moved
        if self._kept is not None and self._kept in found:
            return [self._kept]
        self._kept = None
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
