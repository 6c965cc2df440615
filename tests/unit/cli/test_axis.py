"""The interval on the line of a screen: each mark has a place, in the order of its value, and none hides another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.cli.screen.evidence import AXIS_COLUMNS, axis
from earlystop.evidence.intervals import Interval

FRACTIONS = st.floats(-1, 1)


def marks(low: float, estimate: float, high: float, margin: float) -> str:
    """The marks on the line, from the left."""
    drawn = axis(Interval(estimate=estimate, low=low, high=high), margin)
    assert drawn is not None
    row = drawn.plain.split(" ")[1]
    assert len(row) == AXIS_COLUMNS
    return row.replace(".", "")


@pytest.mark.slow
@given(st.lists(FRACTIONS, min_size=3, max_size=3).map(sorted), st.floats(0.0001, 0.5))
def test_every_mark_is_there_in_its_order(values: list[float], margin: float) -> None:
    low, estimate, high = values
    shown = marks(low, estimate, high, margin)
    assert sorted(shown) == sorted("[*]|")
    assert shown.replace("|", "") == "[*]"
    assert (shown.index("|") < shown.index("[")) == (-margin <= low and -margin < high)
    assert (shown.index("|") > shown.index("]")) == (-margin >= high)


def test_a_margin_that_is_an_end_of_the_interval_stands_outside_of_it() -> None:
    assert marks(-0.02, 0.0, 0.01, 0.02) == "|[*]"
    assert marks(-0.06, -0.04, -0.02, 0.02) == "[*]|"
