"""What two cohorts differ by with the same setting, and what a difference that is seen later says without it."""

from __future__ import annotations

from dataclasses import dataclass

from earlystop.evidence.intervals import Interval

LEAST_ROOM = 0.25
"""Part of the margin that must be left for the test: it takes sixteen times the answers of a whole margin."""


@dataclass(frozen=True, slots=True)
class OwnDifference:
    """What the cohorts differ by with the same setting.

    em: EM of the candidate's cohort minus that of the baseline's. keep: mean length of its answers over the baseline's.
    Each is bounded on both sides; keep's bounds are None before enough answers were completed.
    """

    em: Interval
    keep_low: float | None
    keep: float | None
    keep_high: float | None

    def leaves_room(self, margin: float) -> bool:
        """Whether enough of the margin is left for a test."""
        assert self.em.high is not None  # an interval for Exact Match has both ends
        return margin - self.em.high >= LEAST_ROOM * margin

    @property
    def bounds_lengths(self) -> bool:
        """Whether it is known on both sides how much lengths differ."""
        return bool(self.keep_low) and self.keep_high is not None

    @property
    def saving(self) -> Interval:
        """The share of tokens that the candidate's cohort seems to save with the same setting."""
        low, middle, high = (None if each is None else 1 - each for each in (self.keep_high, self.keep, self.keep_low))
        return Interval(middle, low, high)

    def corrected_effect(self, seen: Interval) -> Interval:
        """What the setting does to EM, where `seen` is the difference while it is tried."""
        assert seen.low is not None and seen.high is not None and self.em.low is not None and self.em.high is not None
        estimate = None
        if seen.estimate is not None and self.em.estimate is not None:
            estimate = max(-1.0, min(1.0, seen.estimate - self.em.estimate))
        return Interval(estimate, max(-1.0, seen.low - self.em.high), min(1.0, seen.high - self.em.low))

    def corrected_saving(self, seen: Interval) -> Interval:
        """The share of tokens that the setting saves, likewise."""

        def part(saving: float | None, keep: float | None) -> float | None:
            return None if saving is None or not keep else 1 - (1 - saving) / keep

        return Interval(part(seen.estimate, self.keep), part(seen.low, self.keep_low), part(seen.high, self.keep_high))
