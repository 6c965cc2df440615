"""The ladder: successes are free, failures spend the risk, and no order of rungs certifies a bad one too often."""

from __future__ import annotations

import numpy as np
import pytest

from earlystop.evidence import ladder
from earlystop.evidence.ladder import Ladder, Outcome, Trial
from tests.unit.evidence.simulate import at_most


def climb(search: Ladder, outcomes: str) -> list[tuple[int, float]]:
    """The tests made while outcomes come as written: p passed, f failed."""
    made = []
    for letter in outcomes:
        due = ladder.next_test(search)
        assert due is not None
        made.append((due.rung, due.risk))
        search = ladder.record(search, due.rung, Outcome.PASSED if letter == "p" else Outcome.FAILED)
    return made


def test_rungs_that_pass_cost_nothing_and_the_search_ends_at_the_top() -> None:
    search = ladder.start(3, 0.04)
    assert climb(search, "ppp") == [(0, 0.02), (1, 0.02), (2, 0.02)]
    for rung in range(3):
        search = ladder.record(search, rung, Outcome.PASSED)
    assert search.certified == 2 and ladder.next_test(search) is None


def test_failures_spend_a_half_a_quarter_and_a_quarter_of_the_risk() -> None:
    search = ladder.start(20, 0.04, failure_budget=3, first_step=10, longest_step=8)
    assert climb(search, "fff") == [(9, 0.02), (4, 0.01), (1, 0.01)]


@pytest.mark.parametrize("budget", [1, 2, 3, 6])
def test_all_failures_together_spend_exactly_the_risk(budget: int) -> None:
    search, spent = ladder.start(100, 0.05, budget, first_step=90), 0.0
    while (due := ladder.next_test(search)) is not None:
        spent += due.risk
        search = ladder.record(search, due.rung, Outcome.FAILED)
    assert spent == pytest.approx(0.05) and search.failures == budget


def test_a_bolder_step_doubles_with_success_halves_with_failure_and_stays_below_what_failed() -> None:
    search = ladder.start(10, 0.05, 3, first_step=2, longest_step=4)
    assert [rung for rung, _ in climb(search, "ppfp")] == [1, 5, 9, 7]


def test_one_rung_at_a_time_ends_at_the_first_failure() -> None:
    search = ladder.record(ladder.start(5, 0.05), 0, Outcome.PASSED)
    search = ladder.record(search, 1, Outcome.FAILED)
    assert search.certified == 0 and ladder.next_test(search) is None


def test_every_search_ends_and_never_tests_a_rung_twice() -> None:
    rng = np.random.default_rng(13)
    for _ in range(300):
        sizes = [int(x) for x in rng.integers(1, 12, size=3)]
        search, seen = ladder.start(sizes[0], 0.05, int(rng.integers(1, 5)), sizes[1], sizes[2]), set()
        while (due := ladder.next_test(search)) is not None:
            assert 0 <= due.rung < sizes[0] and due.rung not in seen
            seen.add(due.rung)
            search = ladder.record(search, due.rung, Outcome.PASSED if rng.random() < 0.6 else Outcome.FAILED)


@pytest.mark.parametrize(("first_step", "longest_step"), [(1, 1), (2, 4), (6, 4)])
def test_a_violating_rung_is_certified_no_more_often_than_the_risk_even_by_the_luckiest_test(
    first_step: int, longest_step: int
) -> None:
    rng, runs, risk, wrong = np.random.default_rng(14), 4000, 0.2, 0
    for _ in range(runs):
        search = ladder.start(10, risk, 3, first_step, longest_step)
        while (due := ladder.next_test(search)) is not None:
            violating = due.rung >= 5  # such a rung passes exactly as often as its test allows
            passed = rng.random() < (due.risk if violating else 0.9)
            search = ladder.record(search, due.rung, Outcome.PASSED if passed else Outcome.FAILED)
        wrong += search.certified is not None and search.certified >= 5
    assert wrong / runs <= at_most(risk, runs)


def test_an_outcome_of_another_rung_is_refused() -> None:
    with pytest.raises(ValueError, match="rung 2 was not due"):
        ladder.record(ladder.start(5, 0.05), 2, Outcome.PASSED)
    assert ladder.next_test(ladder.start(5, 0.05, 1)) == Trial(0, 0.05)


def test_values_outside_their_domain_are_refused() -> None:
    with pytest.raises(ValueError, match="write 1 or more"):
        ladder.start(0, 0.05)
    with pytest.raises(ValueError, match=r"as in 0\.05"):
        ladder.start(3, 0.0)
