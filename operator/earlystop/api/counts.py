"""What was counted: the integers that every room passes on, from Prometheus to the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from operator import add, sub
from typing import NamedTuple

from earlystop.api.wire import BASELINE as BASELINE_LABEL
from earlystop.api.wire import CANDIDATE as CANDIDATE_LABEL


class Variant(StrEnum):
    """The two arms of a comparison, as they stand in the `variant` label and header."""

    BASELINE = BASELINE_LABEL
    CANDIDATE = CANDIDATE_LABEL


class Pairs(NamedTuple):
    """Questions that both variants answered, by which of them were right. Counts >= 0."""

    both: int = 0
    baseline_only: int = 0
    candidate_only: int = 0
    neither: int = 0

    @property
    def total(self) -> int:
        """All pairs."""
        return sum(self)

    def plus(self, other: Pairs) -> Pairs:
        """Both together."""
        return Pairs(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class Tally:
    """Events of one variant, either cumulative or between two moments. Every field is a count >= 0.

    started: requests that arrived; completed, failed: requests that ended, disjoint.
    match, mismatch, unscored: answers by exact match, disjoint; only the first two are scored.
    tokens, tokens_squared: sum over completed requests of the output tokens and of their squares.
    feedback_up, feedback_down: what users thought of answers.
    pairs_*: questions that this variant and the baseline both answered, by who was right; 0 for the baseline itself.
    """

    started: int = 0
    completed: int = 0
    failed: int = 0
    match: int = 0
    mismatch: int = 0
    unscored: int = 0
    tokens: int = 0
    tokens_squared: int = 0
    feedback_up: int = 0
    feedback_down: int = 0
    pairs_both: int = 0
    pairs_baseline_only: int = 0
    pairs_candidate_only: int = 0
    pairs_neither: int = 0

    @property
    def pairs(self) -> Pairs:
        """The pairs of this variant with the baseline."""
        return Pairs(self.pairs_both, self.pairs_baseline_only, self.pairs_candidate_only, self.pairs_neither)

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
        return Tally(*map(add, self.row(), other.row()))

    def __sub__(self, other: Tally) -> Tally:
        return Tally(*map(sub, self.row(), other.row()))

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
            self.feedback_up,
            self.feedback_down,
            self.pairs_both,
            self.pairs_baseline_only,
            self.pairs_candidate_only,
            self.pairs_neither,
        )


def total(tallies: Sequence[Tally]) -> Tally:
    """The sum of any number of tallies."""
    return Tally(*map(sum, zip(*(tally.row() for tally in tallies), strict=True)))


TALLY_FIELDS: tuple[str, ...] = tuple(field.name for field in fields(Tally))


class ClassAnswers(NamedTuple):
    """Scored answers of one query class, either cumulative or between two moments. Counts >= 0."""

    baseline_match: int = 0
    baseline_mismatch: int = 0
    candidate_match: int = 0
    candidate_mismatch: int = 0

    def __sub__(self, other: ClassAnswers) -> ClassAnswers:
        return ClassAnswers(*(mine - theirs for mine, theirs in zip(self, other, strict=True)))


class UserScatter(NamedTuple):
    """What groups of users have shown up to a look, of one comparison. All 0: it is not known.

    answers, lengths, failures, feedback: how many times as much events of that kind scatter as independent ones would,
    in thousandths, 1,000 or more. baseline, candidate: users of each arm, as many as there would be if all asked
    equally often.
    """

    answers: int = 0
    lengths: int = 0
    failures: int = 0
    feedback: int = 0
    baseline: int = 0
    candidate: int = 0

    @property
    def is_known(self) -> bool:
        """Whether the users were counted."""
        return self.answers > 0


USER_COLUMNS = len(UserScatter._fields)


@dataclass(frozen=True, slots=True)
class Look:
    """Increments between two looks at one step, the atom of all evidence.

    at: evaluation time of the counts in Unix seconds; step: index into `rollout.steps`;
    weight: the candidate's share of traffic in percent, 1..99, in force during the whole look.
    baseline_weight: the baseline's share in percent where other candidates have some too; None: it has all the rest.
    classes: answers of each query class that the policy names, in its order; the tallies hold them too, and
    answers of other classes besides. users: up to this look, where the same users are in every one; else None.
    """

    at: int
    step: int
    weight: int
    baseline: Tally
    candidate: Tally
    classes: tuple[ClassAnswers, ...] = ()
    baseline_weight: int | None = None
    users: UserScatter | None = None

    @property
    def share(self) -> float:
        """Percent of the requests of both variants that the candidate shall have."""
        if self.baseline_weight is None:
            return self.weight
        return 100 * self.weight / (self.weight + self.baseline_weight)

    def row(self) -> list[int]:
        """`[at, step, weight, *baseline, *candidate, *classes, baseline weight, *users]`: 31 integers, 4 for each query
        class, the baseline's weight where other candidates have some too, and 6 where users are counted."""
        head = [self.at, self.step, self.weight, *self.baseline.row(), *self.candidate.row()]
        last = [] if self.baseline_weight is None else [self.baseline_weight]
        return [*head, *(count for answers in self.classes for count in answers), *last, *(self.users or ())]

    @classmethod
    def from_row(cls, row: list[int], *, by_users: bool = False) -> Look:
        """Inverse of `row`. by_users: whether users are counted in it. Raises ValueError when the row has not as many
        integers as such a look has."""
        width = len(TALLY_FIELDS)
        head, rest = row[: 3 + 2 * width], row[3 + 2 * width :]
        rest, counted = (rest[:-USER_COLUMNS], rest[-USER_COLUMNS:]) if by_users else (rest, [])
        if len(head) != 3 + 2 * width or len(rest) % 4 > 1 or len(counted) != USER_COLUMNS * by_users:
            raise ValueError(
                f"a look has {3 + 2 * width} integers, 4 for each query class, the baseline's weight beside other "
                f"candidates, and {USER_COLUMNS} where users are counted; this row has {len(row)}"
            )
        at, step, weight = head[:3]
        own_weight = rest.pop() if len(rest) % 4 else None
        classes = tuple(ClassAnswers(*rest[start : start + 4]) for start in range(0, len(rest), 4))
        arms = Tally(*head[3 : 3 + width]), Tally(*head[3 + width :])
        return cls(at, step, weight, *arms, classes, own_weight, UserScatter(*counted) if by_users else None)
