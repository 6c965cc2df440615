"""A rung beyond a first one that harms is tried once, since Exact Match need not fall as settings get bolder."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.rollout.search.ladder import Ladder
from earlystop.rollout.search.trial import Belief, Estimate, SearchTerms, TrialEnd, TrialOutcome
from tests.unit.rollout.search.made_up import TERMS, Truth, rungs, savings_of, search

TEN = rungs(10)
U_SHAPE = Truth((0.0, 0.004, 0.012, 0.03, 0.04, 0.03, 0.01, 0.004, 0.03, 0.065), savings_of(10))
FALLING = Truth((0.004, 0.008, 0.03, 0.05, 0.08, 0.09, 0.1, 0.1, 0.1, 0.1), savings_of(10))


DEEP_U = Truth((0.0, 0.004, 0.03, 0.06, 0.08, 0.06, 0.01, 0.004, 0.03, 0.06), savings_of(10))
VERSION_6 = replace(TERMS, version=6)


def first_trial(end: TrialEnd, loss: float = 0.04, rung: int = 4) -> TrialOutcome:
    return TrialOutcome(rung, end, 0.025, Estimate(loss, 0.007), Estimate(0.25, 0.01), 15_000)


def second_trial(outcome: TrialOutcome, terms: SearchTerms = TERMS, belief: Belief | None = None) -> int | None:
    tried = Ladder().propose(TEN, [outcome], terms, belief, 1)
    return None if tried is None else tried.setting


def test_where_a_curve_turns_round_the_bold_rung_that_holds_is_certified_before_any_careful_one() -> None:
    outcomes = search(Ladder(), TEN, U_SHAPE)
    assert [(each.setting, each.end) for each in outcomes[:2]] == [(4, TrialEnd.HARMFUL), (7, TrialEnd.CERTIFIED)]


def test_where_it_goes_on_to_fall_careful_rungs_are_climbed_after_it() -> None:
    outcomes = search(Ladder(), TEN, FALLING, VERSION_6)
    assert [each.setting for each in outcomes] == [4, 7, 0, 1, 2]
    assert [each.setting for each in outcomes if each.end is TrialEnd.CERTIFIED] == [0, 1]


def test_its_trial_costs_one_failure_and_no_risk_of_the_one_that_is_left() -> None:
    outcomes = search(Ladder(), TEN, FALLING, VERSION_6)
    assert [each.risk for each in outcomes] == [0.025] + [0.0125] * 4


def test_a_sentence_says_to_people_why_it_is_tried() -> None:
    tried = Ladder().propose(TEN, [first_trial(TrialEnd.HARMFUL)], TERMS, None, 1)
    assert tried is not None and tried.reason == (
        "window-0.78 is bolder than window-0.44, which harms: if Exact Match goes on to fall, its harm shows soon, and "
        "if it rises again, much is saved"
    )


def test_after_great_harm_the_rung_beyond_waits_until_something_serves() -> None:
    outcomes = search(Ladder(), TEN, FALLING)
    assert [each.setting for each in outcomes] == [4, 1, 2, 7]
    assert [each.end for each in outcomes[:2]] == [TrialEnd.HARMFUL, TrialEnd.CERTIFIED]


def test_a_curve_that_turns_after_great_harm_is_found_beside_what_serves() -> None:
    outcomes = search(Ladder(), TEN, DEEP_U)
    assert [each.setting for each in outcomes if each.end is TrialEnd.CERTIFIED] == [1, 7]


def test_the_last_failure_is_for_the_rung_beyond_where_no_careful_one_is_likely_enough_to_hold() -> None:
    outcomes = [first_trial(TrialEnd.HARMFUL, 0.08), first_trial(TrialEnd.HARMFUL, 0.2, 2)]
    tried = Ladder().propose(TEN, [*outcomes, first_trial(TrialEnd.CERTIFIED, 0.005, 0)], TERMS, None, 1)
    assert tried is not None and tried.setting == 7


@pytest.mark.parametrize("loss", [0.0748, 0.0752])
def test_great_harm_is_more_than_four_margins_but_a_quarter(loss: float) -> None:
    assert (second_trial(first_trial(TrialEnd.HARMFUL, loss)) == 7) is (loss < 0.075)


@pytest.mark.parametrize("end", [TrialEnd.INCONCLUSIVE, TrialEnd.CERTIFIED])
def test_a_first_trial_that_shows_no_harm_says_nothing_of_a_turn(end: TrialEnd) -> None:
    before = replace(TERMS, version=5)
    assert second_trial(first_trial(end, 0.019)) == second_trial(first_trial(end, 0.019), before)


def test_a_search_that_may_fail_twice_has_no_failure_for_it() -> None:
    tried = second_trial(first_trial(TrialEnd.HARMFUL), replace(TERMS, failure_budget=2))
    assert tried is not None and tried < 4


def test_history_that_knows_the_rung_is_asked_instead() -> None:
    falling = Belief(tuple(Estimate(loss, 0.004) for loss in FALLING.losses), (None,) * 10)
    tried = second_trial(first_trial(TrialEnd.HARMFUL), belief=falling)
    assert tried is not None and tried < 4


@pytest.mark.parametrize("rung", [4, 9])
@pytest.mark.parametrize("budget", [2, 3])
@pytest.mark.parametrize("knows", [False, True])
def test_after_great_harm_nothing_is_put_off_where_no_rung_beyond_waits(rung: int, budget: int, knows: bool) -> None:
    holds_again = (*FALLING.losses[:5], 0.05, 0.02, 0.001, 0.001, 0.1)
    belief = Belief(tuple(Estimate(loss, 0.004) for loss in holds_again), (None,) * 10) if knows else None
    terms, deep = replace(TERMS, failure_budget=budget), first_trial(TrialEnd.HARMFUL, 0.09, rung)
    if rung == 9 or budget == 2 or knows:
        assert second_trial(deep, terms, belief) == second_trial(deep, replace(terms, version=6), belief)
    else:
        assert second_trial(deep, terms) != second_trial(deep, replace(terms, version=6))


def test_nothing_lies_beyond_the_boldest_rung() -> None:
    tried = second_trial(first_trial(TrialEnd.HARMFUL, rung=9))
    assert tried is not None and tried < 9
