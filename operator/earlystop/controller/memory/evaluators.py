"""What the operator remembers of what a policy's evaluators said last."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from earlystop.metrics.convention.evaluators import NOTHING_KNOWN, EvaluatorDigests


@dataclass(slots=True)
class EvaluatorMemory:
    """What a policy's evaluators said when they were read last. at: Unix time, -inf for never. look: the guard's look
    after which it was. found: of what was there then; nothing where it could not be read."""

    at: float = -inf
    look: int | None = None
    found: EvaluatorDigests = NOTHING_KNOWN

    def note_read(self, found: EvaluatorDigests, at: float, look: int | None) -> None:
        """Remembers what was found at Unix time `at`."""
        self.found, self.at, self.look = found, at, look
