"""What a trial is worth for what may follow it, and for what it may find beyond what is expected."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.rollout.search.bayesian import Bayesian
from earlystop.rollout.search.ladder import Ladder
from earlystop.rollout.search.trial import Estimate, Proposer, SearchTerms, TrialEnd, TrialOutcome
from tests.unit.rollout.search.made_up import TERMS, Truth, rungs, search

BEFORE = replace(TERMS, version=5)
CERTIFIED, HARMFUL = TrialEnd.CERTIFIED, TrialEnd.HARMFUL


def came_of(setting: int, end: TrialEnd, loss: float, saving: float, error: float = 0.004) -> TrialOutcome:
    return TrialOutcome(setting, end, 0.0125, Estimate(loss, error), Estimate(saving, 0.02), 20_000)


def next_rung(outcomes: list[TrialOutcome], terms: SearchTerms, count: int = 10) -> int | None:
    tried = Ladder().propose(rungs(count), outcomes, terms, None, 1)
    return None if tried is None else tried.setting


def test_before_the_last_failure_a_careful_rung_comes_before_a_bold_one_that_can_be_tried_after_it() -> None:
    outcomes = [came_of(4, HARMFUL, 0.05, 0.25), came_of(7, HARMFUL, 0.06, 0.4), came_of(0, CERTIFIED, 0.0, 0.05)]
    assert next_rung(outcomes, TERMS) == 1
    assert next_rung(outcomes, BEFORE) == 2, "which, if it fails, ends the search with less"


def test_while_nothing_serves_the_last_failure_is_for_the_rung_that_is_likeliest_to_keep_the_margin() -> None:
    outcomes = [came_of(4, HARMFUL, 0.05, 0.25), came_of(7, HARMFUL, 0.1, 0.4)]
    assert next_rung(outcomes, TERMS) == 0


def test_a_rung_between_two_that_hold_is_tried_for_what_it_may_save_beyond_its_mean() -> None:
    outcomes = [came_of(2, CERTIFIED, -0.2, 0.37, 0.02), came_of(4, CERTIFIED, -0.2, 0.34, 0.02)]
    assert next_rung(outcomes, TERMS, count=5) == 3
    assert next_rung(outcomes, BEFORE, count=5) is None


def test_a_rung_that_may_fail_is_not() -> None:
    outcomes = [came_of(2, CERTIFIED, 0.016, 0.37), came_of(4, CERTIFIED, 0.016, 0.37)]
    assert next_rung(outcomes, TERMS, count=5) == next_rung(outcomes, BEFORE, count=5)


@pytest.mark.parametrize(("proposer", "count"), [(Ladder(), 20), (Bayesian(), 60)], ids=["Ladder", "Bayesian"])
def test_where_all_settings_save_alike_most_are_left_untried_however_long_the_horizon(
    proposer: Proposer, count: int
) -> None:
    alike = Truth((0.0,) * count, [0.3] * count)
    for horizon in (1_000_000, 50_000_000):
        assert len(search(proposer, rungs(count), alike, replace(TERMS, horizon=horizon))) <= 11


def test_after_two_certificates_that_save_no_more_settings_count_with_what_they_are_expected_to_save() -> None:
    outcomes = [came_of(2, CERTIFIED, -0.2, 0.37, 0.02), came_of(4, CERTIFIED, -0.2, 0.34, 0.02)]
    no_more = [*outcomes, came_of(3, CERTIFIED, -0.2, 0.35, 0.02)]
    assert next_rung(no_more, TERMS, count=5) == next_rung(no_more, BEFORE, count=5)
