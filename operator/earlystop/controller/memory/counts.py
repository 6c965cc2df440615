"""What the operator remembers of counts that it compares with the weights, where nothing can be probed."""

from __future__ import annotations

from dataclasses import dataclass

from earlystop.delivery.shortfall import ServedMarks
from earlystop.delivery.split import TrafficSplit
from earlystop.metrics.count_ledger import CountLedger


@dataclass(slots=True)
class CountsMemory:
    """Moments are Unix seconds.

    served: from where counts are compared with the weights, None before that.
    until: the moment of the counts that were compared last. at: when that was.
    ledger: all that they were read from, None before that.
    """

    served: ServedMarks | None = None
    until: int = 0
    at: float = 0.0
    ledger: CountLedger | None = None

    def forget(self) -> None:
        """An object that moves traffic was written: what was counted before says nothing of the split now."""
        self.served, self.ledger = None, None

    def served_by(self, split: TrafficSplit) -> ServedMarks | None:
        """The marks since which counts of this split are compared with its weights, None where they are not compared
        yet."""
        return self.served if self.served is not None and self.served.split == split else None

    def note_reading(self, until: int, now: float) -> None:
        """Counts up to one Unix second are compared with the weights at Unix time `now`, or could not be read."""
        self.until, self.at = until, now

    def note_ledger(self, ledger: CountLedger) -> None:
        """The counts that are compared with the weights were read from this, which the next ones are added to."""
        self.ledger = ledger

    def note_served(self, marks: ServedMarks) -> None:
        """Every variant gets its share, as far as counts show: from here on they are compared."""
        self.served = marks
