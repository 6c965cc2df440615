"""Columns of what is missing: they are read where they stand, and refused where their counts cannot be."""

from __future__ import annotations

import pytest

from earlystop.cli.files.looks_file import LooksError, read_lines

HEADER = "variant,look,completed,failed,match,mismatch,tokens,tokens_squared,unscored,empty,cut"


def line(**more: int) -> str:
    counts = {"completed": 10, "failed": 0, "match": 6, "mismatch": 2, "tokens": 100, "tokens_squared": 1000}
    values = {**counts, "unscored": 2, "empty": 1, "cut": 1, **more}
    return ",".join(["baseline", "1", *(str(values[name]) for name in HEADER.split(",")[2:])])


def test_counts_of_what_is_missing_are_read() -> None:
    (read,) = read_lines([f"{HEADER}\n", line()], "looks.csv")
    assert (read.counts["unscored"], read.counts["empty"], read.counts["cut"]) == (2, 1, 1)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"unscored": 3}, "column unscored: match, mismatch and unscored are 11 together, more than the 10 completed"),
        ({"empty": 11}, "column empty: 11 is more than the 10 completed"),
        ({"cut": 11}, "column cut: 11 is more than the 10 completed"),
        ({"tokens_squared": 999}, "column tokens_squared: 999 is less than 1000"),
    ],
)
def test_counts_that_cannot_be_are_refused_by_line_and_column(more: dict[str, int], words: str) -> None:
    with pytest.raises(LooksError, match=f"line 2, {words}"):
        read_lines([f"{HEADER}\n", line(**more)], "looks.csv")


def test_without_squares_nothing_is_refused() -> None:
    (read,) = read_lines([f"{HEADER}\n", line(tokens_squared=0)], "looks.csv")
    assert read.counts["tokens_squared"] == 0
