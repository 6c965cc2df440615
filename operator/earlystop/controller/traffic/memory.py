"""What the operator remembers of one policy's traffic between reconciliations. Losing it costs one more proof."""

from __future__ import annotations

from dataclasses import dataclass

from earlystop.delivery.inputs import TrafficSplit


@dataclass(slots=True)
class TrafficMemory:
    """How far the desired split has got, as far as is remembered. Times are Unix seconds.

    recheck: objects in the cluster may not be as desired. proven: the split last shown to be in force. tried: the one
    last shown on the operator's own requests alone. contradicted_at: since when answers to probes speak against what
    was written. quarantined_revision: revision of the campaign that was taken off again since the gateway misroutes.
    written_at: when an object that moves traffic was last written. failures: attempts since the last proof.
    """

    recheck: bool = True
    proven: TrafficSplit | None = None
    tried: TrafficSplit | None = None
    contradicted_at: float | None = None
    quarantined_revision: str = ""
    written_at: float = 0.0
    failures: int = 0

    def note_change(self, now: float) -> None:
        """An object that moves traffic was written at Unix time `now`: what was proven before proves nothing now."""
        self.written_at, self.proven, self.tried, self.contradicted_at = now, None, None, None
