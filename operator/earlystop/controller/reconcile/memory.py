"""What the operator remembers of one policy's checks and status between reconciliations."""

from __future__ import annotations

from dataclasses import dataclass

from earlystop.api.conditions import Refusal
from earlystop.metrics.count_ledger import CountLedger
from earlystop.rollout.state import RolloutState


@dataclass(slots=True)
class AcceptanceMemory:
    """Which generation of the spec was last checked, and when (Unix seconds)."""

    generation: int = -1
    checked_at: float = 0.0


@dataclass(slots=True)
class StatusMemory:
    """The state and ledger as they stand in status, possibly behind what is known by now.

    written_at: when the status was last written, in Unix seconds. outdated: a watch event says that the object has
    changed. overflow: set while the counts outgrow the status. verdict_stored: name of the verdict last stored.
    """

    stored: RolloutState
    stored_ledger: CountLedger
    written_at: float = 0.0
    outdated: bool = False
    overflow: Refusal | None = None
    verdict_stored: str = ""
