"""The time that a rollout under way still takes, apart from the arithmetic that forecasts it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Remaining:
    """low, high: seconds from now between which 8 of 10 forecasts have a verdict on the evidence; inf where that is
    after the deadline. promoted, rolled_back: parts of the forecasts that end so by the deadline, 0..1."""

    low: float
    high: float
    promoted: float
    rolled_back: float
