"""E-values in words never say more than is proven, and a bar is full only where the line is reached."""

from __future__ import annotations

import re
from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.cli.screen.evidence_words import (
    LEVELS,
    LEVELS_IN_ASCII,
    sparkline,
)
from earlystop.rollout.e_value_words import MANY, NO_SIGN, claim_words, one_in, one_in_line

LOGS = st.floats(-50, 50)
RISKS = st.sampled_from([0.2, 0.05, 0.025, 0.01, 0.05 / 6, 0.001])


def number_in(words: str) -> float:
    found = re.search(r"1 in ([\d,.]+)", words)
    assert found is not None, words
    return float(found[1].replace(",", ""))


@pytest.mark.slow
@given(LOGS)
def test_evidence_is_rounded_towards_none(log_e: float) -> None:
    words = one_in(log_e)
    if words == NO_SIGN:
        assert exp(log_e) < 1.1
    elif "million" in words:
        assert exp(log_e) >= MANY * (1 - 1e-9)
    else:
        assert 1 <= number_in(words) <= exp(log_e)


def test_examples_read_as_people_say_them() -> None:
    assert [one_in(log(each)) for each in (0.3, 1.04, 1.09, 1.26, 7.2, 19.99, 12345.6, 3e6)] == [
        *("no sign", "no sign", "no sign", "1 in 1.2", "1 in 7.2", "1 in 19", "1 in 12,345", "1 in a million+")
    ]
    assert [one_in_line(each) for each in (0.05, 0.025, 0.3, 0.0)] == ["1 in 20", "1 in 40", "1 in 3.3", "never"]


@pytest.mark.slow
@given(LOGS, LOGS, RISKS)
def test_a_claim_is_called_proven_just_where_its_line_was_reached(now: float, before: float, risk: float) -> None:
    largest = max(now, before, 0.0)
    assert claim_words(now, largest, risk).startswith("proven") == (largest >= -log(risk))


def test_what_the_evidence_is_now_is_told_only_where_that_says_more_than_the_line() -> None:
    seen = ((20.3, 21.5), (17.2, 20.1), (96.5, 97.5), (30.5, 30.5))
    proven = "proven at 1 in 20"
    told = [claim_words(log(now), log(largest), 0.05) for now, largest in seen]
    assert told == [proven, f"{proven}; 1 in 17 now", f"{proven}; 1 in 96 now", proven]


def test_what_only_a_guessed_scatter_would_prove_is_not_called_proven() -> None:
    words = claim_words(5.0, 0.0, 0.05)
    assert "proven at" not in words and "once scatter is known" in words


@pytest.mark.slow
@given(st.lists(LOGS, max_size=80), RISKS, st.integers(1, 30))
def test_a_row_of_bars_fits_ends_with_the_latest_look_and_is_full_only_at_the_line(
    values: list[float], risk: float, columns: int
) -> None:
    line = -log(risk)
    row = sparkline(values, line, columns)
    assert len(row) == min(columns, len(values))
    if values:
        assert (row[-1] == LEVELS[-1]) == (values[-1] >= line)
        assert (row[-1] == LEVELS[0]) >= (values[-1] <= 0)
    in_ascii = sparkline(values, line, columns, in_ascii=True)
    assert [LEVELS_IN_ASCII.index(each) for each in in_ascii] == [LEVELS.index(each) for each in row]
