"""Looks as text: what is written is what people read, and nothing else is taken for it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlystop.api.look_table import as_rows, as_text, lines_of, number_of_looks, rows_of

NOW = 1_764_283_422
counts = st.lists(st.integers(-(2**70), 2**70), min_size=30, max_size=101)
rows = st.lists(st.tuples(st.integers(0, 2**32), counts).map(lambda row: (row[0], *row[1])), max_size=4)
ROW = (NOW, *range(30))
LINE = "2025-11-27T22:43:42Z " + " ".join(map(str, range(30)))


def record(looks: list[tuple[int, ...]]) -> dict[str, Any]:
    beside = [{"candidate": "w5", "looks": looks[1:]}]
    return {"plan": "{}", "columns": ["at", "step"], "looks": looks, "others": beside, "classes": beside}


def test_a_look_is_a_line_that_begins_with_its_time() -> None:
    assert lines_of([ROW]) == [LINE]


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(rows)
def test_rows_of_any_counts_come_back_from_their_text(looks: list[tuple[int, ...]]) -> None:
    written = as_text(record(looks))
    assert written["lookTable"].split("\n")[0] == "at step" and "looks" not in written
    assert number_of_looks(written) == len(looks) == number_of_looks(record(looks))
    for name in ("others", "classes"):
        (part,) = written[name]
        assert number_of_looks(part) == len(looks[1:]) and as_rows(part)["looks"] == tuple(looks[1:])
    again = as_rows(written)
    assert (again["looks"], again["columns"]) == (tuple(looks), ("at", "step"))


@pytest.mark.parametrize(
    "line",
    [
        "",
        LINE[:-3],
        f"{LINE} ",
        LINE.replace(" ", "  ", 1),
        LINE.replace(" 1 ", " 1.5 "),
        LINE.replace(" 1 ", " +1 "),
        LINE.replace(" 1 ", " 1_0 "),
        LINE.replace(" 1 ", " ١ "),
        LINE.replace("T", " "),
        LINE.replace("11-27", "13-27"),
        f"{NOW}{LINE[20:]}",
        LINE + " 7" * 72,
        LINE.replace(" 1 ", f" {'9' * 41} "),
        LINE + "\r",
    ],
)
def test_a_line_that_was_not_written_so_is_refused_and_shown(line: str) -> None:
    with pytest.raises(ValueError, match=r"lookTable has the line|is no time of the form"):
        rows_of([line])


def test_looks_in_two_forms_are_refused() -> None:
    with pytest.raises(ValueError, match="two forms of the same looks"):
        as_rows({**as_text(record([ROW])), "looks": [ROW]})
