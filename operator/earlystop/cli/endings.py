"""How a rollout ended: whether it has, and the exit code that says how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from earlystop.cli.screen.stored_status import conditions_of, unpacked_status
from earlystop.rollout.state import ENDED

ROLLED_BACK, UNDECIDED = 3, 4
EXIT_CODES = {"Promoted": 0, "Reported": 0, "RolledBack": ROLLED_BACK, "Held": UNDECIDED}
ENDED_PHASES = frozenset(phase.value for phase in ENDED)


def exit_code(phase: str) -> int:
    """Exit code of --exit-status for the phase in which a campaign ended."""
    return EXIT_CODES.get(phase, UNDECIDED)


def phase_of(policy: Mapping[str, Any]) -> str:
    """Where the rollout stands, in one word."""
    return str(unpacked_status(policy).get("phase", "Pending"))


def is_over(policy: Mapping[str, Any]) -> bool:
    """Whether the campaign that the policy asks for as it is written now has ended; an edit asks for another one."""
    status = unpacked_status(policy)
    completed = conditions_of(status).get("Completed")
    seen, written = status.get("observedGeneration"), policy["metadata"].get("generation")
    if isinstance(seen, int) and isinstance(written, int) and seen < written:
        return False
    return phase_of(policy) in ENDED_PHASES and (completed is None or completed["status"] == "True")
