"""One event about a policy, before it is posted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventNote:
    """One event: its reason, what the operator did, and a sentence. `warning`: someone may have to act."""

    reason: str
    action: str
    message: str
    warning: bool = False
