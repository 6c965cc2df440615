"""What was counted: the integers that every room passes on, from Prometheus to the verdict."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum


class Variant(StrEnum):
    """The two arms of a comparison, as they stand in the `variant` label and header."""

    BASELINE = "baseline"
    CANDIDATE = "candidate"


@dataclass(frozen=True, slots=True)
class Tally:
    """Events of one variant, either cumulative or between two moments. Every field is a count >= 0.

    started: requests that arrived; completed, failed: requests that ended, disjoint.
    match, mismatch, unscored: answers by exact match, disjoint; only the first two are scored.
    tokens, tokens_squared: sum over completed requests of the output tokens and of their squares.
    """

    started: int = 0
    completed: int = 0
    failed: int = 0
    match: int = 0
    mismatch: int = 0
    unscored: int = 0
    tokens: int = 0
    tokens_squared: int = 0

    @property
    def scored(self) -> int:
        """Answers that count towards Exact Match."""
        return self.match + self.mismatch

    @property
    def exact_match(self) -> float | None:
        """The observed rate of exact matches, None before the first scored answer."""
        return self.match / self.scored if self.scored else None

    @property
    def mean_tokens(self) -> float | None:
        """Output tokens a completed request, None before the first."""
        return self.tokens / self.completed if self.completed else None

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(mine + theirs for mine, theirs in zip(self.row(), other.row(), strict=True)))

    def __sub__(self, other: Tally) -> Tally:
        return Tally(*(mine - theirs for mine, theirs in zip(self.row(), other.row(), strict=True)))

    def row(self) -> tuple[int, ...]:
        """The counts in field order, as they are stored in a verdict."""
        return (
            self.started,
            self.completed,
            self.failed,
            self.match,
            self.mismatch,
            self.unscored,
            self.tokens,
            self.tokens_squared,
        )


TALLY_FIELDS: tuple[str, ...] = tuple(field.name for field in fields(Tally))


@dataclass(frozen=True, slots=True)
class Look:
    """Increments between two looks at one step, the atom of all evidence.

    at: evaluation time of the counts in Unix seconds; step: index into `rollout.steps`;
    weight: the candidate's share of traffic in percent, 1..99, in force during the whole look.
    """

    at: int
    step: int
    weight: int
    baseline: Tally
    candidate: Tally

    def row(self) -> list[int]:
        """`[at, step, weight, *baseline, *candidate]`, 19 integers."""
        return [self.at, self.step, self.weight, *self.baseline.row(), *self.candidate.row()]

    @classmethod
    def from_row(cls, row: list[int]) -> Look:
        """Inverse of `row`. Raises ValueError when the row does not have its 19 integers."""
        width = len(TALLY_FIELDS)
        if len(row) != 3 + 2 * width:
            raise ValueError(f"a look has {3 + 2 * width} integers, this row has {len(row)}")
        at, step, weight = row[:3]
        return cls(at, step, weight, Tally(*row[3 : 3 + width]), Tally(*row[3 + width :]))
