"""Numbers and times in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.evidence.intervals import Interval
from earlystop.rollout.formatting import (
    beside_margin,
    difference_in_points,
    from_rfc3339,
    in_percent,
    in_points,
    in_settings,
    log_e_text,
    rfc3339,
)
from tests.unit.rollout.policies import examples


@pytest.mark.parametrize(
    ("margin", "words"), [(0.02, "2"), (0.07, "7"), (0.29, "29"), (0.005, "0.5"), (0.000001, "0.0001")]
)
def test_a_margin_is_told_in_points_without_the_digits_of_a_float(margin: float, words: str) -> None:
    assert in_points(margin) == words


def test_an_estimate_is_told_with_its_interval() -> None:
    found = Interval(-0.0041, -0.016, 0.008)
    assert (in_points(found), in_percent(found)) == ("-0.4 [-1.6, +0.8]", "0 % [-2, 1]")


@pytest.mark.parametrize(
    ("low", "words"),
    [
        (-0.01962, "+0.94 [-1.96, +3.80]"),
        (-0.01999, "+0.940 [-1.999, +3.800]"),
        (-0.02004, "+0.940 [-2.004, +3.800]"),
        (-0.019, "+0.9 [-1.9, +3.8]"),
        (-0.02, "+0.9 [-2.0, +3.8]"),
        (-0.031, "+0.9 [-3.1, +3.8]"),
    ],
)
def test_a_bound_is_never_rounded_to_the_margin_that_it_is_compared_with(low: float, words: str) -> None:
    assert beside_margin(Interval(0.0094, low, 0.038), 0.02) == words


def test_nothing_is_told_as_minus_nought() -> None:
    found = Interval(-0.0001, -0.001, 0.0)
    assert (in_points(found), in_percent(found)) == ("+0.0 [-0.1, +0.0]", "0 % [0, 0]")


def test_a_bound_that_is_not_known_is_a_question_mark_and_no_estimate_is_said_so() -> None:
    assert in_percent(Interval(0.38, None, 0.41)) == "38 % [?, 41]"
    assert in_points(Interval(None, -1.0, 1.0)) == in_percent(Interval(None, None, 1.0)) == "not known yet"


@examples
@given(st.integers(0, 2**32))
def test_a_moment_comes_back_from_its_text(seconds: int) -> None:
    assert from_rfc3339(rfc3339(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "now", "2026-01-01", "2026-01-01T00:00:00+01:00", "2026-13-01T00:00:00Z"])
def test_a_text_that_is_no_moment_is_refused_with_the_form_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="is no time of the form"):
        from_rfc3339(text)


def test_settings_and_log_e_values_are_short() -> None:
    assert in_settings({"window": "5", "patience": "2"}) == "window=5, patience=2"
    assert log_e_text(-0.12345) == "-0.123"


def test_a_difference_that_is_not_known_is_no_number_of_points() -> None:
    assert difference_in_points(Interval(None, -1.0, 1.0)) == "not known yet"
    assert difference_in_points(Interval(-0.004, -0.016, 0.008)) == "-0.4 [-1.6, +0.8] points"
