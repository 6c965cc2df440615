"""Looks as columns of small numbers: each number is its departure from what the looks before lead one to expect.

Columns of the same looks and more begin alike, so that of a campaign which is stored again and again only what is new
is worked out.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final, NamedTuple, Self

from earlystop.api.counts import (
    FIRST_COUNTS,
    TALLY_FIELDS,
    USER_COLUMNS,
    ClassAnswers,
    Look,
    Tally,
    UserScatter,
    later_counts,
)
from earlystop.api.whole_numbers import SMALL, varint

WIDTH = FIRST_COUNTS
LATER = len(TALLY_FIELDS) - FIRST_COUNTS
"""Counts that a tally did not have at first. They are stored at the end, and only where one of them is not 0."""


def look_numbers(looks: Sequence[Look], beside: bool = False) -> tuple[bytes, int]:
    """The columns of looks one after the other, and how many later counts each tally has.

    looks: at least one. beside: whether each has a column for the baseline's weight.
    """
    columns = LookColumns.of(looks, beside=beside)
    return columns.numbers, columns.later


WHOLE = TALLY_FIELDS.index("pairs_whole") - FIRST_COUNTS
"""Where the whole pairs stand among the later counts. Nearly all pairs are whole, so how many are not is stored."""


def later_numbers(tally: Tally, number: int) -> tuple[int, ...]:
    """So many of the later counts, as they are stored."""
    later = tally.row()[WIDTH : WIDTH + number]
    whole = [count - tally.pairs.total for count in later[WHOLE : WHOLE + 1]]
    return (*later[:WHOLE], *whole, *later[WHOLE + 1 :])


def with_later(tally: Tally, numbers: tuple[int, ...]) -> Tally:
    """The tally with these later counts, as `later_numbers` or an earlier release, which had fewer, stored them."""
    whole = [number + tally.pairs.total for number in numbers[WHOLE : WHOLE + 1]]
    return Tally(*tally.row()[:WIDTH], *numbers[:WHOLE], *whole, *numbers[WHOLE + 1 :])


class PastSums(NamedTuple):
    """Sums over the looks before; a whole Tally for each look would cost more than all else here."""

    completed: int
    match: int
    scored: int
    tokens: int
    tokens_squared: int


NOTHING = PastSums(0, 0, 0, 0, 0)


def plus_tally(past: PastSums, tally: Tally) -> PastSums:
    """The sums with one look's counts of a variant."""
    return PastSums(
        past.completed + tally.completed,
        past.match + tally.match,
        past.scored + tally.match + tally.mismatch,
        past.tokens + tally.tokens,
        past.tokens_squared + tally.tokens_squared,
    )


class Before(NamedTuple):
    """What columns of further looks need of the looks before them. at: Unix time of the last one, gap: seconds from the
    one before it."""

    at: int = 0
    gap: int = 0
    baseline: PastSums = NOTHING
    candidate: PastSums = NOTHING
    classes: tuple[ClassAnswers, ...] = ()
    users: UserScatter = UserScatter()

    def plus(self, look: Look) -> Before:
        """These numbers after one more look."""
        return Before(
            look.at,
            look.at - self.at,
            plus_tally(self.baseline, look.baseline),
            plus_tally(self.candidate, look.candidate),
            plus_classes(self.classes, look.classes),
            look.users or UserScatter(),
        )


START = Before()
_SIZES: Final = "I"
"""Kept for every policy, and three dozen whole numbers as a tuple take a KiB."""


class LookColumns(NamedTuple):
    """The columns of so many looks, one after the other in `numbers`, each of so many bytes.

    later: how many later counts each tally has. beside: whether there is a column for the baseline's weight. by_users:
    whether users are counted.
    """

    looks: int
    before: Before
    numbers: bytes
    lengths: array[int]
    later: int
    beside: bool
    by_users: bool

    @classmethod
    def of(cls, looks: Sequence[Look], *, beside: bool) -> Self:
        """The columns of these looks, of which there is at least one."""
        none = cls(0, START, b"", array(_SIZES), later_counts(looks), beside, looks[0].users is not None)
        return none._joined(looks)

    def grown(self, looks: Sequence[Look], *, beside: bool) -> LookColumns:
        """The columns of these looks, equal to `of`, at less cost: the looks begin with those that these columns are
        of."""
        if self.beside and not beside:
            return self.grown(looks, beside=True)._without_weights()
        more = looks[self.looks :]
        if not self._goes_on(more, beside=beside):
            return LookColumns.of(looks, beside=beside)
        return self._joined(more) if more else self

    def size_with(self, looks: Sequence[Look], *, beside: bool) -> int:
        """How many bytes `grown` has. These columns may have lost their numbers: the lengths suffice."""
        more = looks[self.looks :]
        if not self._goes_on(more, beside=self.beside or beside):
            return len(LookColumns.of(looks, beside=beside).numbers)
        new = self._encoded(more)[1] if more else [b""] * len(self.lengths)
        sizes = [one + len(added) for one, added in zip(self.lengths, new, strict=True)]
        return sum(sizes) - (sizes[self._weights] if self.beside and not beside else 0)

    def _goes_on(self, more: Sequence[Look], *, beside: bool) -> bool:
        """Whether more looks have the columns that there are."""
        return beside == self.beside and later_counts(more) <= self.later

    def _joined(self, more: Sequence[Look]) -> Self:
        before, new = self._encoded(more)
        columns = [one + added for one, added in zip(self._columns(len(new)), new, strict=True)]
        return self._replace(
            looks=self.looks + len(more),
            before=before,
            numbers=b"".join(columns),
            lengths=array(_SIZES, map(len, columns)),
        )

    def _encoded(self, more: Sequence[Look]) -> tuple[Before, list[bytes]]:
        """What more looks leave behind, and what they add to each column."""
        before, rows = self.before, []
        for look in more:
            rows.append(self._row(look, before))
            before = before.plus(look)
        new = [b"".join([SMALL.get(number) or varint(number) for number in row]) for row in zip(*rows, strict=True)]
        return before, new

    @property
    def _weights(self) -> int:
        """Where the column for the baseline's weight stands."""
        return len(self.lengths) - 1 - 2 * self.later - USER_COLUMNS * self.by_users

    def _without_weights(self) -> LookColumns:
        place = self._weights
        columns = self._columns(len(self.lengths))
        kept = columns[:place] + columns[place + 1 :]
        return self._replace(numbers=b"".join(kept), lengths=array(_SIZES, map(len, kept)), beside=False)

    def _row(self, look: Look, before: Before) -> list[int]:
        row = list(departure(look, before))
        if self.beside:
            row.append(look.baseline_weight or 0)
        row += later_numbers(look.baseline, self.later) + later_numbers(look.candidate, self.later)
        if self.by_users:
            # What is known of users changes little from look to look.
            row += (new - old for new, old in zip(look.users or UserScatter(), before.users, strict=True))
        return row

    def _columns(self, number: int) -> list[bytes]:
        ends = list(accumulate(self.lengths))
        return [self.numbers[end - size : end] for end, size in zip(ends, self.lengths, strict=True)] or [b""] * number


def departure(look: Look, before: Before) -> Iterator[int]:
    """Numbers that regular traffic leaves small. Times are differences of differences."""
    yield look.at - before.at - before.gap
    yield look.step
    yield look.weight
    yield from _shorten(look.baseline, before.baseline)
    yield from _shorten(look.candidate, before.candidate)
    yield from _shorten_classes(look, before.baseline, before.candidate, before.classes)


def _shorten(tally: Tally, past: PastSums) -> list[int]:
    """Most requests that start complete, most that complete are scored, and rates and lengths are as in the past."""
    return [
        tally.started,
        tally.completed - tally.started,
        tally.failed,
        tally.match - expected(tally.scored, past.match, past.scored),
        tally.scored + tally.unscored - tally.completed,
        tally.unscored,
        tally.tokens - expected(tally.completed, past.tokens, past.completed),
        tally.tokens_squared - expected(tally.completed, past.tokens_squared, past.completed),
        tally.feedback_up,
        tally.feedback_down,
        *tally.pairs,
    ]


def _shorten_classes(
    look: Look, baseline: PastSums, candidate: PastSums, classes: tuple[ClassAnswers, ...]
) -> Iterator[int]:
    """A class has its share of an arm's answers, and its rate of matches, as in the past."""
    for index, answers in enumerate(look.classes):
        known = classes[index] if classes else ClassAnswers()
        for arm, past, match, miss, past_match, past_miss in (
            (look.baseline, baseline, *answers[:2], *known[:2]),
            (look.candidate, candidate, *answers[2:], *known[2:]),
        ):
            yield match + miss - expected(arm.scored, past_match + past_miss, past.scored)
            yield match - expected(match + miss, past_match, past_match + past_miss)


def plus_classes(past: tuple[ClassAnswers, ...], more: tuple[ClassAnswers, ...]) -> tuple[ClassAnswers, ...]:
    """The answers of each query class so far, with one look's."""
    if not past:
        return more
    return tuple(
        ClassAnswers(*(mine + theirs for mine, theirs in zip(one, other, strict=True)))
        for one, other in zip(past, more, strict=True)
    )


def expected(events: int, past_sum: int, past_events: int) -> int:
    """What so many events would sum to if they were like those of the past."""
    return events * past_sum // past_events if past_events else 0
