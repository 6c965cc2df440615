"""The lines of a packed ledger as a table: every variant, query class and server has one, and each begins with their
names, so that these are said once. Their counts are departures from what other servers have counted.

Servers of one variant answer alike, classes are served alike, and requests that have begun have nearly all ended. Where
counts that are of no query class stand apart (`metrics/convention/answers_by_class.py`), the last line of a server has
those, and as many completed requests are expected there as all other lines have answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from earlystop.api.status.numerals import COUNT
from earlystop.api.status.row_departures import share

Counts = Sequence[int]

OF_A_TALLY = 8
"""The first counts of a series: started, completed, failed, right, wrong, unscored, tokens, and squares of these."""
MOST_COUNTS = 64
"""Of a line; a tally has 21."""
MOST_NUMBERS, MOST_SIGNS = 1 << 18, 1 << 20
"""Of all lines: what their counts take with zeros at their ends, and their names each time that they are said. A ledger
is shorter (`wire.PACKED_LIMIT`), but a few bytes of nobody's may say a name as often as they like."""
_COUNTS = re.compile(rf"{COUNT}(?:,{COUNT})*")


class SeriesTable(NamedTuple):
    """Names of the lines of one step and how many counts a line has at most. rest: the lines after them, as they are.

    Lines stand in the order of their names; zeros at the end of counts are left out, but for the first.
    """

    step: str
    variants: list[str]
    classes: list[str]
    servers: list[str]
    width: int
    rest: str

    @classmethod
    def of_json(cls, stored: Any) -> SeriesTable:
        """The table that stands among fields in JSON. Raises ValueError or TypeError for what is none."""
        step, variants, classes, servers, width, rest = stored
        names = [step, rest, *variants, *classes, *servers]
        if not all(isinstance(each, str) for each in names) or width not in range(OF_A_TALLY, MOST_COUNTS + 1):
            raise ValueError("its ledger is no table")
        table = cls(step, variants, classes, servers, width, rest)
        if not table.is_small:
            raise ValueError("its ledger is longer than any")
        return table

    @property
    def is_small(self) -> bool:
        """Whether it is no larger than a ledger may be."""
        lines = len(self.variants) * len(self.classes) * len(self.servers)
        longest = sum(max(map(len, names), default=0) for names in (self.variants, self.classes, self.servers))
        return lines * self.width <= MOST_NUMBERS and lines * (len(self.step) + longest) <= MOST_SIGNS

    @property
    def lengths(self) -> Iterator[int]:
        """How many numbers each column has."""
        groups = len(self.variants) * len(self.classes)
        for length in (groups, groups * (len(self.servers) - 1)):
            yield from [length] * self.width


def table_of(text: str) -> tuple[SeriesTable, list[Counts]] | None:
    """The table that a ledger's text begins with, and the counts of its lines; None where it begins with none."""
    rows, length = [], 0
    for line in text.split("\n"):
        words = line.split(" ")
        if len(words) != 5 or not _COUNTS.fullmatch(words[4]):
            break
        rows.append(words)
        length += len(line) + 1
    if len(rows) < 2:
        return None
    steps, variants, classes, servers = (list(dict.fromkeys(row[place] for row in rows)) for place in range(4))
    counts = [[int(each) for each in row[4].split(",")] for row in rows]
    width = max(OF_A_TALLY, *map(len, counts))
    table = SeriesTable(steps[0], variants, classes, servers, width, text[max(0, length - 1) :])
    padded: list[Counts] = [(*row, *[0] * (width - len(row))) for row in counts]
    # A series that only some servers have, another order, or zeros where none are written: it is no table.
    is_table = len(steps) == 1 and width <= MOST_COUNTS and len(rows) == len(variants) * len(classes) * len(servers)
    is_table = is_table and table.is_small
    return (table, padded) if is_table and text_of(table, padded) == text else None


def text_of(table: SeriesTable, counts: Sequence[Counts]) -> str:
    """Inverse of `table_of`."""
    names = (
        f"{table.step} {variant} {query_class} {server} "
        for variant in table.variants
        for query_class in table.classes
        for server in table.servers
    )
    return "\n".join([name + _counts_text(row) for name, row in zip(names, counts, strict=True)]) + table.rest


def columns_of(table: SeriesTable, counts: Sequence[Counts]) -> list[Counts]:
    """Counts of a table's lines as columns of departures: first those of the first server, then of all others."""
    first, others = [], []
    for at in range(0, len(counts), len(table.servers)):
        sums = counts[at]
        first.append(_departures(sums, *_expected(table, counts, at)))
        for past, row in enumerate(counts[at + 1 : at + len(table.servers)], 1):
            others.append(_departures(row, [each // past for each in sums], _answers(table, counts, at + past)))
            sums = [own + more for own, more in zip(sums, row, strict=True)]
    none: list[Counts] = [()] * table.width
    return [*zip(*first, strict=True), *(zip(*others, strict=True) if others else none)]


def counts_in(table: SeriesTable, columns: Sequence[Counts]) -> list[Counts]:
    """Inverse of `columns_of`."""
    rows: list[Counts] = []
    others = iter(list(zip(*columns[table.width :], strict=True)))
    for departures in zip(*columns[: table.width], strict=True):
        sums = _restored(departures, *_expected(table, rows, len(rows)))
        rows.append(sums)
        for past in range(1, len(table.servers)):
            like = [each // past for each in sums]
            rows.append(_restored(next(others), like, _answers(table, rows, len(rows))))
            sums = [own + more for own, more in zip(sums, rows[-1], strict=True)]
    return rows


def _expected(table: SeriesTable, counts: Sequence[Counts], at: int) -> tuple[Counts, int | None]:
    """What the first line of a class, at this place, is expected to be like, and how many completed requests it has.
    counts: of all lines before it, at least."""
    answers, of_a_class = _answers(table, counts, at), len(table.servers)
    nothing: Counts = [0] * table.width
    if answers is not None:
        before = at - of_a_class * len(table.classes)
        return (counts[before] if before >= 0 else nothing), answers
    is_first = at // of_a_class % len(table.classes) == 0
    return (nothing if is_first else counts[at - of_a_class]), None


def _answers(table: SeriesTable, counts: Sequence[Counts], at: int) -> int | None:
    """How many answers a server's other lines have, where the line at this place is its last one and they have answers
    alone; None elsewhere."""
    servers, classes = len(table.servers), len(table.classes)
    number = at // servers % classes
    if number < classes - 1 or not number:
        return None
    before = [at - servers * each for each in range(number, 0, -1)]
    if counts[before[0]][1]:
        return None
    return sum([sum(counts[each][3:6]) for each in before])


def _departures(row: Counts, like: Counts, answers: int | None) -> Counts:
    started, completed, failed, right, wrong, unscored, tokens, squares = row[:OF_A_TALLY]
    tried, tried_before = right + wrong + unscored, sum(like[3:6])
    return (
        started - completed - failed,
        completed - (like[1] if answers is None else answers),
        failed - share(completed, like[2], like[1]),
        tried - (share(completed, tried_before, like[1]) if completed else tried_before),
        right - share(tried, like[3], tried_before),
        unscored - share(tried, like[5], tried_before),
        tokens - share(completed, like[6], like[1]),
        squares - share(tokens, like[7], like[6]),
        *(own - before for own, before in zip(row[OF_A_TALLY:], like[OF_A_TALLY:], strict=True)),
    )


def _restored(departures: Counts, like: Counts, answers: int | None) -> Counts:
    """Inverse of `_departures`."""
    in_flight, more, failed, more_tried, right, unscored, tokens, squares = departures[:OF_A_TALLY]
    tried_before = sum(like[3:6])
    completed = more + (like[1] if answers is None else answers)
    failed += share(completed, like[2], like[1])
    tried = more_tried + (share(completed, tried_before, like[1]) if completed else tried_before)
    right += share(tried, like[3], tried_before)
    unscored += share(tried, like[5], tried_before)
    tokens += share(completed, like[6], like[1])
    squares += share(tokens, like[7], like[6])
    later = (own + before for own, before in zip(departures[OF_A_TALLY:], like[OF_A_TALLY:], strict=True))
    return (
        in_flight + completed + failed,
        completed,
        failed,
        right,
        tried - right - unscored,
        unscored,
        tokens,
        squares,
        *later,
    )


def _counts_text(row: Counts) -> str:
    """Counts as a ledger has them (`metrics/ledger_text.py`)."""
    length = len(row)
    while length > 1 and not row[length - 1]:
        length -= 1
    return ",".join(map(str, row[:length]))
