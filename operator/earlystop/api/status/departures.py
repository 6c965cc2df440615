"""Counts among fields in JSON as their departures from what other counts let expect: what follows from others takes a
byte or none.

Servers of one variant answer alike, and requests that have begun have nearly all ended. The totals at the last look are
sums over the series of the ledger, unless requests came since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, zip_longest
from typing import Any

from earlystop.api.status.columns import in_rows
from earlystop.api.status.numerals import MARK, PLACE, RUN, length_of, with_runs
from earlystop.api.status.row_departures import share
from earlystop.api.whole_numbers import numbers_in

Counts = Sequence[int]

LEDGER = ("internal", "ledger")
TEXTS = (LEDGER, ("guard", "mark"))
"""The texts of counts, in the order in which their bytes stand: totals are compared with a whole ledger."""
OF_A_TALLY = 8
"""The first counts of a series: started, completed, failed, right, wrong, unscored, tokens, and squares of these."""
BASELINE = "baseline"
ARMS, OF_A_CLASS = 2, 4
"""Runs of totals that are of a variant each, which stand first; and how many counts each later one has, of a class."""


def with_counts(fields: Mapping[str, Any], octets: bytes) -> tuple[dict[str, Any], bytes]:
    """Fields of the sixth form with the counts of their texts, whose departures stood column by column in these bytes,
    and the bytes that are left. Raises ValueError for fields and bytes that are not of it."""
    found = dict(fields)
    for part, name in TEXTS:
        signs = (found.get(part) or {}).get(name)
        if isinstance(signs, str):
            lengths = [int(each) for each in PLACE.findall(signs) if each != MARK]
            expectation = expectation_of(name, found)
            widths = expectation.widths(lengths)
            length = length_of(sum(widths), octets)
            rows = in_rows(numbers_in(octets[:length]), widths)
            text = with_runs(signs, expectation.runs(rows, lengths))
            found[part], octets = {**found[part], name: text}, octets[length:]
    return found, octets


class OfSeries:
    """Each series of a ledger is expected to be like the one before it."""

    def departures(self, runs: Sequence[Counts]) -> Iterator[Counts]:
        """A row of numbers for each run."""
        for before, run in zip(((), *runs), runs, strict=False):
            yield (*_departure(run, before), *run[OF_A_TALLY:]) if len(run) >= OF_A_TALLY else run

    def widths(self, lengths: Sequence[int]) -> Sequence[int]:
        """How many numbers these rows have, of runs of these lengths."""
        return lengths

    def runs(self, rows: Sequence[Counts], lengths: Sequence[int]) -> Iterator[Counts]:
        """Inverse of `departures`, for runs of these lengths."""
        before: Counts = ()
        for row, length in zip(rows, lengths, strict=True):
            before = (*_restored(row, before), *row[OF_A_TALLY:]) if length >= OF_A_TALLY else row
            yield before


def _departure(run: Counts, before: Counts) -> Counts:
    started, completed, failed, right, wrong, unscored, tokens, squares = run[:OF_A_TALLY]
    _, completed_before, _, right_before, _, _, tokens_before, squares_before = _tally(before)
    return (
        started - completed - failed,
        completed - completed_before,
        failed,
        right - share(completed, right_before, completed_before),
        completed - right - wrong - unscored,
        unscored,
        tokens - share(completed, tokens_before, completed_before),
        squares - share(tokens, squares_before, tokens_before),
    )


def _restored(numbers: Counts, before: Counts) -> Counts:
    """Inverse of `_departure`."""
    in_flight, more, failed, more_right, unknown, unscored, more_tokens, more_squares = numbers[:OF_A_TALLY]
    _, completed_before, _, right_before, _, _, tokens_before, squares_before = _tally(before)
    completed = completed_before + more
    right = more_right + share(completed, right_before, completed_before)
    tokens = more_tokens + share(completed, tokens_before, completed_before)
    squares = more_squares + share(tokens, squares_before, tokens_before)
    wrong = completed - right - unscored - unknown
    return (in_flight + completed + failed, completed, failed, right, wrong, unscored, tokens, squares)


def _tally(run: Counts) -> Counts:
    return run[:OF_A_TALLY] if len(run) >= OF_A_TALLY else (0,) * OF_A_TALLY


@dataclass(frozen=True, slots=True)
class OfTotals:
    """Totals are expected to be the sums of series: those of both variants, and the right and wrong answers of both in
    each class, none first."""

    arms: Sequence[Counts]
    classes: Sequence[Counts] = field(default=((),))

    def departures(self, runs: Sequence[Counts]) -> Iterator[Counts]:
        """A row of numbers for each run; first of all, for one of a class, which class of the ledger it is like."""
        for number, run in enumerate(runs):
            if number < ARMS or len(run) != OF_A_CLASS:
                yield _less(run, self.arms[number] if number < ARMS else ())
            else:
                tried = [_less(run, each) for each in self.classes]
                index = min(range(len(tried)), key=lambda at: sum(map(abs, tried[at])))
                yield (index, *tried[index])

    def widths(self, lengths: Sequence[int]) -> Sequence[int]:
        """How many numbers these rows have, of runs of these lengths."""
        more = (number >= ARMS and length == OF_A_CLASS for number, length in enumerate(lengths))
        return [length + of_class for length, of_class in zip(lengths, more, strict=True)]

    def runs(self, rows: Sequence[Counts], lengths: Sequence[int]) -> Iterator[Counts]:
        """Inverse of `departures`, for runs of these lengths. Raises ValueError for a class that is not there."""
        for number, (row, length) in enumerate(zip(rows, lengths, strict=True)):
            if number < ARMS:
                yield _more(row, self.arms[number])
            elif length == OF_A_CLASS:
                yield _more(row[1:], self._class_at(row[0]))
            else:
                yield row

    def _class_at(self, index: int) -> Counts:
        if not 0 <= index < len(self.classes):
            raise ValueError("it names a class that its ledger does not have")
        return self.classes[index]


Expectation = OfSeries | OfTotals


def expectation_of(name: str, fields: Mapping[str, Any]) -> Expectation:
    """What lets expect the counts of the text of this name. fields: with the ledger as it is."""
    return OfSeries() if name == LEDGER[1] else _of_totals(fields)


def _of_totals(fields: Mapping[str, Any]) -> OfTotals:
    """What the ledger of these fields lets expect: sums over the series of its last step."""
    text = (fields.get(LEDGER[0]) or {}).get(LEDGER[1])
    lines = [each.split(" ") for each in text.split("\n")] if isinstance(text, str) else []
    rows = [each for each in lines if len(each) == 5 and RUN.fullmatch(each[4])]
    arms: list[Counts] = [(), ()]
    classes: dict[str, list[Counts]] = {}
    for step, variant, query_class, _, counts in rows:
        if step == rows[-1][0]:
            side, tally = int(variant != BASELINE), [int(each) for each in counts.split(",")]
            arms[side] = _sum(arms[side], tally)
            answers = classes.setdefault(query_class, [(), ()])
            answers[side] = _sum(answers[side], tally[3:5])
    return OfTotals(arms, ((), *((*_padded(own, 2), *_padded(other, 2)) for own, other in classes.values())))


def _sum(one: Counts, other: Counts) -> Counts:
    return [mine + theirs for mine, theirs in zip_longest(one, other, fillvalue=0)]


def _less(run: Counts, expected: Counts) -> Counts:
    return [own - other for own, other in zip(run, _padded(expected, len(run)), strict=True)]


def _more(departures: Counts, expected: Counts) -> Counts:
    return [more + other for more, other in zip(departures, _padded(expected, len(departures)), strict=True)]


def _padded(counts: Counts, length: int) -> Counts:
    return (*counts[:length], *(0,) * (length - len(counts)))


_OF_A_WINDOW = 9
"""Numbers of a part of a guard's window: its begin, then of each variant scored and right answers, those without a
score, and tokens."""


def window_of(content: bytes) -> dict[str, Any] | None:
    """What the sums over a window's parts are, as its status says it; None where these bytes are no parts. content: of
    the departures of each part from the one before it (`rollout/guard/packing.py`)."""
    try:
        numbers = numbers_in(content)
    except ValueError:
        return None
    if not numbers or len(numbers) % _OF_A_WINDOW:
        return None
    columns = [list(accumulate(numbers[column::_OF_A_WINDOW])) for column in range(1, _OF_A_WINDOW)]
    sums = [sum(each) for each in columns]
    return {"baseline": _answers(sums[:4]), "candidate": _answers(sums[4:])}


def _answers(sums: Counts) -> dict[str, int]:
    scored, right, unscored, tokens = sums
    return {"completed": scored + unscored, "match": right, "tokens": tokens}
