"""A status with compare-and-swap, and the ledger in it."""

from __future__ import annotations

from dataclasses import dataclass

from earlystop.metrics.convention.ledger import Ledger, pack, unpack


@dataclass(frozen=True)
class Stored:
    """What the operator keeps in status, written as a whole or not at all."""

    version: int
    ledger: str
    last_good_at: int


class Status:
    """A store with compare-and-swap, as an API server's status is."""

    def __init__(self) -> None:
        self.stored = Stored(0, "", 0)

    def write(self, based_on: Stored, ledger: Ledger, at: int) -> bool:
        if based_on.version != self.stored.version:
            return False
        self.stored = Stored(based_on.version + 1, pack(ledger), max(at, based_on.last_good_at))
        return True


def unpacked(stored: Stored) -> Ledger:
    """The ledger as it comes back from the status."""
    return unpack(stored.ledger)
