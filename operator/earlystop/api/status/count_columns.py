"""Counts among fields in JSON as columns of departures from what other counts let expect.

The lines of a ledger are a table, or else each is expected to be like the one before it; totals at the last look are
expected to be the sums of a ledger's series.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from earlystop.api.status import series_table
from earlystop.api.status.bit_columns import BitReader
from earlystop.api.status.departures import LEDGER, TEXTS, Counts, Expectation, expectation_of
from earlystop.api.status.numerals import MARK, PLACE, RUN, with_runs
from earlystop.api.status.series_table import SeriesTable


def without_counts(fields: Mapping[str, Any]) -> tuple[dict[str, Any], list[Counts]]:
    """Fields whose texts of counts have only their other signs, or the names of a table, and columns of their
    counts."""
    found, columns = dict(fields), []
    for part, name in TEXTS:
        text = (found.get(part) or {}).get(name)
        if isinstance(text, str):
            table = series_table.table_of(text) if (part, name) == LEDGER else None
            if table is not None:
                columns += series_table.columns_of(*table)
                text = table[0].rest
            signs, rows = _signs_of(text, expectation_of(name, fields))
            columns += _by_place(rows)
            found[part] = {**found[part], name: signs if table is None else [*table[0][:-1], signs]}
    return found, columns


def with_counts(fields: Mapping[str, Any], reader: BitReader) -> dict[str, Any]:
    """Inverse of `without_counts`. Raises ValueError or TypeError for fields and bits that are not of it."""
    found = dict(fields)
    for part, name in TEXTS:
        signs = (found.get(part) or {}).get(name)
        table, counts = None, []
        if isinstance(signs, list) and (part, name) == LEDGER:
            table = SeriesTable.of_json(signs)
            counts = series_table.counts_in(table, [reader.column(each) for each in table.lengths])
            signs = table.rest
        if isinstance(signs, str):
            expectation = expectation_of(name, found)
            lengths = [int(each) for each in PLACE.findall(signs) if each != MARK]
            widths = expectation.widths(lengths)
            rows = _in_rows([reader.column(each) for each in _lengths_by_place(widths)], widths)
            text = with_runs(signs, expectation.runs(rows, lengths))
            if table is not None:
                text = series_table.text_of(table._replace(rest=text), counts)
            found[part] = {**found[part], name: text}
    return found


def _signs_of(text: str, expectation: Expectation) -> tuple[str, list[Counts]]:
    runs = [[int(each) for each in run.split(",")] for run in RUN.findall(text)]
    signs = RUN.sub(lambda run: f"{MARK}{run[0].count(',') + 1}", text.replace(MARK, 2 * MARK))
    return signs, list(expectation.departures(runs))


def _by_place(rows: Sequence[Counts]) -> list[Counts]:
    """What stands at each place of rows that may be of several lengths."""
    return [[row[at] for row in rows if len(row) > at] for at in range(max(map(len, rows), default=0))]


def _lengths_by_place(widths: Sequence[int]) -> Iterator[int]:
    """How many rows of these lengths have a number at each place, one after the other: lengths may be anything, so that
    rows are not asked one by one for each place."""
    ordered = sorted(widths)
    return (len(ordered) - bisect_right(ordered, at) for at in range(max(widths, default=0)))


def _in_rows(columns: Sequence[Counts], widths: Sequence[int]) -> list[Counts]:
    """Inverse of `_by_place` for rows of these lengths."""
    left = [iter(each) for each in columns]
    return [[next(column) for column in left[:width]] for width in widths]
