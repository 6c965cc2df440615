"""What a favourable decision must wait for before it acts: one seam for people and for gates.

A requirement is a pure value, made of what the shell has read. None is ever a reason to promote: it only holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class RequirementState(StrEnum):
    """Where a requirement stands, from what lets a decision act to what ends it."""

    OPEN = "Open"
    WAITING = "Waiting"
    TIMED_OUT = "TimedOut"
    REFUSED = "Refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """How a requirement stands at a moment.

    by: who agreed, or who refused, in words. comment: what they wrote, "" for nothing. gate: name of the gate that
    answers so, "" for people.
    """

    state: RequirementState
    by: tuple[str, ...] = ()
    comment: str = ""
    gate: str = ""


class Requirement(Protocol):
    """Something that a decision waits for, such as a person's approval or a gate."""

    def answer(self, now: int, /) -> Answer:
        """Whether it is met at a moment, in Unix seconds."""


_WORST_FIRST = (RequirementState.REFUSED, RequirementState.TIMED_OUT, RequirementState.WAITING)


def joined(requirements: Iterable[Requirement], now: int) -> Answer:
    """How all of them stand together: as the worst of them; where all are open, with everybody who agreed."""
    answers = [each.answer(now) for each in requirements]
    for state in _WORST_FIRST:
        found = next((each for each in answers if each.state is state), None)
        if found is not None:
            return found
    return Answer(RequirementState.OPEN, tuple(dict.fromkeys(name for each in answers for name in each.by)))
