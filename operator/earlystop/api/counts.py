"""What was counted: the integers that every room passes on, from Prometheus to the verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from operator import add, attrgetter, sub
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
        """The pairs of both together."""
        return Pairs(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


class PairAnswers(NamedTuple):
    """Of the pairs whose answers somebody told apart, how many are whole, and how many lack one variant's answer, by
    whether the other's is right or wrong. Counts >= 0."""

    whole: int = 0
    without_baseline_right: int = 0
    without_baseline_wrong: int = 0
    without_candidate_right: int = 0
    without_candidate_wrong: int = 0

    @property
    def known(self) -> int:
        """Pairs of which it is known whether an answer is missing."""
        return sum(self)

    @property
    def without_baseline(self) -> int:
        """Pairs that lack the baseline's answer."""
        return self.without_baseline_right + self.without_baseline_wrong

    @property
    def without_candidate(self) -> int:
        """Pairs that lack the candidate's answer."""
        return self.without_candidate_right + self.without_candidate_wrong

    @property
    def one_sided(self) -> int:
        """Pairs that lack one variant's answer."""
        return self.without_baseline + self.without_candidate


@dataclass(frozen=True, slots=True)
class Tally:
    """Events of one variant, either cumulative or between two moments. Every field is a count >= 0.

    started: requests that arrived; completed, failed: requests that ended, disjoint.
    match, mismatch, unscored: answers by exact match, disjoint; only the first two are scored. `unscored` are those
    that could not be scored; an answer that nobody tried to score is in none of the three.
    tokens, tokens_squared: sum over completed requests of the output tokens and of their squares.
    feedback_up, feedback_down: what users thought of answers.
    pairs_both to pairs_neither: questions that this variant and the baseline were both asked, by who was right; 0 for
    the baseline itself. pairs_whole to pairs_without_candidate_wrong: the same questions by whose answer is missing;
    all 0 where nobody counts that.
    empty: completed requests whose answer was empty; cut: those whose answer was cut off at a limit of tokens.
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
    empty: int = 0
    cut: int = 0
    pairs_whole: int = 0
    pairs_without_baseline_right: int = 0
    pairs_without_baseline_wrong: int = 0
    pairs_without_candidate_right: int = 0
    pairs_without_candidate_wrong: int = 0

    @property
    def pairs(self) -> Pairs:
        """The pairs of this variant with the baseline."""
        return Pairs(self.pairs_both, self.pairs_baseline_only, self.pairs_candidate_only, self.pairs_neither)

    @property
    def pair_answers(self) -> PairAnswers:
        """The same pairs by whose answer is missing, as far as it is known."""
        return PairAnswers(
            self.pairs_whole,
            self.pairs_without_baseline_right,
            self.pairs_without_baseline_wrong,
            self.pairs_without_candidate_right,
            self.pairs_without_candidate_wrong,
        )

    @property
    def scored(self) -> int:
        """Answers that count towards Exact Match."""
        return self.match + self.mismatch

    @property
    def tried(self) -> int:
        """Answers that somebody tried to score."""
        return self.match + self.mismatch + self.unscored

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
        return _counts_of(self)


def total(tallies: Sequence[Tally]) -> Tally:
    """The sum of any number of tallies."""
    if len(tallies) == 1:
        return tallies[0]
    return Tally(*map(sum, zip(*(tally.row() for tally in tallies), strict=True)))


TALLY_FIELDS: tuple[str, ...] = tuple(field.name for field in fields(Tally))
# A look asks for the rows of some thirty tallies.
_counts_of: Callable[[Tally], tuple[int, ...]] = attrgetter(*TALLY_FIELDS)

FIRST_COUNTS = 14
"""How many counts a tally had at first. Later ones stand at the end of what is stored, and only where one is not 0, so
that what earlier releases stored is read as before."""

OF_ANSWERS = len(TALLY_FIELDS) - FIRST_COUNTS - len(PairAnswers._fields)
"""How many later counts stand there where none is of pairs. Most records have no pairs, and are a fifth shorter so."""


SEVERAL_CLASSES = 3
"""From so many query classes on, a guard keeps of each how its answers were scored and no more."""


class ClassAnswers(NamedTuple):
    """Scored answers of one query class, either cumulative or between two moments. Counts >= 0.

    Where an answer that could not be scored is a wrong one, a mismatch is also each such answer of the class
    (`missing_answers.class_answers`).
    """

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
        """`[at, step, weight, *baseline, *candidate, *classes, baseline weight, *later, *users]`: 31 integers, 4 for
        each query class, the baseline's weight where other candidates have some too, the later counts (`later_columns`)
        where one of them is not 0, and 6 where users are counted."""
        baseline, candidate = self.baseline.row(), self.candidate.row()
        head = [self.at, self.step, self.weight, *baseline[:FIRST_COUNTS], *candidate[:FIRST_COUNTS]]
        own_weight = [] if self.baseline_weight is None else [self.baseline_weight]
        number = number_of_later(baseline, candidate)
        ends = slice(FIRST_COUNTS, FIRST_COUNTS + number)
        last = [*baseline[ends], *candidate[ends], *_padding(number), number] if number else []
        classes = [count for answers in self.classes for count in answers]
        return [*head, *classes, *own_weight, *last, *(self.users or ())]

    @classmethod
    def from_row(cls, row: list[int], *, by_users: bool = False) -> Look:
        """Inverse of `row`. by_users: whether users are counted in it. Raises ValueError when the row has not as many
        integers as such a look has."""
        head, rest = row[:_HEAD], row[_HEAD:]
        rest, counted = (rest[:-USER_COLUMNS], rest[-USER_COLUMNS:]) if by_users else (rest, [])
        more_b: list[int] = []
        more_c: list[int] = []
        if len(head) == _HEAD and len(rest) % 4 > 1:
            number = rest[-1]
            block = 2 * number + len(_padding(number)) + 1
            if 1 <= number <= len(TALLY_FIELDS) - FIRST_COUNTS and block <= len(rest):
                rest, later = rest[:-block], rest[-block:]
                more_b, more_c = later[:number], later[number : 2 * number]
        if len(head) != _HEAD or len(rest) % 4 > 1 or len(counted) != USER_COLUMNS * by_users:
            raise ValueError(
                f"a look has {_HEAD} integers, 4 for each query class, the baseline's weight beside other candidates, "
                f"up to {len(TALLY_FIELDS) - FIRST_COUNTS} later counts of each variant, and {USER_COLUMNS} where "
                f"users are counted; this row has {len(row)}"
            )
        at, step, weight = head[:3]
        own_weight = rest.pop() if len(rest) % 4 else None
        classes = tuple(ClassAnswers(*rest[start : start + 4]) for start in range(0, len(rest), 4))
        baseline = Tally(*head[3 : 3 + FIRST_COUNTS], *more_b)
        candidate = Tally(*head[3 + FIRST_COUNTS :], *more_c)
        users = UserScatter(*counted) if by_users else None
        return cls(at, step, weight, baseline, candidate, classes, own_weight, users)


def later_counts(looks: Iterable[Look]) -> int:
    """How many later counts of a variant stand in the rows of these looks: none, `OF_ANSWERS` or all of them."""
    return max((number_of_later(look.baseline.row(), look.candidate.row()) for look in looks), default=0)


def number_of_later(*rows: tuple[int, ...]) -> int:
    """As `later_counts`, of the counts of both variants."""
    if any(any(row[FIRST_COUNTS + OF_ANSWERS :]) for row in rows):
        return len(TALLY_FIELDS) - FIRST_COUNTS
    return OF_ANSWERS if any(any(row[FIRST_COUNTS:]) for row in rows) else 0


def later_columns(number: int = len(TALLY_FIELDS) - FIRST_COUNTS) -> tuple[str, ...]:
    """Names of what stands at the end of a look's row where a later count is not 0: so many of those counts of both
    variants, zeros that tell such a row by its length, and how many later counts a variant has. None for a number of 0.
    """
    names = [f"{variant}.{name}" for variant in Variant for name in TALLY_FIELDS[FIRST_COUNTS : FIRST_COUNTS + number]]
    return (*names, *("unused" for _ in _padding(number)), "later") if number else ()


def _padding(later: int) -> tuple[int, ...]:
    """Zeros that bring `2 * later + 1` integers to a length of 2 modulo 4, which classes and a weight never have."""
    return (0,) * ((2 - (2 * later + 1)) % 4)


_HEAD = 3 + 2 * FIRST_COUNTS
