"""Labels that come late cost no error, however long they take, since all count at one age of their requests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulations.late_labels import MARGIN, Labels, campaigns

SLOW_WRONG_CANDIDATE = Labels(baseline=(2, 2), candidate=(2, 10), counted_at=100)
SLOW_WRONG_BASELINE = Labels(baseline=(2, 10), candidate=(2, 2), counted_at=100)
SLOW_CANDIDATE = Labels(baseline=(2, 2), candidate=(10, 10), counted_at=60)
"""At an age of 60 looks and more nearly no label is left out: what is, is missing, and costs error."""
RUNS = 40
# Of 40 campaigns the risk of 5 % allows 2; three standard deviations of a binomial above that are 6.
MOST = 6 / RUNS


@pytest.mark.parametrize("labels", [SLOW_WRONG_CANDIDATE, SLOW_CANDIDATE])
def test_a_candidate_that_loses_the_margin_is_promoted_no_more_often_than_the_risk_allows(labels: Labels) -> None:
    assert campaigns(labels, MARGIN, RUNS).promoted <= MOST


@pytest.mark.parametrize("labels", [SLOW_WRONG_BASELINE, SLOW_CANDIDATE])
def test_an_honest_candidate_is_promoted_and_late_labels_are_no_difference_of_the_variants(labels: Labels) -> None:
    ends = campaigns(labels, 0.0, RUNS)
    assert ends.rolled_back <= MOST and ends.promoted >= 0.8
    assert ends.attrition <= 2 / RUNS


def test_labels_that_count_when_they_come_would_promote_a_harmful_candidate_and_take_back_an_honest_one() -> None:
    at_once = [replace(each, counted_at=None) for each in (SLOW_WRONG_CANDIDATE, SLOW_WRONG_BASELINE)]
    assert campaigns(at_once[0], MARGIN, RUNS).promoted > 0.9
    assert campaigns(at_once[1], 0.0, RUNS).rolled_back > 0.9
