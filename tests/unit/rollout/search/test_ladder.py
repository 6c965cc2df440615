"""The ladder: successes are free, failures spend the risk, and no order of rungs certifies a bad one too often."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from earlystop.rollout.search import ladder
from earlystop.rollout.search.ladder import Ladder
from earlystop.rollout.search.trial import Belief, Estimate, TrialEnd, TrialOutcome
from tests.unit.rollout.search.made_up import (
    TABLE_LOSSES,
    TERMS,
    Truth,
    largest_error,
    rungs,
    savings_of,
    search,
)

LADDER = Ladder()
TEN = rungs(10)
TABLE = Truth(TABLE_LOSSES, savings_of(10))


def random_estimates(rng: random.Random, count: int) -> list[Estimate]:
    return [Estimate(rng.uniform(-0.05, 0.1), rng.choice([0.001, 0.01])) for _ in range(count)]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("budget", [1, 3])
def test_whatever_the_truth_is_a_violating_rung_is_certified_no_more_often_than_the_risk(
    seed: int, budget: int
) -> None:
    rng = random.Random(seed)
    terms = replace(TERMS, risk=0.2, failure_budget=budget, horizon=100_000_000)
    guesses = random_estimates(rng, 5)
    belief = Belief(tuple(guesses), (None,) * 5) if seed % 2 else None
    error = largest_error(LADDER, rungs(5), terms, belief, random_estimates(rng, 5))
    assert 0 < error <= 0.2 + 1e-12


@pytest.mark.parametrize("budget", [1, 2, 3, 6])
def test_all_failures_together_spend_exactly_the_risk(budget: int) -> None:
    levels = [ladder.level(0.05, budget, failures) for failures in range(budget)]
    assert sum(levels) == pytest.approx(0.05)
    assert levels == sorted(levels, reverse=True)


def test_a_success_spends_nothing_and_a_failure_its_level() -> None:
    first = LADDER.propose(TEN, [], TERMS, None, 1)
    assert first is not None and first.risk == 0.025
    passed = LADDER.propose(TEN, [TABLE.outcome(first, TrialEnd.CERTIFIED)], TERMS, None, 1)
    failed = LADDER.propose(TEN, [TABLE.outcome(first, TrialEnd.INCONCLUSIVE)], TERMS, None, 1)
    assert passed is not None and passed.risk == 0.025
    assert failed is not None and failed.risk == 0.0125


def test_the_step_doubles_with_a_success_halves_with_a_failure_and_becomes_short() -> None:
    order, steps = list(range(10)), []
    rows = [
        TrialOutcome(rung, end, 0.01, None, None, 100)
        for rung, end in ((1, TrialEnd.CERTIFIED), (5, TrialEnd.HARMFUL), (4, TrialEnd.HARMFUL), (3, TrialEnd.HARMFUL))
    ]
    for count in range(len(rows) + 1):
        steps.append(ladder.climb(TEN, order, rows[:count], TERMS, None).step)
    assert steps == [5, 10, 5, 3, 2]


def test_a_first_trial_is_of_a_careful_rung_and_later_ones_climb_to_the_boldest_that_keeps_the_margin() -> None:
    outcomes = search(LADDER, TEN, TABLE)
    certified = [each.setting for each in outcomes if each.end is TrialEnd.CERTIFIED]
    assert outcomes[0].setting <= 4 and max(certified) == 6


def test_every_search_ends_and_never_tries_a_rung_twice() -> None:
    rng = random.Random(13)
    for _ in range(30):
        count = rng.randint(1, 12)
        truth = Truth([rng.choice([0.0, 0.01, 0.05]) for _ in range(count)], [rng.random() for _ in range(count)])
        tried = [each.setting for each in search(LADDER, rungs(count), truth)]
        assert len(set(tried)) == len(tried) <= count


def test_beyond_a_rung_that_failed_a_bolder_one_may_be_tried_since_a_curve_may_turn_round() -> None:
    terms = replace(TERMS, horizon=10**8)
    outcomes = search(LADDER, rungs(5), Truth([0.0, 0.0, 0.06, 0.0, 0.0], savings_of(5)), terms)
    assert outcomes[0].setting == 2 and outcomes[0].end is TrialEnd.HARMFUL
    assert {3, 4} & {each.setting for each in outcomes if each.end is TrialEnd.CERTIFIED}


def test_history_orders_the_trials_and_lowers_no_bar() -> None:
    known = tuple(Estimate(loss, 0.002) for loss in TABLE_LOSSES)
    belief = Belief(known, tuple(Estimate(saving, 0.02) for saving in savings_of(10)))
    first = LADDER.propose(TEN, [], TERMS, belief, 1)
    cold = LADDER.propose(TEN, [], TERMS, None, 1)
    assert first is not None and cold is not None
    assert first.setting in (4, 5, 6) and first.risk == cold.risk


def test_a_trial_gets_no_more_requests_than_its_saving_over_the_horizon_is_worth() -> None:
    certified = [TrialOutcome(5, TrialEnd.CERTIFIED, 0.025, Estimate(0.009, 0.004), Estimate(0.30, 0.01), 20_000)]
    tried = [LADDER.propose(TEN, certified, replace(TERMS, horizon=each), None, 1) for each in (10**6, 10**5, 10**3)]
    requests = [0 if each is None else each.requests for each in tried]
    assert requests[0] > requests[1] > requests[2] == 0


def test_no_trial_may_take_more_requests_than_are_left() -> None:
    tried = LADDER.propose(TEN, [], replace(TERMS, requests=9000), None, 1)
    assert tried is not None and tried.requests <= 9000
    assert LADDER.propose(TEN, [], replace(TERMS, requests=50), None, 1) is None


def test_the_order_in_which_settings_are_written_changes_no_trial() -> None:
    tried = [(settings, LADDER.propose(settings, [], TERMS, None, 1)) for settings in (TEN, TEN[::-1])]
    assert len({settings[each.setting].name for settings, each in tried if each is not None}) == 1


def test_settings_of_two_parameters_are_refused() -> None:
    two = [replace(each, place=(0.0, 1.0)) for each in rungs(3)]
    with pytest.raises(ValueError, match="Grid, Bayesian or Bandit"):
        LADDER.propose(two, [], TERMS, None, 1)


def test_an_outcome_of_a_setting_that_is_not_searched_is_refused() -> None:
    row = TrialOutcome(3, TrialEnd.HARMFUL, 0.01, None, None, 100)
    with pytest.raises(ValueError, match="3 may be tried"):
        LADDER.propose(rungs(3), [row], TERMS, None, 1)


def test_a_history_of_other_settings_is_refused() -> None:
    with pytest.raises(ValueError, match="history knows 2 settings"):
        LADDER.propose(rungs(3), [], TERMS, Belief((None, None), (None, None)), 1)


CAREFUL_ALONE_HOLDS = Truth([0.004, 0.03, 0.05, 0.07, 0.08, 0.1, 0.1, 0.1, 0.1, 0.1], savings_of(10))


def test_where_only_the_most_careful_setting_holds_the_last_failure_is_not_spent_on_a_bold_one() -> None:
    outcomes = search(LADDER, rungs(10), CAREFUL_ALONE_HOLDS)
    failed = [each.setting for each in outcomes if each.end is not TrialEnd.CERTIFIED]
    assert [each.setting for each in outcomes if each.end is TrialEnd.CERTIFIED] == [0]
    assert len(failed) == TERMS.failure_budget and outcomes[2].setting == 0, "what is bolder is tried after it"


def test_what_version_3_spent_the_last_failure_on_is_proposed_again_by_its_number() -> None:
    outcomes = search(LADDER, rungs(10), CAREFUL_ALONE_HOLDS, replace(TERMS, version=3))
    assert [each.setting for each in outcomes] == [4, 1, 9]


def test_what_version_5_tried_after_a_first_rung_that_harms_is_proposed_again_by_its_number() -> None:
    outcomes = search(LADDER, rungs(10), CAREFUL_ALONE_HOLDS, replace(TERMS, version=5))
    assert [each.setting for each in outcomes] == [4, 1, 0, 8]
