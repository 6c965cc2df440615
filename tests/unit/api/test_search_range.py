"""A range of a search is read within bounds, whatever decimals are written, and says where a factor was meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlystop.api.search import SearchProblem, SearchRange
from earlystop.api.search_range import MOST_NUMBERS, numbers_of
from tests.unit.rollout.policies import examples

DECIMALS = st.sampled_from(
    ["-999999999", "-1", "0", "0.000001", "0.000002", "1", "1.000001", "1.5", "2", "40", "999999999.999999"]
)


def written(least: str, most: str, step: str, scale: str = "Linear") -> SearchRange:
    return SearchRange.model_validate({"from": least, "to": most, "step": step, "scale": scale})


def problem_of(of_range: SearchRange) -> str:
    with pytest.raises(SearchProblem) as refused:
        numbers_of(of_range, False, "the range")
    return str(refused.value)


@pytest.mark.parametrize("step", ["1.000001", "1.00001", "1.1"])
def test_a_step_near_one_that_misses_the_end_is_refused_and_not_multiplied_out_for_ever(step: str) -> None:
    assert problem_of(written("1", "40", step)).endswith("count instead of step")


@pytest.mark.parametrize("least", ["1", "5", "0.000001"])
def test_a_factor_near_one_is_refused_however_far_its_end_is(least: str) -> None:
    assert "holds more than 1,000 numbers" in problem_of(written(least, "40", "1.000001", "Log"))


def test_a_range_that_a_factor_near_one_misses_says_which_numbers_are_about_its_end() -> None:
    problem = problem_of(written("5", "5.004995", "1.000001", "Log"))
    assert "5.004992 is followed by 5.004997" in problem and 'to: "5.004992"' in problem


def test_a_step_that_leads_to_the_end_as_a_factor_is_told_so() -> None:
    assert "scale: Log" in problem_of(written("1", "1000", "10"))
    assert "scale: Log" not in problem_of(written("1", "1001", "11"))
    assert len(numbers_of(written("1", "1000", "10", "Log"), False, "the range")) == 4


@examples
@given(least=DECIMALS, most=DECIMALS, step=DECIMALS, scale=st.sampled_from(["Linear", "Log"]))
def test_any_range_has_at_most_so_many_numbers_or_a_sentence(least: str, most: str, step: str, scale: str) -> None:
    try:
        numbers = numbers_of(written(least, most, step, scale), False, "the range")
    except SearchProblem:
        return
    assert 2 <= len(numbers) <= MOST_NUMBERS and numbers[0] == least
